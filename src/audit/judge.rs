//! All rules over all pages, and the report: the JSON document that `notmodified check --json` has.
//!
//! The document's form has a number. What a reader of an older one relies on stays; a change that takes something
//! away has a new number.

use serde::Serialize;

use super::catalogue as kinds;
use super::exchange::{Exchange, Recording};
use super::finding::{Finding, FindingReport};
use super::freshness::{self, Use};
use super::lint::{self, Linted};
use super::preconditions;
use super::probe::Probe;
use super::validators::{self, forbids_storing};
use super::view::{Series, Sight, View, sights};
use super::{hops, network, not_modified, ranges, vary, writes};
use crate::finding::{Definition, Severity};

/// The number of the document's form.
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Report {
    schema: u32,
    /// Who linted the messages: name and version. Nobody, if it is none.
    linter: Option<String>,
    pages: Vec<PageReport>,
    totals: Totals,
}

#[derive(Debug, Serialize)]
struct Totals {
    requests: usize,
    error: usize,
    warning: usize,
    info: usize,
}

#[derive(Debug, Serialize)]
struct PageReport {
    url: String,
    found_on: Option<String>,
    is_asset: bool,
    /// What matters most, in a sentence.
    verdict: String,
    /// Of the worst finding; none if there is none.
    severity: Option<Severity>,
    hops: Vec<HopReport>,
    freshness: Vec<Use>,
    findings: Vec<FindingReport>,
}

#[derive(Debug, Serialize)]
struct HopReport {
    name: String,
    address: Option<String>,
    requests: usize,
    codings: Vec<CodingReport>,
    timings: TimingReport,
}

#[derive(Debug, Serialize)]
struct CodingReport {
    coding: String,
    status: Option<u16>,
    content_encoding: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
    cache_control: Option<String>,
    vary: Option<String>,
    length: u64,
    /// Does the tag, or else the date, get a 304?
    revalidates: Option<bool>,
}

/// Medians in milliseconds.
#[derive(Debug, Serialize)]
struct TimingReport {
    dns: Option<f64>,
    connect: Option<f64>,
    tls: Option<f64>,
    first_byte: Option<f64>,
    total: Option<f64>,
}

impl Report {
    /// The document.
    ///
    /// # Errors
    ///
    /// None that can happen: all of it can be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Judge a recording; with what a linter said of its [messages](lint::messages), if one was asked.
#[must_use]
pub fn judge(recording: &Recording, linted: Option<&Linted>) -> Report {
    let pages: Vec<PageReport> =
        sights(recording).iter().map(|sight| page(sight, &recording.exchanges, linted)).collect();
    let count = |severity| pages.iter().map(|page| page.count(severity)).sum();
    let totals = Totals {
        requests: recording.exchanges.len(),
        error: count(Severity::Error),
        warning: count(Severity::Warning),
        info: count(Severity::Info),
    };
    Report { schema: SCHEMA, linter: linted.map(|linted| linted.linter.clone()), pages, totals }
}

impl PageReport {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }
}

fn page(sight: &Sight<'_>, exchanges: &[Exchange], linted: Option<&Linted>) -> PageReport {
    let findings = findings(sight, linted);
    let verdict = match findings.first() {
        Some(finding) if finding.definition.severity > Severity::Info => finding.says.clone(),
        _ => all_well(sight),
    };
    let outermost = sight.views.last().and_then(|view| view.plain()).and_then(Series::first);
    PageReport {
        url: sight.page.url.clone(),
        found_on: sight.page.found_on.clone(),
        is_asset: sight.page.is_asset,
        verdict,
        severity: findings.first().map(|finding| finding.definition.severity),
        hops: sight.views.iter().map(hop).collect(),
        freshness: outermost.map(|(taken, response)| freshness::uses(taken, response)).unwrap_or_default(),
        findings: findings.into_iter().map(|finding| FindingReport::of(finding, exchanges)).collect(),
    }
}

