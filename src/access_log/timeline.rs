//! Requests over time: how many of each class of status there were, in steps that a chart can show.

use serde::Serialize;

use super::event::Event;
use super::time;

/// Steps that are tried, in seconds: those in which people count time, up to four weeks.
const STEPS: [u32; 16] =
    [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800, 2_419_200];

/// Steps that a log has at most, unless it spans years.
const MOST: u32 = 120;

/// Requests of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// 2xx.
    pub successful: u64,
    /// 200, which are among the successful.
    pub ok: u64,
    /// 304.
    pub not_modified: u64,
    /// 3xx but 304.
    pub redirection: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
    /// Every other.
    pub other: u64,
}

impl Counts {
    fn add(&mut self, status: u16, many: u64) {
        self.ok += if status == 200 { many } else { 0 };
        let class = match status {
            304 => &mut self.not_modified,
            200..300 => &mut self.successful,
            300..400 => &mut self.redirection,
            400..500 => &mut self.client_error,
            500..600 => &mut self.server_error,
            _ => &mut self.other,
        };
        *class += many;
    }
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When it begins, in ISO 8601.
    pub time: String,
    /// Its requests.
    #[serde(flatten)]
    pub requests: Counts,
}

/// Requests over time.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Seconds of each step.
    pub step: u32,
    /// Each step from the first request to the last, those without a request among them.
    pub steps: Vec<Step>,
}

impl Timeline {
    /// Count what was read, where each stands for so many.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event> + Copy, one_in: u64) -> Self {
        let (from, to) = events
            .into_iter()
            .fold((u32::MAX, 0), |(from, to), event| (event.time.min(from), event.time.max(to)));
        if from > to {
            return Self::default();
        }
        let long = STEPS[STEPS.len() - 1];
        let many = |step: u32| to / step - from / step + 1;
        let step = STEPS.into_iter().find(|step| many(*step) <= MOST).unwrap_or(long);
        let begins = |number| i64::from(number) * i64::from(step);
        let mut steps: Vec<Step> = (from / step..=to / step)
            .map(|number| Step { time: time::written(begins(number)).unwrap_or_default(), ..Step::default() })
            .collect();
        for event in events {
            if let Some(step) = steps.get_mut((event.time / step - from / step) as usize) {
                step.requests.add(event.status, one_in);
            }
        }
        Self { step, steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::event::Method;
    use proptest::prelude::*;

    fn event(time: u32, status: u16) -> Event {
        Event {
            client: 0,
            time,
            line: 0,
            url: 0,
            bytes: 0,
            micros: 0,
            etag: 0,
            if_none_match: 0,
            status,
            method: Method::Get,
            flags: 0,
        }
    }

    #[test]
    fn steps_begin_where_people_count_from_and_none_is_left_out() {
        let noon = 1_790_164_800;
        let events =
            [event(noon + 59, 304), event(noon + 1, 200), event(noon + 7199, 404), event(noon + 60, 206)];
        let timeline = Timeline::of(&events, 4);
        assert_eq!((timeline.step, timeline.steps.len()), (60, 120));
        let step = |place: usize| (timeline.steps[place].time.as_str(), timeline.steps[place].requests);
        let first = Counts { successful: 4, ok: 4, not_modified: 4, ..Counts::default() };
        assert_eq!(step(0), ("2026-09-23T12:00:00Z", first));
        assert_eq!(step(1), ("2026-09-23T12:01:00Z", Counts { successful: 4, ..Counts::default() }));
        assert_eq!(step(119), ("2026-09-23T13:59:00Z", Counts { client_error: 4, ..Counts::default() }));
        assert!(timeline.steps[2..119].iter().all(|step| step.requests == Counts::default()));
    }

    proptest! {
        #[test]
        fn each_request_is_counted_once(
            requests in prop::collection::vec((any::<u32>(), 0_u16..1000), 0..50), narrow in 0_u32..32,
        ) {
            let requests: Vec<(u32, u16)> =
                requests.into_iter().map(|(time, status)| (time >> narrow, status)).collect();
            let events: Vec<Event> = requests.iter().map(|(time, status)| event(*time, *status)).collect();
            let timeline = Timeline::of(&events, 1);
            let all = |counts: &Counts| {
                counts.successful + counts.not_modified + counts.redirection + counts.client_error
                    + counts.server_error + counts.other
            };
            let sum = timeline.steps.iter().map(|step| all(&step.requests)).sum::<u64>();
            prop_assert_eq!(sum, events.len() as u64);
            prop_assert!(timeline.steps.len() < 2000, "a log of all times has {} steps", timeline.steps.len());
            let start = requests.iter().map(|(time, _)| *time).min().unwrap_or(0) / timeline.step.max(1);
            for (number, step) in (start..).zip(&timeline.steps) {
                let ok = requests.iter().filter(|(time, status)| time / timeline.step == number && *status == 200);
                prop_assert_eq!(step.requests.ok, ok.count() as u64);
            }
        }
    }
}
