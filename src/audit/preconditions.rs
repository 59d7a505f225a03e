//! Rules on the judgement of preconditions (RFC 9110 §13): what it was, beside what
//! [`Preconditions::evaluate`] says of the same request and the validators of the plain GET.

use super::catalogue as kinds;
use super::exchange::{Exchange, Fields, TroubleKind};
use super::finding::Finding;
use super::probe::Probe;
use super::view::{Series, Taken};
use crate::finding::Definition;
use crate::http::entity_tag::EntityTag;
use crate::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};

/// All findings on the preconditions of one series.
pub(super) fn judge(series: &Series<'_>) -> Vec<Finding> {
    // What changes from one GET to the next can't be asked for.
    if !series.is_stable() {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = [
        breaks(series),
        lines_refused(series),
        unheeded(series),
        error_confirmed(series),
        options_judged(series),
    ]
    .into_iter()
    .flatten()
    .collect();
    let is_unheeded = findings.iter().any(|finding| ROOTS.contains(&finding.definition));
    for &(definition, means, probes) in WRONG {
        // Who judges no tag at all need not be told how.
        if is_unheeded && probes.iter().all(|probe| needs_a_tag(*probe)) {
            continue;
        }
        findings.extend(wrong(series, definition, means, probes));
    }
    findings
}

/// Those after which the other findings on If-None-Match say nothing new.
const ROOTS: [&Definition; 2] = [&kinds::VALIDATOR_IGNORED, &kinds::TAG_SUFFIXED];

/// What it means if the answer to one of these is not what it should be: kind, what it comes to, probes.
const WRONG: &[(&Definition, &str, &[Probe])] = &[
    (
        &kinds::WRONG_304,
        "Clients keep old content",
        &[Probe::InmOther, Probe::InmQuotedStar, Probe::ImsEarlier, Probe::ImsGarbage],
    ),
    (
        &kinds::DATE_BEATS_TAG,
        "A date decides where the tag should",
        &[Probe::InmOtherImsSame, Probe::InmExactImsEarlier],
    ),
    (
        &kinds::WEAK_FORM_IGNORED,
        "Behind a proxy that compresses this page never gets a 304",
        &[Probe::InmWeak],
    ),
    (
        &kinds::LIST_MISREAD,
        "Clients and caches that hold several versions get the whole response again",
        &[Probe::InmList, Probe::InmTabs, Probe::InmLines, Probe::InmComma],
    ),
    (&kinds::STAR_IGNORED, "Asking whether there is anything at all gets everything", &[Probe::InmStar]),
    (
        &kinds::DATE_IGNORED,
        "Clients that know dates only get the whole response each time",
        &[Probe::ImsSame],
    ),
    (&kinds::DATE_EXACT, "Clients with a later date get the whole response", &[Probe::ImsLater]),
    (
        &kinds::OLD_DATES,
        "Clients with dates in an older form get the whole response",
        &[Probe::ImsRfc850, Probe::ImsAsctime],
    ),
    (&kinds::LENIENT_DATE, "What is no HTTP-date decides", &[Probe::ImsZone, Probe::ImsLines]),
    (
        &kinds::IF_MATCH_IGNORED,
        "A precondition that is false does not stop the request",
        &[Probe::ImOther, Probe::IusEarlier],
    ),
    (
        &kinds::IF_MATCH_WRONG,
        "If-Match and If-Unmodified-Since are judged wrongly",
        &[
            Probe::ImExact,
            Probe::ImWeak,
            Probe::ImGarbage,
            Probe::ImStar,
            Probe::ImExactIusEarlier,
            Probe::IusSame,
            Probe::IusGarbage,
            Probe::IusUndated,
        ],
    ),
];

fn needs_a_tag(probe: Probe) -> bool {
    !matches!(
        probe,
        Probe::InmOther
            | Probe::ImsEarlier
            | Probe::ImsGarbage
            | Probe::ImsZone
            | Probe::ImsLines
            | Probe::ImsSame
            | Probe::ImsLater
            | Probe::ImsRfc850
            | Probe::ImsAsctime
            | Probe::IusEarlier
            | Probe::ImOther
            | Probe::InmOtherImsSame
    )
}

/// The tag as it was given gets the whole response again.
fn unheeded(series: &Series<'_>) -> Option<Finding> {
    let (first, response) = series.first()?;
    let asked = series.get(Probe::InmExact)?;
    let answer = asked.exchange.answer()?;
    let tag = series.etag()?;
    if answer.status != 200 || answer.fields.get("ETag") != Some(tag) {
        return None;
    }
    let size = response.body.length;
    let suffix = series.tag().and_then(|tag| suffix(tag.opaque()));
    if let (Some(suffix), true) = (suffix, response.fields.has("Content-Encoding")) {
        let says = format!(
            "This page never gets a 304 where it is compressed: its ETag {tag} has the suffix {suffix}, which nobody takes \
             off again when it comes back."
        );
        return Some(Finding::new(&kinds::TAG_SUFFIXED, series, says).shown_by([first, asked]));
    }
    let says = format!(
        "This page has a validator that nobody judges: its own ETag in If-None-Match gets all {size} bytes again."
    );
    Some(Finding::new(&kinds::VALIDATOR_IGNORED, series, says).shown_by([first, asked]))
}

/// The coding's suffix of an opaque tag.
fn suffix(opaque: &[u8]) -> Option<&str> {
    let base_of = |length: usize| {
        let (base, suffix) = opaque.split_at_checked(length)?;
        let base = EntityTag::new(base, false)?;
        base.is_base_of(EntityTag::new(opaque, false)?).then(|| std::str::from_utf8(suffix).ok())?
    };
    (0..opaque.len()).find_map(base_of)
}

/// A precondition is answered with a server error, or refused as a bad request.
fn breaks(series: &Series<'_>) -> Option<Finding> {
    series.first()?;
    if let [taken, ..] = cut_off(series).as_slice() {
        let says = format!(
            "A GET is answered with 200, and the connection ends without an answer if it has {}.",
            has(taken.exchange)
        );
        return Some(Finding::new(&kinds::PRECONDITION_BREAKS, series, says).shown_by([*taken]));
    }
    let broken = |taken: &Taken<'_>| {
        let is_error = taken.exchange.status().is_some_and(|status| status == 400 || status >= 500);
        is_error
            && is_conditional(taken.exchange)
            && is_for_the_page(taken.exchange.probe)
            && !is_refused_for_its_lines(taken.exchange)
    };
    let mut all = series.exchanges.iter().map(|(place, exchange)| Taken { place: *place, exchange });
    let taken = all.find(broken)?;
    let status = taken.exchange.status()?;
    let definition =
        if is_date_probe(taken.exchange.probe) { &kinds::DATE_REFUSED } else { &kinds::PRECONDITION_BREAKS };
    let says = format!("A GET is answered with 200, and with {status} if it has {}.", has(taken.exchange));
    Some(Finding::new(definition, series, says).shown_by([taken]))
}

