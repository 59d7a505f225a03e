//! Rules on writes: a PUT whose precondition is false must be answered with 412, and not be done (RFC 9110 §13.1.1,
//! §13.1.2). Such are sent only where the user allows it.

use super::catalogue as kinds;
use super::exchange::Response;
use super::finding::Finding;
use super::probe::Probe;
use super::view::{Series, Taken};
use crate::finding::Definition;

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] = &[unguarded, not_modified, done_all_the_same];

/// The PUTs that were answered, with their statuses.
fn puts<'a>(series: &Series<'a>) -> Vec<(Taken<'a>, u16)> {
    let probes = [Probe::PutOther, Probe::PutGarbage, Probe::PutStar].into_iter();
    probes
        .filter_map(|probe| series.get(probe))
        .filter_map(|taken| Some((taken, taken.exchange.status()?)))
        .collect()
}

/// Another status than 2xx is whatever it is: who may not write, or can't, is told so first (§13.2.1).
fn unguarded(series: &Series<'_>) -> Option<Finding> {
    let means = "Whoever saves an old version overwrites what others saved meanwhile";
    answered(series, &kinds::WRITE_UNGUARDED, means, |status| matches!(status, 200..=299))
}

/// 304 is for GET and HEAD (§13.1.2).
fn not_modified(series: &Series<'_>) -> Option<Finding> {
    let means = "Whoever saves is not told that nothing was saved";
    answered(series, &kinds::WRITE_304, means, |status| status == 304)
}

/// PUTs that were answered with a status that is wrong.
fn answered(
    series: &Series<'_>,
    definition: &'static Definition,
    means: &str,
    is_wrong: fn(u16) -> bool,
) -> Option<Finding> {
    let wrong: Vec<_> = puts(series).into_iter().filter(|(_, status)| is_wrong(*status)).collect();
    let sentence = |(taken, status): &(Taken<'_>, u16)| {
        let fields = &taken.exchange.request.fields;
        let field =
            ["If-Match", "If-None-Match"].into_iter().find_map(|name| Some((name, fields.get(name)?)));
        let (name, value) = field.unwrap_or_default();
        format!("PUT with {name}: {value} gets {status} in place of 412")
    };
    let says = format!("{means}: {}.", wrong.iter().map(sentence).collect::<Vec<_>>().join("; "));
    let shown = wrong.iter().map(|(taken, _)| *taken);
    (!wrong.is_empty()).then(|| Finding::new(definition, series, says).shown_by(shown))
}

/// Refused, and another resource afterwards.
fn done_all_the_same(series: &Series<'_>) -> Option<Finding> {
    let (first, response) = series.first()?;
    let all = puts(series);
    let after = series.get(Probe::AfterPut)?;
    let answer = after.exchange.answer()?;
    let only_refused = !all.iter().any(|(_, status)| matches!(status, 200..=299));
    let refused: Vec<_> = all.into_iter().filter(|(_, status)| matches!(status, 304 | 412)).collect();
    // What changes by itself proves nothing.
    let &(_, status) = refused.first()?;
    if !only_refused || !series.is_stable() || !is_other(series, response, answer) {
        return None;
    }
    let says = format!(
        "A PUT was answered with {status}, and what it is about is another one afterwards: it was written first, and \
         refused then."
    );
    let shown = refused.into_iter().map(|(taken, _)| taken);
    Some(
        Finding::new(&kinds::REFUSED_AND_DONE, series, says)
            .shown_by([first])
            .shown_by(shown)
            .shown_by([after]),
    )
}

fn is_other(series: &Series<'_>, before: &Response, after: &Response) -> bool {
    let is_settled = series.plain_gets().iter().all(|(_, one)| one.body.is_same(&before.body));
    after.status != before.status
        || before.fields.get("ETag") != after.fields.get("ETag")
        || (is_settled && !before.body.is_same(&after.body))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, ids};

    #[test]
    fn a_write_that_a_false_precondition_does_not_stop_is_told() {
        for probe in ["put-other", "put-garbage", "put-star"] {
            for (status, told) in [
                (204, &["write-unguarded"][..]),
                (304, &["write-304"]),
                (412, &[]),
                (403, &[]),
                (405, &[]),
                (500, &[]),
            ] {
                assert_eq!(ids(&Sample::page().answer(probe, status, &[], "")), told, "{probe} {status}");
            }
        }
    }

    #[test]
    fn a_write_that_was_refused_and_done_is_told() {
        let refused = || Sample::page().answer("put-other", 412, &[], "");
        let confirmed = Sample::page().answer("put-star", 304, &[], "");
        assert_eq!(
            ids(&confirmed.answer("after-put", 200, &[("ETag", "\"b\"")], "other")),
            ["write-304", "refused-and-done"]
        );
        assert_eq!(ids(&refused().answer("after-put", 200, &[], "content")), [""; 0]);
        for (status, tag, body) in [(200, "\"b\"", "other"), (200, "\"a\"", "other"), (404, "\"a\"", "")] {
            let sample = refused().answer("after-put", status, &[("ETag", tag)], body);
            assert_eq!(ids(&sample), ["refused-and-done"], "{status} {tag}");
        }
        // Nobody refused, so nobody lied.
        let forbidden = Sample::page().answer("put-other", 403, &[], "");
        assert_eq!(ids(&forbidden.answer("after-put", 200, &[("ETag", "\"b\"")], "other")), [""; 0]);
    }
}
