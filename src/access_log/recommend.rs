//! For each route the freshness that saves most at a stated risk.
//!
//! The risk is the share of uses in which a client would have had an outdated version, as it was in this very
//! log: see [`Saving`](super::clients::Saving). A lifetime longer than half of what the log spans is never
//! proposed, for the log can't have shown what it would do.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::clients::{LIFETIMES, Note, RouteSum, Saving};
use super::totals::Sum;
use crate::config::Settings;

/// Pairs of requests below which nothing is proposed.
const ENOUGH: u64 = 20;

/// A lifetime need not be longer if it saves this share of what the longest allowed one does.
const NEARLY_ALL: f64 = 0.9;

/// A year, in seconds: what `immutable` goes with.
const YEAR: u32 = 31_536_000;

/// How much the data bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Even with bad luck in what the log happened to show, the risk is kept.
    High,
    /// With bad luck it is up to five times as high.
    Medium,
    /// It may be more.
    Low,
}

/// What fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The URL names a version: it need never be asked for again.
    Immutable,
    /// A lifetime.
    MaxAge,
    /// A lifetime, and a time in which the old is used while the new is fetched.
    StaleWhileRevalidate,
    /// It changes too often to be fresh in clients, and its 304s are slow: answer them without the application.
    ValidatorCache,
}

/// A proposal for one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// What.
    pub kind: Kind,
    /// The freshness lifetime in seconds.
    pub lifetime: u32,
    /// What it would have saved.
    pub saved: Sum,
    /// How many of those were 304s.
    pub not_modified: u64,
    /// In how many of them the client would have used an outdated version.
    pub stale: u64,
    /// Highest share of outdated uses that the data allows for, at 95%.
    pub bound: f64,
    /// How much the data bears.
    pub confidence: Confidence,
    /// Why this, in a sentence.
    pub why: String,
}

impl Recommendation {
    /// The policy, as a table of `notmodified.toml`; none if no policy can say it.
    #[must_use]
    pub fn policy(&self, path: &str, route: &RouteSum) -> Option<String> {
        let path = toml::Value::String(path.to_owned());
        let scope = if route.is_private() { "private = true, " } else { "" };
        let lifetime = self.lifetime;
        let set = match self.kind {
            Kind::Immutable => "preset = \"static-versioned\"".to_owned(),
            Kind::MaxAge => format!("cache_control = {{ {scope}max_age = {lifetime} }}"),
            Kind::StaleWhileRevalidate => {
                format!(
                    "cache_control = {{ {scope}max_age = {lifetime}, stale_while_revalidate = {} }}",
                    lifetime * 10
                )
            }
            Kind::ValidatorCache => {
                format!(
                    "cache_control = {{ no_cache = true }}\nnotmodified_cache_control = \"max-age={lifetime}\""
                )
            }
        };
        // The app's own directives go first, unless a policy says otherwise.
        let over = if route.has_directives() { "override = true\n" } else { "" };
        let policy = format!("[[policy]]\npath = {path}\n{set}\n{over}");
        let is_right = Settings::from_toml(&policy, "").is_ok_and(|settings| settings.read(|_| None).is_ok());
        is_right.then_some(policy)
    }
}

/// What is proposed for a route, if anything is. `risk` is the share of outdated uses that is borne; `span` the
/// seconds between the log's first and last line.
#[must_use]
pub fn recommend(route: &RouteSum, versioned: bool, risk: f64, span: u32) -> Option<Recommendation> {
    if route.forbids_storing() {
        return None; // Whoever said so had a reason that no log shows.
    }
    if versioned {
        return immutable(route);
    }
    if route.unchanged + route.changed < ENOUGH {
        return None;
    }
    let borne: Vec<(u32, Saving)> = LIFETIMES
        .into_iter()
        .zip(route.curve)
        .filter(|(lifetime, saving)| *lifetime <= span / 2 && saving.saved.requests > 0)
        .take_while(|(_, saving)| share(saving) <= risk)
        .collect();
    let most = borne.iter().map(|(_, saving)| saving.saved.requests).max();
    let Some(most) = most.filter(|most| *most > 0) else { return validator_cache(route) };
    #[allow(clippy::cast_precision_loss, reason = "counts of requests")]
    let nearly = |saving: &Saving| saving.saved.requests as f64 >= NEARLY_ALL * most as f64;
    let (lifetime, saving) = borne.into_iter().find(|(_, saving)| nearly(saving))?;
    let bound = upper_bound(saving.stale, saving.saved.requests);
    let confidence = match bound {
        bound if bound <= risk => Confidence::High,
        bound if bound <= 5.0 * risk => Confidence::Medium,
        _ => Confidence::Low,
    };
    let is_slow = mean(route.not_modified) >= SLOW_FOR_A_PERSON;
    let kind = if is_slow && route.changed > 0 { Kind::StaleWhileRevalidate } else { Kind::MaxAge };
    let changes = match route.changed {
        0 => "no client saw it change".to_owned(),
        1 => "clients saw one change".to_owned(),
        many => format!("clients saw {many} changes"),
    };
    Some(Recommendation {
        kind,
        lifetime,
        saved: saving.saved,
        not_modified: saving.not_modified,
        stale: saving.stale,
        bound,
        confidence,
        why: format!(
            "in {} returns {changes}; {}",
            route.unchanged + route.changed,
            if most == saving.saved.requests {
                "no longer lifetime that this log can tell of would spare more"
            } else {
                "a longer lifetime would spare little more, or be stale more often"
            },
        ),
    })
}