/// Requests for which a 304 is right, and after which the connection ended without an answer: some servers end it
/// so when the application's 304 has content. One alone may be an accident.
pub(super) fn cut_off<'a>(series: &Series<'a>) -> Vec<Taken<'a>> {
    let is_cut = |taken: &Taken<'_>| {
        taken.exchange.trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Reset)
    };
    let probes = [Probe::InmExact, Probe::RangeInm, Probe::ImsSame].into_iter();
    let all: Vec<_> = probes.filter_map(|probe| series.get(probe)).filter(is_cut).collect();
    if series.first().is_some() && all.len() > 1 { all } else { Vec::new() }
}

/// Is it what the plain GET asks for? What may be done with another method or elsewhere is no question of
/// preconditions.
const fn is_for_the_page(probe: Probe) -> bool {
    !matches!(
        probe,
        Probe::MissingStar
            | Probe::OptionsStar
            | Probe::OptionsOther
            | Probe::PutOther
            | Probe::PutGarbage
            | Probe::PutStar
    )
}

/// nginx refuses two lines of a field of which it knows one.
fn is_refused_for_its_lines(exchange: &Exchange) -> bool {
    matches!(exchange.probe, Probe::InmLines | Probe::ImsLines) && exchange.status() == Some(400)
}

fn lines_refused(series: &Series<'_>) -> Option<Finding> {
    let taken = series.get(Probe::InmLines).filter(|taken| is_refused_for_its_lines(taken.exchange))?;
    let says = "A list of tags on two lines of If-None-Match is answered with 400.";
    Some(Finding::new(&kinds::LINES_REFUSED, series, says).shown_by([taken]))
}

