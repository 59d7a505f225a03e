//! What each kind of cache may do with a response, and for how long (RFC 9111 §4.2, RFC 9213).

use serde::Serialize;

use super::catalogue as kinds;
use super::exchange::{Fields, Response};
use super::finding::Finding;
use super::probe::Probe;
use super::view::{Series, Sight, Taken};
use crate::http::cache_control::CacheControl;
use crate::http::date::HttpDate;
use crate::http::freshness::{Asked, Refusal, Said};
use crate::http::targeted;
use crate::versioned::is_versioned;

/// What one kind of cache may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Use {
    /// `browser`, `shared cache` or `CDN`.
    pub(super) cache: &'static str,
    /// May it keep the response at all?
    pub(super) stores: bool,
    /// For how many seconds from now it may use it without asking.
    pub(super) fresh_for: u32,
    /// That is no lifetime that the response has, but one that caches guess.
    pub(super) is_guess: bool,
    /// All of it in a sentence.
    pub(super) says: String,
}

/// What browsers, shared caches and CDNs may do with a response.
pub(super) fn uses(taken: Taken<'_>, response: &Response) -> Vec<Use> {
    let now = taken.exchange.date();
    let asked = &taken.exchange.request.fields;
    let asked = Asked {
        authorization: asked.has("Authorization"),
        cookie: asked.has("Cookie"),
        at: taken.exchange.at,
        ..Asked::default()
    };
    let fields = &response.fields;
    let private = used("browser", &for_a_browser(fields), now, &Asked { at: asked.at, ..Asked::default() });
    let shared = used("shared cache", fields, now, &asked);
    let cdn = used("CDN", &for_a_cdn(fields), now, &asked);
    vec![private, shared, cdn]
}

/// A cache of one user may keep what is private, and does not look at what is for shared ones.
fn for_a_browser(fields: &Fields) -> Fields {
    let mut directives = directives(fields);
    directives.private = None;
    directives.s_maxage = None;
    directives.proxy_revalidate = false;
    let kept = fields.iter().filter(|(name, _)| {
        !["cache-control", "set-cookie", "vary"].contains(&name.to_ascii_lowercase().as_str())
    });
    let mut kept: Vec<(String, String)> = kept.map(|(name, value)| (name.into(), value.into())).collect();
    if !directives.is_empty() {
        kept.push(("Cache-Control".into(), directives.to_string()));
    }
    Fields(kept)
}

/// `CDN-Cache-Control` replaces Cache-Control and Expires where it is valid (RFC 9213 §2.2).
fn for_a_cdn(fields: &Fields) -> Fields {
    let Some(directives) = fields.joined("CDN-Cache-Control").as_deref().and_then(targeted::read) else {
        return fields.clone();
    };
    let kept = fields
        .iter()
        .filter(|(name, _)| !["cache-control", "expires"].contains(&name.to_ascii_lowercase().as_str()));
    let mut kept: Vec<(String, String)> = kept.map(|(name, value)| (name.into(), value.into())).collect();
    kept.push(("Cache-Control".into(), directives.to_string()));
    Fields(kept)
}

pub(super) fn directives(fields: &Fields) -> CacheControl {
    let mut directives = CacheControl::default();
    for line in fields.all("Cache-Control") {
        directives.add_field(line);
    }
    directives
}

fn used(cache: &'static str, fields: &Fields, now: HttpDate, asked: &Asked) -> Use {
    let all = Said::of(fields.iter(), now);
    let stored = |fresh_for, is_guess, says: String| Use { cache, stores: true, fresh_for, is_guess, says };
    let not_stored =
        |says: &str| Use { cache, stores: false, fresh_for: 0, is_guess: false, says: says.into() };
    match all.terms(200, asked) {
        Ok(terms) => {
            let left = terms.freshness.lifetime.saturating_sub(terms.freshness.age(asked.at));
            let more = match terms.freshness.while_revalidate {
                0 => String::new(),
                seconds => format!(", and for {} more while it asks", span(seconds)),
            };
            stored(left, false, format!("uses it for {} without asking{more}", span(left)))
        }
        Err(Refusal::NoCache | Refusal::Stale) => {
            stored(0, false, "keeps it and asks before each use".into())
        }
        Err(Refusal::NothingSaid) => match guess(fields, now) {
            Some(seconds) => {
                stored(seconds, true, format!("guesses: mostly {} without asking", span(seconds)))
            }
            None => stored(0, true, "keeps it and mostly asks before each use".into()),
        },
        Err(Refusal::NoStore) => not_stored("does not keep it: no-store"),
        Err(Refusal::Private) => not_stored("does not keep it: private"),
        Err(Refusal::SetCookie) => not_stored("does not keep it: it sets a cookie"),
        Err(Refusal::Vary) => not_stored("can't use it again: Vary is *, or names too much"),
        Err(Refusal::Authorization) => not_stored("does not keep it: the request had Authorization"),
        Err(Refusal::Cookie) => {
            not_stored("should not keep it: the request had cookies, and nothing says that all may see it")
        }
        Err(Refusal::Status) => not_stored("does not keep it"),
    }
}