/// Files of one kind, wherever they are: most have too few returns for a proposal of their own.
#[derive(Debug)]
pub struct Pool {
    /// Their paths.
    pub template: String,
    /// The numbers of their routes.
    pub members: Vec<u32>,
    /// All of them together.
    pub sum: RouteSum,
    /// What is proposed for them.
    pub recommendation: Recommendation,
}

/// Extensions of what sites have as files, and many of.
const FILES: [&str; 23] = [
    "avif", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "mp3", "mp4", "ogg", "otf", "pdf",
    "png", "svg", "ttf", "wasm", "webm", "webp", "woff", "woff2",
];

/// What is proposed for files of one kind, for each kind that bears a proposal, from the routes that have none of their
/// own. `all` are the template of each route, what is known of it, and the proposal that it has, if it has one.
#[must_use]
pub fn pool<'a>(
    all: impl Iterator<Item = (&'a str, &'a RouteSum, Option<&'a Recommendation>)>,
    risk: f64,
    span: u32,
) -> Vec<Pool> {
    let mut kinds: BTreeMap<&str, Option<(Vec<u32>, RouteSum)>> = BTreeMap::new();
    for (number, (template, sum, own)) in (0..).zip(all) {
        let Some(extension) = extension(template).filter(|extension| FILES.contains(extension)) else {
            continue;
        };
        // What the application says of a file stands, so the policy of a kind is none of its business.
        if own.is_some() || sum.has_directives() {
            continue;
        }
        let kind = kinds.entry(extension).or_insert_with(|| Some(Default::default()));
        // One that is known to bear none would get the others'.
        if sum.changed > 0 && sum.unchanged + sum.changed >= ENOUGH {
            *kind = None;
        } else if let Some((members, together)) = kind {
            members.push(number);
            together.merge(RouteSum { notes: SmallVec::new(), ..sum.clone() });
        }
    }
    let pool = |(extension, kind): (&str, Option<(Vec<u32>, RouteSum)>)| {
        let (members, sum) = kind.filter(|(members, _)| members.len() > 1)?;
        let mut recommendation = recommend(&sum, false, risk, span)
            .filter(|found| matches!(found.kind, Kind::MaxAge | Kind::StaleWhileRevalidate))?;
        recommendation.why = format!("{} files together: {}", members.len(), recommendation.why);
        Some(Pool { template: format!("/**/*.{extension}"), members, sum, recommendation })
    };
    kinds.into_iter().filter_map(pool).collect()
}

/// The extension of a path's last segment.
fn extension(template: &str) -> Option<&str> {
    template.rsplit('/').next()?.rsplit_once('.').map(|(_, extension)| extension)
}

/// Microseconds of a 304 that a person notices.
const SLOW_FOR_A_PERSON: u64 = 100_000;

/// Seconds for which the validator cache may answer, unless it is told of a change.
const REMEMBERED: u32 = 60;

/// Microseconds of a 304 that are worth sparing.
const SLOW_FOR_A_SERVER: u64 = 1_000;

fn immutable(route: &RouteSum) -> Option<Recommendation> {
    let asked = route.get(Note::Versioned)?;
    Some(Recommendation {
        kind: Kind::Immutable,
        lifetime: YEAR,
        saved: asked.sum,
        not_modified: asked.sum.requests,
        stale: 0,
        bound: 0.0,
        confidence: Confidence::High,
        why: "each URL names one version of the content, so what a client has under it never changes".into(),
    })
}

fn validator_cache(route: &RouteSum) -> Option<Recommendation> {
    let is_worth_it = route.not_modified.requests >= ENOUGH && mean(route.not_modified) >= SLOW_FOR_A_SERVER;
    is_worth_it.then(|| Recommendation {
        kind: Kind::ValidatorCache,
        lifetime: REMEMBERED,
        saved: Sum { bytes: 0, ..route.not_modified },
        not_modified: route.not_modified.requests,
        stale: 0,
        bound: 0.0,
        confidence: Confidence::Medium,
        why: format!(
            "it changes too often to be fresh in clients, and a 304 takes the app {:.1} ms: the validator cache answers \
             without it, and notmodified.invalidate() tells it of changes",
            millis(mean(route.not_modified)),
        ),
    })
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds to show")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn mean(sum: Sum) -> u64 {
    sum.micros.checked_div(sum.requests).unwrap_or(0)
}

#[allow(clippy::cast_precision_loss, reason = "counts of requests")]
fn share(saving: &Saving) -> f64 {
    saving.stale as f64 / saving.saved.requests as f64
}

