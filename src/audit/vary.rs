//! Rules on Vary: what the content depends on, beside what the response says it depends on (RFC 9110 §12.5.5).

use super::catalogue as kinds;
use super::exchange::Response;
use super::finding::Finding;
use super::freshness::directives;
use super::not_modified::names;
use super::probe::Probe;
use super::validators::{coding, forbids_storing};
use super::view::{Series, Taken, View};
use crate::http::cache_control::Scope;

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] = &[field_missing, useless];

fn varies_on(response: &Response, field: &str) -> bool {
    let names = names(&response.fields.joined("Vary").unwrap_or_default());
    names.iter().any(|name| name == "*" || name.eq_ignore_ascii_case(field))
}

/// May a cache that serves several clients keep it?
fn may_be_shared(response: &Response) -> bool {
    let directives = directives(&response.fields);
    !forbids_storing(response) && directives.private != Some(Scope::Everything)
}

/// Another language or cookie gets other content, and Vary does not say so.
fn field_missing(series: &Series<'_>) -> Option<Finding> {
    let (first, response) = series.first()?;
    let is_settled =
        series.is_stable() && series.plain_gets().iter().all(|(_, one)| one.body.is_same(&response.body));
    if !is_settled || !may_be_shared(response) {
        return None;
    }
    for (probe, field) in
        [(Probe::Language, "Accept-Language"), (Probe::Cookied, "Cookie"), (Probe::Cookieless, "Cookie")]
    {
        let Some(taken) = series.get(probe) else { continue };
        let Some(answer) = taken.exchange.answer() else { continue };
        let is_other = answer.status != response.status || !answer.body.is_same(&response.body);
        // Whoever says it on one of the two has said it.
        if is_other && !varies_on(response, field) && !varies_on(answer, field) {
            let says = format!(
                "Visitors get each other's version: the content depends on {field}, and Vary does not name it."
            );
            return Some(
                Finding::new(&kinds::VARY_MISSING, series, says)
                    .about(field)
                    .shown_by([first, taken])
                    .with_line(
                        "notmodified.toml",
                        format!("[[policy]]\npath = \"/**\"\nvary = [\"{field}\"]"),
                    ),
            );
        }
    }
    None
}

fn useless(series: &Series<'_>) -> Option<Finding> {
    let (first, response) = series.first()?;
    let vary = response.fields.joined("Vary")?;
    let names = names(&vary);
    if names.iter().any(|name| name == "*") {
        let says = "Vary: * says that no cache may use the response again.";
        return Some(Finding::new(&kinds::VARY_USELESS, series, says).shown_by([first]));
    }
    let agent = names.iter().any(|name| name == "user-agent");
    let says = "Vary names User-Agent: each version of each browser has a copy of its own.";
    agent.then(|| Finding::new(&kinds::VARY_USELESS, series, says).shown_by([first]))
}

/// Compressed for one who takes it, without Vary: Accept-Encoding.
pub(super) fn coding_unsaid(view: &View<'_>) -> Option<Finding> {
    let plain_one =
        view.series.iter().find(|series| coding(series).is_some_and(|coding| coding.is_empty()))?;
    let coded = view.series.iter().find(|series| coding(series).is_some_and(|coding| !coding.is_empty()))?;
    let ((first, response), (taken, answer)) = (plain_one.first()?, coded.first()?);
    let is_said = varies_on(response, "Accept-Encoding") && varies_on(answer, "Accept-Encoding");
    if is_said || !may_be_shared(response) {
        return None;
    }
    let says = format!(
        "The response is {} or plain by Accept-Encoding, and Vary does not say so{}: caches hand the wrong one out.",
        coding(coded).unwrap_or_default(),
        if varies_on(answer, "Accept-Encoding") { " where it is plain" } else { "" },
    );
    Some(
        Finding::new(&kinds::VARY_MISSING, coded, says)
            .about("Accept-Encoding")
            .shown_by([first, Taken { place: taken.place, exchange: taken.exchange }])
            .with_line("nginx", "gzip_vary on;".into())
            .with_line("notmodified.toml", "[[policy]]\npath = \"/**\"\nvary = [\"Accept-Encoding\"]".into()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, ids};

    const TAG: (&str, &str) = ("ETag", "\"b\"");

    #[test]
    fn content_that_depends_on_what_vary_does_not_name_is_told() {
        for (probe, field) in
            [("language", "Accept-Language"), ("cookied", "Cookie"), ("cookieless", "Cookie")]
        {
            let sample = || Sample::page().answer(probe, 200, &[TAG], "inhalt!");
            assert_eq!(ids(&sample()), ["vary-missing"], "{probe}");
            assert_eq!(ids(&sample().with("Vary", field).with_304("Vary", field)), [""; 0], "{probe}");
            let private = sample().with("Cache-Control", "private, no-cache");
            assert_eq!(ids(&private), [""; 0], "{probe}");
        }
    }

    #[test]
    fn compression_must_be_said_on_both_forms() {
        let sample = |vary| {
            Sample::page().coded("gzip", &[("ETag", "\"c\""), ("Content-Encoding", "gzip"), ("Vary", vary)])
        };
        assert_eq!(ids(&sample("")), ["vary-missing"]);
        assert_eq!(ids(&sample("accept-encoding")), ["vary-missing"]);
        assert_eq!(ids(&sample("accept-encoding").with("Vary", "Accept-Encoding")), [""; 0]);
    }

    #[test]
    fn a_vary_that_no_cache_can_use_is_told() {
        for vary in ["*", "User-Agent, Accept"] {
            assert_eq!(ids(&Sample::page().with("Vary", vary).with_304("Vary", vary)), ["vary-useless"]);
        }
    }
}