fn is_date_probe(probe: Probe) -> bool {
    matches!(
        probe,
        Probe::ImsGarbage
            | Probe::ImsRfc850
            | Probe::ImsAsctime
            | Probe::ImsLater
            | Probe::ImsEarlier
            | Probe::ImsZone
            | Probe::IusEarlier
            | Probe::IusGarbage
            | Probe::IusUndated
    )
}

const FIELDS: [&str; 4] = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"];

fn is_conditional(exchange: &Exchange) -> bool {
    FIELDS.iter().any(|name| exchange.request.fields.has(name))
}

/// The preconditions of a request, in words.
fn has(exchange: &Exchange) -> String {
    let fields = FIELDS
        .iter()
        .flat_map(|name| exchange.request.fields.all(name).map(move |value| format!("{name}: {value}")));
    fields.collect::<Vec<_>>().join(" and ")
}

/// What is answered otherwise than it should be.
fn wrong(
    series: &Series<'_>,
    definition: &'static Definition,
    means: &str,
    probes: &[Probe],
) -> Option<Finding> {
    let (first, _) = series.first()?;
    let mut sentences = Vec::new();
    let mut shown = vec![first];
    for probe in probes {
        let Some(taken) = series.get(*probe) else { continue };
        let Some(status) = taken.exchange.status() else { continue };
        let Some(expected) = expected(series, taken.exchange) else { continue };
        // Errors have a kind of their own, and 206 no precondition.
        let is_wrong = matches!(status, 200 | 304 | 412) && status != expected;
        if !is_wrong || is_changed(series, taken.exchange) || is_excused(series, taken.exchange, status) {
            continue;
        }
        sentences.push(format!("{} gets {status} in place of {expected}", has(taken.exchange)));
        shown.push(taken);
    }
    (!sentences.is_empty()).then(|| {
        let says = format!("{means}: {}.", sentences.join("; "));
        Finding::new(definition, series, says).shown_by(shown)
    })
}

/// The status that is right for a request; `None` if there is nothing to judge by.
fn expected(series: &Series<'_>, exchange: &Exchange) -> Option<u16> {
    let (first, response) = series.first()?;
    let joined = |name| exchange.request.fields.joined(name);
    let [if_match, if_none_match, if_modified_since, if_unmodified_since] = FIELDS.map(joined);
    let bytes =
        |field: &Option<String>| -> Option<Vec<u8>> { field.as_ref().map(|text| text.clone().into_bytes()) };
    let [if_match, if_none_match, if_modified_since, if_unmodified_since] =
        [if_match, if_none_match, if_modified_since, if_unmodified_since].map(|field| bytes(&field));
    let preconditions = Preconditions {
        if_match: if_match.as_deref(),
        if_none_match: if_none_match.as_deref(),
        if_modified_since: if_modified_since.as_deref(),
        if_unmodified_since: if_unmodified_since.as_deref(),
        if_range: None,
    };
    let date = series.last_modified();
    let current = Validators {
        etag: response.fields.get("ETag").and_then(|tag| EntityTag::parse(tag.as_bytes())),
        last_modified: date.map(|date| LastModified { date, strong: first.exchange.date() > date }),
    };
    // Recorded dates are all of one century or of the last one: any time of this one tells them apart.
    let context = Context { tag_suffixes: false, accept_weakened: false, now: this_century };
    let decision = preconditions.evaluate(Method::of(&exchange.request.method), Some(&current), &context);
    Some(match decision {
        Decision::Proceed => 200,
        Decision::NotModified => 304,
        Decision::PreconditionFailed => 412,
    })
}

fn this_century() -> crate::http::date::HttpDate {
    const YEAR_2026: i64 = 1_790_000_000;
    crate::http::date::HttpDate::from_unix(YEAR_2026).unwrap_or_else(|| std::time::UNIX_EPOCH.into())
}

/// A whole answer under another tag: it changed meanwhile, and there is nothing to be said.
fn is_changed(series: &Series<'_>, exchange: &Exchange) -> bool {
    exchange.answer().is_some_and(|answer| {
        answer.status == 200
            && ["ETag", "Last-Modified"].iter().any(|name| {
                answer.fields.get(name) != series.first().and_then(|(_, first)| first.fields.get(name))
            })
    })
}