/// A tenth of the time since it changed (RFC 9111 §4.2.2), as most caches have it.
fn guess(fields: &Fields, now: HttpDate) -> Option<u32> {
    let changed = HttpDate::parse(fields.get("Last-Modified")?.as_bytes(), now)?;
    let date = fields.get("Date").and_then(|date| HttpDate::parse(date.as_bytes(), now)).unwrap_or(now);
    u32::try_from((date.unix() - changed.unix()).max(0) / 10).ok()
}

/// Seconds in words, in the largest unit that they have.
pub(super) fn span(seconds: u32) -> String {
    let units = [(31_536_000, "year"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (length, unit) = units.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1, "second"));
    let many = seconds / length;
    format!("{many} {unit}{}", if many == 1 { "" } else { "s" })
}

/// All rules on a page: they look at what its outermost hop said.
pub(super) fn judge(sight: &Sight<'_>) -> Vec<Finding> {
    let Some(series) = sight.views.last().and_then(|view| view.plain()) else { return Vec::new() };
    let mut findings: Vec<Finding> =
        [contradicts(series), nothing_said(series)].into_iter().flatten().collect();
    if sight.page.is_asset {
        findings
            .extend([unversioned_long(sight, series), versioned_short(sight, series)].into_iter().flatten());
    }
    findings
}

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] = &[error_kept];

/// An error that says for how long it may be kept: any time for one of the server, a day or more for a URL at which
/// nothing is yet.
fn error_kept(series: &Series<'_>) -> Option<Finding> {
    let kept = [(Probe::First, 500..=599, 1), (Probe::Missing, 404..=410, LONG)];
    kept.into_iter().find_map(|(probe, statuses, least)| {
        let taken = series.get(probe)?;
        let response = taken.exchange.answer().filter(|answer| statuses.contains(&answer.status))?;
        let uses = uses(taken, response).into_iter().filter(|one| !one.is_guess && one.fresh_for >= least);
        // Of several the first: what browsers keep nobody can purge.
        let longest = uses.rev().max_by_key(|one| one.fresh_for)?;
        let says = format!(
            "What is answered with {} may be kept: a {} {}.",
            response.status, longest.cache, longest.says
        );
        Some(Finding::new(&kinds::ERROR_KEPT, series, says).shown_by([taken]))
    })
}

fn contradicts(series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let directives = directives(&response.fields);
    let mut sentences = directives.contradictions();
    if let Some(name) = directives.request_only() {
        sentences.push(format!("{name} means nothing in a response"));
    }
    let says = format!("Caches choose what they like of Cache-Control: {}.", sentences.join("; "));
    (!sentences.is_empty())
        .then(|| Finding::new(&kinds::FRESHNESS_CONTRADICTS, series, says).shown_by([taken]))
}

/// Only where a cache guesses: without Last-Modified none does.
fn nothing_said(series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let browser = uses(taken, response).into_iter().next()?;
    let says = format!(
        "Nothing is said of how long it is fresh, so caches guess: here mostly {} without asking.",
        span(browser.fresh_for)
    );
    (browser.is_guess && browser.fresh_for > 0)
        .then(|| Finding::new(&kinds::NOTHING_SAID, series, says).shown_by([taken]))
}

/// From so many seconds it is long.
const LONG: u32 = 86_400;

fn names_a_version(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    is_versioned(path, query)
}

fn unversioned_long(sight: &Sight<'_>, series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let browser = uses(taken, response).into_iter().next()?;
    if browser.fresh_for < LONG || browser.is_guess || names_a_version(&sight.page.url) {
        return None;
    }
    let says = format!(
        "Browsers keep this for {} without asking, and its URL does not name a version: a new one is not seen before.",
        span(browser.fresh_for)
    );
    Some(Finding::new(&kinds::UNVERSIONED_LONG, series, says).shown_by([taken]))
}