/// The upper end of Wilson's 95% interval for a share.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts of requests")]
pub fn upper_bound(found: u64, of: u64) -> f64 {
    const Z: f64 = 1.96;
    if of == 0 {
        return 1.0;
    }
    let n = of as f64;
    let p = found as f64 / n;
    let middle = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle + spread) / (1.0 + Z * Z / n)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::event::HAD_DIRECTIVES;

    fn route(unchanged: u64, changed: u64, curve: &[(u64, u64)]) -> RouteSum {
        let mut route = RouteSum { unchanged, changed, ..RouteSum::default() };
        for (own, (saved, stale)) in route.curve.iter_mut().zip(curve) {
            own.saved.requests = *saved;
            own.stale = *stale;
        }
        route
    }

    #[test]
    fn the_shortest_lifetime_that_saves_nearly_all_is_proposed() {
        let route = route(1000, 0, &[(10, 0), (300, 0), (900, 0), (950, 0), (960, 0)]);
        let found = recommend(&route, false, 0.01, 100_000).expect("a proposal");
        assert_eq!((found.kind, found.lifetime, found.confidence), (Kind::MaxAge, 300, Confidence::High));
    }

    #[test]
    fn no_lifetime_that_was_stale_too_often_is_proposed() {
        let route = route(1000, 50, &[(100, 0), (300, 2), (900, 40), (950, 50)]);
        let found = recommend(&route, false, 0.01, 100_000).expect("a proposal");
        assert_eq!((found.lifetime, found.stale), (60, 2));
        assert_eq!(recommend(&route, false, 0.0, 100_000).map(|found| found.lifetime), Some(10));
    }

    #[test]
    fn the_log_must_span_twice_the_lifetime_and_have_some_pairs() {
        let most = route(1000, 0, &[(0, 0), (0, 0), (0, 0), (0, 0), (900, 0)]);
        assert_eq!(recommend(&most, false, 0.01, 7199), None);
        assert!(recommend(&most, false, 0.01, 7200).is_some());
        assert_eq!(recommend(&route(5, 0, &[(5, 0)]), false, 0.01, 100_000), None);
    }

    #[test]
    fn the_old_is_used_meanwhile_where_people_would_wait_and_the_page_changes() {
        let kind = |changed, millis: u64| {
            let mut route = route(1000, changed, &[(0, 0), (900, 0)]);
            route.not_modified = Sum { requests: 500, bytes: 0, micros: 500 * millis * 1000 };
            let found = recommend(&route, false, 0.01, 100_000).expect("a proposal");
            (found.kind, found.policy("/a", &route).expect("a policy"))
        };
        let (waits, policy) = kind(5, 150);
        assert_eq!(waits, Kind::StaleWhileRevalidate);
        assert!(policy.contains("max_age = 60, stale_while_revalidate = 600"), "{policy}");
        // Nobody waits, or nothing changes that the old would stand for.
        assert_eq!([kind(5, 99).0, kind(0, 150).0], [Kind::MaxAge; 2]);
    }

    fn pooled(routes: &[(&str, RouteSum, bool)]) -> Vec<Pool> {
        let own = Recommendation {
            kind: Kind::MaxAge,
            lifetime: 60,
            saved: Sum::default(),
            not_modified: 0,
            stale: 0,
            bound: 0.0,
            confidence: Confidence::High,
            why: String::new(),
        };
        let all = routes.iter().map(|(template, sum, has_own)| (*template, sum, has_own.then_some(&own)));
        pool(all, 0.01, 100_000)
    }

    #[test]
    fn files_of_a_kind_are_taken_together_where_each_has_too_few_returns() {
        let some = || route(12, 0, &[(0, 0), (12, 0)]);
        let found = pooled(&[
            ("/a/one.png", some(), false),
            ("/b/*.png", some(), false),
            ("/own.png", some(), true),
            ("/one.css", some(), false),
            ("/page/one.html", some(), false),
            ("/page/two.html", some(), false),
            ("/one.js", some(), false),
            ("/two.js", RouteSum { flags: HAD_DIRECTIVES, ..some() }, false),
        ]);
        let [png] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((png.template.as_str(), png.members.as_slice()), ("/**/*.png", &[0, 1][..]));
        assert_eq!((png.recommendation.lifetime, png.recommendation.saved.requests), (60, 24));
        let policy = png.recommendation.policy(&png.template, &png.sum).expect("a policy");
        assert!(!policy.contains("override"), "{policy}");
    }

    #[test]
    fn one_file_that_is_known_to_change_keeps_its_kind_from_a_lifetime() {
        let changing = route(30, 10, &[(0, 0), (20, 10)]);
        let steady = || route(400, 0, &[(0, 0), (400, 0)]);
        let all = [("/a.png", steady(), false), ("/b.png", steady(), false), ("/c.png", changing, false)];
        assert_eq!(pooled(all.get(..2).expect("two")).len(), 1);
        assert!(pooled(&all).is_empty());
    }

    #[test]
    fn bad_luck_is_reckoned_with() {
        assert!(upper_bound(0, 100) > 0.03 && upper_bound(0, 100) < 0.04);
        assert!(upper_bound(0, 10_000) < 0.001);
        assert!((upper_bound(0, 0) - 1.0).abs() < f64::EPSILON);
    }
}