/// What is allowed, or the same finding as another.
fn is_excused(series: &Series<'_>, exchange: &Exchange, status: u16) -> bool {
    let was_ignored = |probe| series.get(probe).is_some_and(|taken| taken.exchange.status() == Some(200));
    match exchange.probe {
        // Not judged at all, which is told already.
        Probe::ImWeak | Probe::ImGarbage => status == 200 && was_ignored(Probe::ImOther),
        // Whoever takes anything for a date has that told already.
        Probe::ImsZone | Probe::ImsLines => {
            series.get(Probe::ImsGarbage).is_some_and(|taken| taken.exchange.status() == Some(304))
        }
        Probe::ImsLater | Probe::ImsRfc850 | Probe::ImsAsctime => was_ignored(Probe::ImsSame),
        // If-None-Match alone decides here, and that is told already if it does not.
        Probe::InmExactImsEarlier => was_ignored(Probe::InmExact),
        _ => false,
    }
}

/// A 404, or another answer that is no 2xx, that becomes something else under `If-None-Match: *`.
fn error_confirmed(series: &Series<'_>) -> Option<Finding> {
    let pairs = [
        (Probe::Missing, Probe::MissingStar),
        (Probe::First, Probe::FirstStar),
        (Probe::Redirect, Probe::RedirectStar),
    ];
    pairs.into_iter().find_map(|(plain, starred)| {
        let (plain, starred) = (series.get(plain)?, series.get(starred)?);
        let (was, is) = (plain.exchange.status()?, starred.exchange.status()?);
        // Of a URL that was made up it is known what it should be.
        let is_made_up = plain.exchange.probe == Probe::Missing;
        let is_judged = if is_made_up { was == 404 && is != 404 } else { matches!(is, 304 | 412) };
        let says = format!("What is answered with {was} gets {is} if the request has If-None-Match: *.");
        (!matches!(was, 200..=299) && is_judged)
            .then(|| Finding::new(&kinds::ERROR_CONFIRMED, series, says).shown_by([plain, starred]))
    })
}

/// OPTIONS has no preconditions (RFC 9110 §13.2.1).
fn options_judged(series: &Series<'_>) -> Option<Finding> {
    let asked = [Probe::OptionsStar, Probe::OptionsOther].into_iter().filter_map(|probe| series.get(probe));
    let mut judged = asked.filter_map(|taken| Some((taken, taken.exchange.status()?)));
    let (taken, status) = judged.find(|(_, status)| matches!(status, 304 | 412))?;
    let says = format!("OPTIONS with {} gets {status}, as if it asked for the content.", has(taken.exchange));
    Some(Finding::new(&kinds::OPTIONS_JUDGED, series, says).shown_by([taken]))
}