/// All findings at a page, the worst first.
fn findings(sight: &Sight<'_>, linted: Option<&Linted>) -> Vec<Finding> {
    // What a hop did is said before what comes of it.
    let mut all = hops::compare(sight);
    for view in &sight.views {
        for series in &view.series {
            all.extend(of_series(series));
            all.extend(linted.map(|linted| lint::judge(series, linted)).into_iter().flatten());
        }
        all.extend(
            [validators::one_tag_for_two_codings(view), vary::coding_unsaid(view)].into_iter().flatten(),
        );
    }
    all.extend(freshness::judge(sight));
    let mut merged: Vec<Finding> = Vec::new();
    for finding in all {
        match merged.iter_mut().find(|known| known.is_same_as(&finding)) {
            Some(known) => known.take_in(finding),
            None => merged.push(finding),
        }
    }
    let told = |id: &String| merged.iter().any(|other| other.definition.id == id);
    let follows = |finding: &Finding| {
        if let Some(noted) = &finding.noted {
            return noted.same_as.iter().any(told);
        }
        CONSEQUENCES.iter().any(|(cause, consequences)| {
            consequences.contains(&finding.definition)
                && merged.iter().any(|other| other.definition == *cause && other.hop == finding.hop)
        })
    };
    let drop: Vec<bool> = merged.iter().map(follows).collect();
    let mut dropped = drop.into_iter();
    merged.retain(|_| !dropped.next().unwrap_or(false));
    merged.sort_by_key(|finding| (std::cmp::Reverse(finding.definition.severity), rank(finding.definition)));
    merged
}

/// What need not be told of a hop of which the first is told.
const CONSEQUENCES: &[(&Definition, &[&Definition])] = &[
    (
        &kinds::VALIDATOR_LOST,
        &[
            &kinds::VALIDATOR_IGNORED,
            &kinds::WEAK_FORM_IGNORED,
            &kinds::LIST_MISREAD,
            &kinds::STAR_IGNORED,
            &kinds::DATE_IGNORED,
            &kinds::IF_MATCH_IGNORED,
        ],
    ),
    // Compressed it is asked for over one connection, where a server of several can't be told.
    (&kinds::REPLICAS_DISAGREE, &[&kinds::UNSTABLE_TAG]),
    (&kinds::WRITE_UNGUARDED, &[&kinds::IF_MATCH_IGNORED]),
    (&kinds::STRIPPED_TAG, &[&kinds::NO_VALIDATOR, &kinds::HEAD_DIFFERS]),
    (&kinds::TAG_SUFFIXED, &[&kinds::VALIDATOR_LOST]),
    (&kinds::CONTENT_IN_304, &[&kinds::RESET_AFTER_304, &kinds::LENGTH_IN_304]),
    (&kinds::DATE_IGNORED, &[&kinds::OLD_DATES, &kinds::DATE_EXACT]),
];

fn rank(definition: &Definition) -> usize {
    kinds::ALL.iter().position(|known| known.id == definition.id).unwrap_or(usize::MAX)
}

fn of_series(series: &Series<'_>) -> Vec<Finding> {
    let families = [
        network::RULES,
        validators::RULES,
        not_modified::RULES,
        ranges::RULES,
        vary::RULES,
        freshness::RULES,
        writes::RULES,
    ];
    let rules = families.into_iter().flatten();
    let mut all: Vec<Finding> = rules.filter_map(|rule| rule(series)).collect();
    all.extend(preconditions::judge(series));
    all
}

/// The verdict on a page of which nothing worse than an info is to be told.
fn all_well(sight: &Sight<'_>) -> String {
    let Some(series) = sight.views.last().and_then(|view| view.plain()) else {
        return "Nothing was asked.".into();
    };
    let Some((_, response)) = series.first() else {
        let status = series.get(Probe::First).and_then(|taken| taken.exchange.status());
        return status.map_or_else(
            || "There was no answer that could be looked at.".into(),
            |status| format!("It is answered with {status}: there is nothing to be revalidated."),
        );
    };
    if forbids_storing(response) {
        return "It must not be stored (no-store): there is nothing to be revalidated.".into();
    }
    let size = response.body.length;
    match revalidates(series) {
        Some(true) => format!("It revalidates: who has it gets a 304 in place of {size} bytes."),
        _ => "Nothing is wrong with it.".into(),
    }
}

