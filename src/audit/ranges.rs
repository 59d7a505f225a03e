//! Rules on Range and If-Range (RFC 9110 §13.1.5, §14).

use super::catalogue as kinds;
use super::exchange::{EPOCH, Response};
use super::finding::Finding;
use super::probe::Probe;
use super::view::{Series, Taken};
use crate::finding::Definition;
use crate::http::date::HttpDate;
use crate::http::field::list_has;

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] =
    &[if_range_ignored, if_range_refused, range_wrong, range_not_ignored];

fn answers<'a>(series: &Series<'a>, probe: Probe) -> Option<(Taken<'a>, &'a Response)> {
    let taken = series.get(probe)?;
    Some((taken, taken.exchange.answer()?))
}

/// A part was sent to who has a part of something else.
fn if_range_ignored(series: &Series<'_>) -> Option<Finding> {
    let (first, _) = series.first()?;
    if !series.is_stable() {
        return None;
    }
    let probes = [Probe::IfRangeOther, Probe::IfRangeWeak, Probe::IfRangeEarlier, Probe::IfRangeLater];
    let heeded = probes.into_iter().filter_map(|probe| answers(series, probe));
    let wrong: Vec<_> = heeded.filter(|(_, answer)| answer.status == 206).map(|(taken, _)| taken).collect();
    let field = wrong.first()?.exchange.request.fields.get("If-Range").unwrap_or_default();
    let says = format!(
        "Resumed downloads get corrupt: a range with If-Range: {field} gets a part (206) in place of the whole."
    );
    Some(Finding::new(&kinds::IF_RANGE_IGNORED, series, says).shown_by([first]).shown_by(wrong))
}

/// The whole was sent to who has a part of the very same, each time, by who announces that it divides. Without that
/// nothing is proved: Apache divides, unannounced, what came in one piece from the application, and not what came in
/// two, which is chance.
fn if_range_refused(series: &Series<'_>) -> Option<Finding> {
    let (first, response) = series.first()?;
    let (divided, _) = answers(series, Probe::Range)?;
    let is_divided = |probe| answers(series, probe).is_none_or(|(_, part)| part.status == 206);
    let is_announced = response.fields.get("Accept-Ranges").is_some_and(|units| list_has(units, "bytes"));
    if !series.is_stable() || !is_announced || !is_divided(Probe::Range) || !is_divided(Probe::RangeOne) {
        return None;
    }
    // A date that is hardly older than the response may be that of two versions (RFC 9110 §8.8.2.2).
    let date = response.fields.get("Date").and_then(|date| HttpDate::parse(date.as_bytes(), EPOCH));
    let is_strong = date.zip(series.last_modified()).is_some_and(|(date, changed)| changed.plus(60) < date);
    let all: Vec<_> = series
        .all(Probe::IfRangeExact)
        .chain(series.all(Probe::IfRangeDate).filter(|_| is_strong))
        .filter_map(|taken| Some((taken, taken.exchange.answer()?)))
        .collect();
    let is_whole = |answer: &Response| answer.status == 200 && answer.body.is_same(&response.body);
    let (taken, _) = *all.first()?;
    let field = taken.exchange.request.fields.get("If-Range").unwrap_or_default();
    let says = format!(
        "Each resumed download begins anew: a range with If-Range: {field}, which is the current one, gets the whole."
    );
    all.iter()
        .all(|(_, answer)| is_whole(answer))
        .then(|| Finding::new(&kinds::IF_RANGE_REFUSED, series, says).shown_by([first, divided, taken]))
}