/// Does a 304 of this series confirm what it should? For other families.
pub(super) fn confirmed<'a>(series: &Series<'a>) -> Option<(Taken<'a>, &'a Fields)> {
    let probes = [Probe::InmExact, Probe::InmWeak, Probe::ImsSame];
    let mut all = probes.into_iter().filter_map(|probe| series.get(probe));
    all.find_map(|taken| Some((taken, taken.exchange.answer().filter(|answer| answer.status == 304)?)))
        .map(|(taken, answer)| (taken, &answer.fields))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{DATE, Sample, ids};
    use super::*;

    const TAG: (&str, &str) = ("ETag", "\"a\"");
    const DATED: [(&str, &str); 2] = [TAG, ("Last-Modified", DATE)];

    #[test]
    fn a_healthy_page_has_no_finding() {
        assert_eq!(ids(&Sample::page()), [""; 0]);
    }

    #[test]
    fn a_tag_that_is_not_judged_is_told_once() {
        let sample = Sample::page()
            .answer("inm-exact", 200, &DATED, "content")
            .answer("inm-weak", 200, &DATED, "content")
            .answer("inm-list", 200, &DATED, "content")
            .answer("inm-exact-ims-earlier", 200, &DATED, "content");
        assert_eq!(ids(&sample), ["validator-ignored"]);
    }

    #[test]
    fn each_answer_that_is_wrong_has_its_kind() {
        for (probe, status, kind) in [
            ("inm-weak", 200, "weak-form-ignored"),
            ("inm-list", 200, "list-misread"),
            ("inm-lines", 200, "list-misread"),
            ("inm-comma", 200, "list-misread"),
            ("inm-tabs", 200, "list-misread"),
            ("ims-zone", 304, "no-date-read"),
            ("ims-lines", 304, "no-date-read"),
            ("im-garbage", 200, "if-match-wrong"),
            ("options-star", 412, "options-judged"),
            ("options-star", 304, "options-judged"),
            ("options-other", 412, "options-judged"),
            ("inm-star", 200, "star-ignored"),
            ("inm-other", 304, "wrong-304"),
            ("inm-quoted-star", 304, "wrong-304"),
            ("ims-earlier", 304, "wrong-304"),
            ("ims-garbage", 304, "wrong-304"),
            ("ims-garbage", 400, "date-refused"),
            ("ims-same", 200, "date-ignored"),
            ("ims-later", 200, "later-date-ignored"),
            ("ims-rfc850", 200, "old-dates-ignored"),
            ("ims-asctime", 200, "old-dates-ignored"),
            ("inm-other-ims-same", 304, "date-beats-tag"),
            ("inm-exact-ims-earlier", 200, "date-beats-tag"),
            ("im-other", 200, "if-match-ignored"),
            ("ius-earlier", 200, "if-match-ignored"),
            ("im-exact", 412, "if-match-wrong"),
            ("im-star", 412, "if-match-wrong"),
            ("im-weak", 200, "if-match-wrong"),
            ("im-exact-ius-earlier", 412, "if-match-wrong"),
            ("ius-same", 412, "if-match-wrong"),
            ("ius-garbage", 412, "if-match-wrong"),
            ("inm-comma", 500, "precondition-breaks"),
            ("inm-lines", 400, "lines-refused"),
            ("inm-lines", 500, "precondition-breaks"),
        ] {
            let sample = Sample::page().answer(probe, status, &DATED, "content");
            assert_eq!(ids(&sample), [kind], "{probe} answered {status}");
        }
    }

    #[test]
    fn content_that_changed_meanwhile_proves_nothing() {
        let sample = Sample::page().answer("inm-weak", 200, &[("ETag", "\"b\"")], "other");
        assert_eq!(ids(&sample), [""; 0]);
    }

    #[test]
    fn a_missing_page_that_is_confirmed_is_told() {
        let sample =
            |status| Sample::page().answer("missing", 404, &[], "").answer("missing-star", status, &[], "");
        assert_eq!(ids(&sample(304)), ["error-confirmed"]);
        assert_eq!(ids(&sample(404)), [""; 0]);
        for (was, is, told) in [
            (500, 304, &["error-confirmed"][..]),
            (302, 412, &["error-confirmed"]),
            (500, 500, &[]),
            (403, 401, &[]),
        ] {
            let sample = Sample::page().answer("first", was, &[], "").answer("first-star", is, &[], "");
            assert_eq!(ids(&sample), told, "{was} {is}");
        }
    }

    #[test]
    fn a_connection_that_ends_in_place_of_each_304_is_told_as_what_it_is() {
        let cut = Sample::page().trouble("inm-exact", "reset");
        assert_eq!(ids(&cut.clone().trouble("range-inm", "reset")), ["precondition-breaks"]);
        assert_eq!(ids(&cut.clone().trouble("range-inm", "timeout")), ["unreachable"]);
        assert_eq!(ids(&cut), ["unreachable"]);
    }

    #[test]
    fn what_other_methods_are_answered_is_no_error_of_preconditions() {
        for probe in ["options-star", "options-other", "put-other", "put-star", "missing-star"] {
            assert_eq!(ids(&Sample::page().answer(probe, 501, &DATED, "")), [""; 0], "{probe}");
        }
    }

    #[test]
    fn a_precondition_of_a_date_that_is_not_there_is_ignored() {
        let undated =
            |status| Sample::page().without("Last-Modified").answer("ius-undated", status, &[TAG], "content");
        assert_eq!(ids(&undated(412)), ["if-match-wrong"]);
        assert_eq!(ids(&undated(200)), [""; 0]);
    }

    #[test]
    fn the_suffix_of_a_compressed_tag_is_recognised() {
        assert_eq!(suffix(b"abc-gzip"), Some("-gzip"));
        assert_eq!(suffix(b"abc--gzip"), Some("--gzip"));
        assert_eq!(suffix(b"abc;br"), Some(";br"));
        assert_eq!(suffix(b"abc"), None);
    }
}