fn revalidates(series: &Series<'_>) -> Option<bool> {
    let probes = [Probe::InmExact, Probe::ImsSame];
    let mut asked = probes.into_iter().filter_map(|probe| series.get(probe)?.exchange.status()).peekable();
    asked.peek()?;
    Some(asked.any(|status| status == 304))
}

fn hop(view: &View<'_>) -> HopReport {
    let all = || view.series.iter().flat_map(|series| series.exchanges.iter().map(|(_, exchange)| *exchange));
    HopReport {
        name: view.hop.name.clone(),
        address: view.hop.address.clone(),
        requests: all().count(),
        codings: view.series.iter().map(coding).collect(),
        timings: TimingReport {
            dns: median(all().filter_map(|exchange| exchange.timings.dns)),
            connect: median(all().filter_map(|exchange| exchange.timings.connect)),
            tls: median(all().filter_map(|exchange| exchange.timings.tls)),
            first_byte: median(all().filter_map(|exchange| exchange.timings.first_byte)),
            total: median(all().filter_map(|exchange| exchange.timings.total)),
        },
    }
}

fn coding(series: &Series<'_>) -> CodingReport {
    let response = series.get(Probe::First).and_then(|taken| taken.exchange.response.as_ref());
    let field = |name: &str| response.and_then(|response| response.fields.joined(name));
    CodingReport {
        coding: series.coding.to_owned(),
        status: response.map(|response| response.status),
        content_encoding: field("Content-Encoding"),
        etag: field("ETag"),
        last_modified: field("Last-Modified"),
        cache_control: field("Cache-Control"),
        vary: field("Vary"),
        length: response.map_or(0, |response| response.body.length),
        revalidates: revalidates(series),
    }
}

fn median(times: impl Iterator<Item = f64>) -> Option<f64> {
    let mut times: Vec<f64> = times.filter(|time| time.is_finite()).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, findings, ids};

    #[test]
    fn a_page_that_is_well_says_what_it_saves() {
        let report = Sample::page().report();
        assert_eq!(
            report["pages"][0]["verdict"],
            "It revalidates: who has it gets a 304 in place of 7 bytes."
        );
        assert!(report["pages"][0]["severity"].is_null());
        assert_eq!(report["pages"][0]["hops"][0]["codings"][0]["revalidates"], true);
    }

    #[test]
    fn the_worst_comes_first_and_is_the_verdict() {
        let sample = Sample::page().answer("inm-star", 200, &[("ETag", "\"a\"")], "content").answer(
            "inm-other",
            304,
            &[("ETag", "\"a\"")],
            "",
        );
        assert_eq!(ids(&sample), ["wrong-304", "star-ignored"]);
        let report = sample.report();
        assert_eq!(report["pages"][0]["verdict"], findings(&report)[0]["says"]);
        assert_eq!(
            (report["totals"]["error"].as_u64(), report["totals"]["warning"].as_u64()),
            (Some(1), Some(1))
        );
    }

    #[test]
    fn the_same_in_several_codings_is_told_once() {
        let gzip = [("ETag", "\"z\""), ("Content-Encoding", "gzip"), ("Vary", "accept-encoding")];
        let sample = Sample::page()
            .with("Vary", "accept-encoding")
            .coded("gzip", &gzip)
            .answer("head", 405, &[], "")
            .answer_coded("gzip", "head", 405, &[]);
        let report = sample.report();
        assert_eq!(ids(&sample), ["head-differs"]);
        assert_eq!(findings(&report)[0]["codings"], serde_json::json!(["identity", "gzip"]));
    }
}