/// What was answered to a range is not what it asks for.
fn range_wrong(series: &Series<'_>) -> Option<Finding> {
    let (first, response) = series.first()?;
    let mut said = Said::default();
    if let Some((taken, answer)) = answers(series, Probe::Range) {
        let wanted = response.body.kept.get(..2).unwrap_or_default();
        let is_plain = response.body.length >= 2
            && answer.fields.get("Content-Encoding") == response.fields.get("Content-Encoding");
        match answer.status {
            206 if is_plain && series.is_stable() && answer.body.kept != wanted => {
                said.tell(taken, "bytes=0-1 gets something else than the first two octets.".into());
            }
            206 if answer.fields.get("Content-Range").is_none() => {
                said.tell(taken, "bytes=0-1 gets a 206 without Content-Range.".into());
            }
            416 if response.body.length >= 2 => said.tell(taken, "bytes=0-1 is refused with 416.".into()),
            _ => {}
        }
    }
    if let Some((taken, answer)) = answers(series, Probe::RangeOne) {
        let wanted = response.body.kept.get(3..4).unwrap_or_default();
        let is_there = response.body.length >= 4;
        let is_plain = answer.fields.get("Content-Encoding") == response.fields.get("Content-Encoding");
        match answer.status {
            416 if is_there => said.tell(taken, "bytes=3-3 is one octet, and is refused with 416.".into()),
            206 if is_there && is_plain && series.is_stable() && answer.body.kept != wanted => {
                said.tell(taken, "bytes=3-3 gets something else than the fourth octet.".into());
            }
            _ => {}
        }
    }
    for probe in RANGES {
        if let Some((taken, answer)) = answers(series, probe)
            && answer.status >= 500
        {
            let range = taken.exchange.request.fields.get("Range").unwrap_or_default();
            said.tell(
                taken,
                format!("{} with Range: {range} gets {}.", taken.exchange.request.method, answer.status),
            );
        }
    }
    if let Some((taken, answer)) = answers(series, Probe::RangeInm)
        && answer.status == 206
        && series.get(Probe::InmExact).and_then(|one| one.exchange.status()) == Some(304)
    {
        said.tell(taken, "A range with an If-None-Match that matches gets a 206 in place of a 304.".into());
    }
    said.finding(&kinds::RANGE_WRONG, series, first)
}

const RANGES: [Probe; 6] = [
    Probe::Range,
    Probe::RangeOne,
    Probe::RangeOverlapping,
    Probe::RangeUnit,
    Probe::RangeEmpty,
    Probe::RangeHead,
];

/// Ranges that are to be ignored or refused.
fn range_not_ignored(series: &Series<'_>) -> Option<Finding> {
    let (first, _) = series.first()?;
    let mut said = Said::default();
    if let Some((taken, answer)) = answers(series, Probe::RangeUnit)
        && matches!(answer.status, 206 | 400..=499)
    {
        said.tell(taken, format!("A range in an unknown unit is to be ignored, and gets {}.", answer.status));
    }
    // As much of it as there was, if it was more than is read.
    if let Some(taken) = series.get(Probe::RangeOverlapping)
        && let Some(answer) = &taken.exchange.response
        && let Some((_, response)) = series.first()
        && response.body.length >= SHORTEST
        && answer.body.length >= 2 * response.body.length
    {
        let (whole, more) = (response.body.length, answer.body.length);
        said.tell(
            taken,
            format!(
                "Three ranges that overlap get {more} octets of content that has {whole}: a small request costs a large answer."
            ),
        );
    }
    if let Some((taken, answer)) = answers(series, Probe::RangeEmpty)
        && answer.status == 206
    {
        said.tell(taken, "bytes=-0 can't be satisfied, and gets a 206.".into());
    }
    if let Some((taken, answer)) = answers(series, Probe::RangeHead)
        && matches!(answer.status, 206 | 416)
        && series.get(Probe::Head).and_then(|head| head.exchange.status()) == Some(200)
    {
        said.tell(taken, format!("A range is for GET alone, and HEAD with one gets {}.", answer.status));
    }
    said.finding(&kinds::RANGE_QUIRKS, series, first)
}

/// Of what is shorter the heads of the parts may be most of the answer.
const SHORTEST: u64 = 500;

/// Sentences, and what shows them.
#[derive(Default)]
struct Said<'a> {
    sentences: Vec<String>,
    shown: Vec<Taken<'a>>,
}

impl<'a> Said<'a> {
    fn tell(&mut self, taken: Taken<'a>, sentence: String) {
        self.sentences.push(sentence);
        self.shown.push(taken);
    }