fn versioned_short(sight: &Sight<'_>, series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let browser = uses(taken, response).into_iter().next()?;
    let directives = directives(&response.fields);
    if browser.fresh_for >= LONG || directives.no_store || !names_a_version(&sight.page.url) {
        return None;
    }
    let says = format!("Its URL names a version, so it can't change, and a browser {}.", browser.says);
    Some(Finding::new(&kinds::VERSIONED_SHORT, series, says).shown_by([taken]))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{DATE, Sample, ids};
    use super::*;

    fn said(fields: &[(&str, &str)]) -> Vec<(bool, u32, bool)> {
        let mut sample = Sample::page();
        for (name, value) in fields {
            sample = if value.is_empty() { sample.without(name) } else { sample.with(name, value) };
        }
        let report = sample.report();
        let uses = report["pages"][0]["freshness"].as_array().unwrap();
        let one = |one: &serde_json::Value| {
            let seconds = u32::try_from(one["fresh_for"].as_u64().unwrap()).unwrap();
            (one["stores"].as_bool().unwrap(), seconds, one["is_guess"].as_bool().unwrap())
        };
        uses.iter().map(one).collect()
    }

    #[test]
    fn each_kind_of_cache_has_its_own_lifetime() {
        let with = |directives: &str| said(&[("Cache-Control", directives)]);
        assert_eq!(with("max-age=60"), [(true, 60, false); 3]);
        assert_eq!(with("max-age=60, s-maxage=9"), [(true, 60, false), (true, 9, false), (true, 9, false)]);
        assert_eq!(with("private, max-age=60"), [(true, 60, false), (false, 0, false), (false, 0, false)]);
        assert_eq!(with("no-store"), [(false, 0, false); 3]);
        assert_eq!(with("no-cache"), [(true, 0, false); 3]);
        assert_eq!(
            said(&[("Cache-Control", "no-cache"), ("CDN-Cache-Control", "max-age=600")]),
            [(true, 0, false), (true, 0, false), (true, 600, false)]
        );
        assert_eq!(
            said(&[("Cache-Control", "max-age=60"), ("Set-Cookie", "a=b")]),
            [(true, 60, false), (false, 0, false), (false, 0, false)]
        );
    }

    #[test]
    fn where_nothing_is_said_caches_guess_from_the_date() {
        let silent = Sample::page().without("Cache-Control").with("Date", "Sun, 06 Nov 1994 09:49:37 GMT");
        assert_eq!(ids(&silent), ["nothing-said"]);
        assert_eq!(silent.report()["pages"][0]["freshness"][0]["fresh_for"], 360);
        assert_eq!(ids(&Sample::page().without("Cache-Control").without("Last-Modified")), [""; 0]);
        assert_eq!(DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn directives_that_contradict_each_other_are_told() {
        assert_eq!(
            ids(&Sample::page().with("Cache-Control", "no-store, max-age=60")),
            ["freshness-contradicts"]
        );
    }

    #[test]
    fn assets_should_be_kept_long_if_and_only_if_their_url_names_a_version() {
        let asset = |url: &str, directives: &str| ids(&Sample::asset(url).with("Cache-Control", directives));
        let (plain, versioned) = ("http://a.example/app.css", "http://a.example/app.3f2a1b9c.css");
        assert_eq!(asset(plain, "max-age=31536000"), ["unversioned-long-lived"]);
        assert_eq!(asset(plain, "no-cache"), [""; 0]);
        assert_eq!(asset(versioned, "max-age=31536000, immutable"), [""; 0]);
        assert_eq!(asset(versioned, "no-cache"), ["versioned-revalidated"]);
        assert_eq!(asset("http://a.example/app.css?v=1.2", "max-age=9"), ["versioned-revalidated"]);
    }

    #[test]
    fn spans_are_in_words() {
        for (seconds, words) in
            [(0, "0 seconds"), (1, "1 second"), (60, "1 minute"), (7200, "2 hours"), (31_536_000, "1 year")]
        {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn an_error_that_may_be_kept_is_told() {
        let answered = |probe, status, directives| {
            ids(&Sample::page().answer(probe, status, &[("Cache-Control", directives)], ""))
        };
        assert_eq!(answered("first", 500, "max-age=1"), ["error-kept"]);
        assert_eq!(answered("first", 500, "no-cache"), [""; 0]);
        assert_eq!(answered("first", 404, "max-age=600"), [""; 0]);
        assert_eq!(answered("missing", 404, "public, max-age=31536000, immutable"), ["error-kept"]);
        assert_eq!(answered("missing", 404, "max-age=600"), [""; 0]);
    }
}