    fn finding(
        self,
        definition: &'static Definition,
        series: &Series<'_>,
        first: Taken<'a>,
    ) -> Option<Finding> {
        let says = self.sentences.join(" ");
        (!self.sentences.is_empty())
            .then(|| Finding::new(definition, series, says).shown_by([first]).shown_by(self.shown))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, ids};

    #[test]
    fn a_part_for_who_has_another_version_is_told() {
        for probe in ["if-range-other", "if-range-weak", "if-range-earlier", "if-range-later"] {
            let answered = |status| Sample::page().answer(probe, status, &[("ETag", "\"a\"")], "co");
            assert_eq!(ids(&answered(206)), ["if-range-ignored"], "{probe}");
            assert_eq!(ids(&answered(200)), [""; 0], "{probe}");
        }
    }

    #[test]
    fn ranges_that_are_answered_wrongly_are_told() {
        let fields = [("ETag", "\"a\""), ("Content-Range", "bytes 0-1/7")];
        for (probe, status, body, id) in [
            ("range", 206, "on", "range-wrong"),
            ("range", 416, "", "range-wrong"),
            ("range-unit", 503, "", "range-wrong"),
            ("range-one", 416, "", "range-wrong"),
            ("range-one", 206, "o", "range-wrong"),
            ("range-inm", 206, "co", "range-wrong"),
            ("range-unit", 416, "", "range-not-ignored"),
            ("range-unit", 206, "co", "range-not-ignored"),
            ("range-empty", 206, "", "range-not-ignored"),
            ("range-head", 206, "", "range-not-ignored"),
        ] {
            assert_eq!(ids(&Sample::page().answer(probe, status, &fields, body)), [id], "{probe} {status}");
        }
        assert_eq!(ids(&Sample::page().answer("range", 206, &fields, "co")), [""; 0]);
        assert_eq!(ids(&Sample::page().answer("range-one", 206, &fields, "t")), [""; 0]);
    }

    #[test]
    fn the_whole_for_who_has_the_current_version_is_told_if_parts_can_be_had() {
        let fields = [("ETag", "\"a\""), ("Content-Range", "bytes 0-1/7")];
        let asked = |sample: Sample, probe, status| {
            let parted = sample.answer("range", 206, &fields, "co");
            ids(&parted.answer(probe, status, &[], if status == 206 { "co" } else { "content" }))
        };
        let page = || Sample::page().with("Accept-Ranges", "bytes");
        assert_eq!(asked(page(), "if-range-exact", 200), ["if-range-refused"]);
        assert_eq!(asked(page(), "if-range-exact", 206), [""; 0]);
        assert_eq!(asked(page(), "if-range-date", 200), ["if-range-refused"]);
        // Changed within the minute before: that date is weak.
        let fresh = page().with("Date", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(asked(fresh, "if-range-date", 200), [""; 0]);
        // Nobody divides here, or by chance only.
        assert_eq!(ids(&page().answer("if-range-exact", 200, &[], "content")), [""; 0]);
        assert_eq!(asked(Sample::page(), "if-range-exact", 200), [""; 0]);
    }

    #[test]
    fn an_answer_that_is_longer_than_the_whole_is_told() {
        let (short, long) = ("x".repeat(400), "x".repeat(600));
        let asked = |whole: &str, parts: usize| {
            let sample = ["first", "repeat", "replica", "range"].into_iter();
            let sample = sample.fold(Sample::page(), |sample, probe| sample.answer(probe, 200, &[], whole));
            ids(&sample.answer(
                "range-overlapping",
                206,
                &[("Content-Range", "bytes 0-1/9")],
                &whole.repeat(parts),
            ))
        };
        assert_eq!(asked(&long, 3), ["range-not-ignored"]);
        assert_eq!(asked(&long, 1), [""; 0]);
        assert_eq!(asked(&short, 3), [""; 0]);
        let probe = "range-overlapping";
        let ended = |kind| ids(&Sample::page().answer(probe, 206, &[], "").trouble(probe, kind));
        assert_eq!(ended("limit"), [""; 0]);
        assert_eq!(ended("truncated"), ["truncated-body"]);
    }
}
