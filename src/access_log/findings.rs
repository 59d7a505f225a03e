//! What is wasteful or wrong, each kind with its id, what it means and what ends it.

use super::clients::{LIFETIMES, Note, Noted, Replay, RouteSum, Stuck};
use super::event::Event;
use super::recommend::{Pool, Recommendation};
use super::totals::Sum;
use crate::finding::definitions;

pub use crate::finding::{Definition, Severity};

definitions! {
    CONTENT_IN_304: Error, "content-in-304", "304s with content",
        "A 304 has no content (RFC 9110 §15.4.5). Clients and proxies take the bytes for the start of the next response, \
         and some load balancers answer 502.",
        "Wrap the application in NotModified, which takes the content and its length out of every 304.";
    VALIDATOR_IGNORED: Error, "validator-ignored", "Validators that nobody judges",
        "Clients said which version they have, it was the current one, and they got the whole response all the same. \
         Either nothing judges the precondition, or it is lost between the client and the application.",
        "Wrap the application in NotModified. If it is: a proxy between withholds If-None-Match, which \
         `notmodified check --origin` shows.";
    UNSTABLE_TAG: Error, "unstable-tag", "Entity-tags that change though the content does not",
        "Clients came back with the tag that they were given and got the whole response again under another tag, of the \
         same size. Something in the page differs each time: a CSRF token, a nonce, a time, random padding of a gzip.",
        "Mask it: etag = { ignore = [\"django-csrf\"] } (or \"flask-wtf-csrf\", \"csp-nonce\", a pattern of your own); \
         take Django's GZipMiddleware out.";
    TAG_REWRITTEN: Error, "tag-rewritten", "Entity-tags that a proxy changed",
        "Clients came back with a weak form of the tag that was sent, or with a coding's suffix, and got the whole \
         response again: a proxy marked the tag when it compressed, and whoever judges compares letter for letter.",
        "Wrap the application in NotModified, which recognises W/ and the suffixes of Apache and others.";
    NEVER_304: Error, "never-304", "Routes that never give a 304",
        "Clients ask whether what they have is current, and never is the answer 304.",
        "See which of it holds: nobody judges (wrap the application in NotModified), the tag is different each time \
         (etag.ignore), or the page really changes between any two requests.";
    IF_MATCH_NEVER_HOLDS: Error, "if-match-never-holds", "Guarded writes that never go through",
        "Writes with If-Match or If-Unmodified-Since were refused with 412, each of them. Where no update is ever lost \
         because none is ever made, it is not conflicts: the tag that clients see is not the one that is judged. A proxy \
         that compresses makes it weak, and a weak tag never satisfies If-Match (RFC 9110 §13.1.1).",
        "`notmodified check --origin` shows the hop that changes the tag. Behind nginx with gzip: accept_weakened = true, \
         whose risk docs/writes.md names; or let the proxy not compress what is edited.";
    HEAD_DIFFERS: Error, "head-differs", "HEAD and GET disagree",
        "HEAD has another status or another tag than GET (RFC 9110 §9.3.2). Link checkers, download tools and caches \
         believe HEAD.",
        "Wrap the application in NotModified, which asks it as for GET and drops the body.";
    NEEDLESS_REVALIDATION: Warning, "needless-revalidation", "Revalidations that freshness would have spared",
        "Clients asked again for what had not changed, and were told so. With a freshness lifetime they would not have \
         asked. A 304 saves the body, not the request.",
        "Give the route a lifetime in a policy: `--policies OUT.toml` writes those proposed, each as long as this log \
         supports at the stated risk. Where none is proposed the log has too few returns: read a longer one, or say \
         what you know of the content. Static files are better given versions, assets = { \"/static/\" = \"static/\" }: \
         then they are not asked for again at all.";
    VERSIONED_REVALIDATED: Warning, "versioned-revalidated", "Revalidations of URLs that never change",
        "The URL names one version of its content, by a digest or a version number, and clients still ask whether it \
         changed. It can't have.",
        "Say so: a policy with preset = \"static-versioned\" for these paths; or assets = { \"/static/\" = \"static/\", \
         trust = [\"names\"] }, which says it only of files that there are.";
    REPEATED_RESPONSE: Warning, "repeated-response", "The same whole response to the same client",
        "Clients that have a cache got the same content again without asking whether it changed: it has no validator, \
         or no-store, or the validator is lost on the way.",
        "Wrap the application in NotModified, which gives each response an entity-tag.";
    SLOW_304: Warning, "slow-304", "304s that cost as much as the page",
        "The application made the whole page to find out that it had not changed. A 304 saves the bytes, not the work.",
        "Let the validator cache answer (store = \"host\" and notmodified_cache_control), or register a validator function \
         for the path: the page is not made then.";
    RELOAD_STORM: Warning, "reload-storm", "One client asking for one URL many times a minute",
        "Polling, a reload loop or an impatient person: ten and more requests for one URL within a minute.",
        "A short lifetime (max_age = 10) absorbs it in the client; for polling consider server-sent events.";
    CACHE_BUSTING: Warning, "cache-busting", "URLs made different each time",
        "A time or random number in the query makes each URL new, so that no cache ever has it.",
        "Take the parameter out of the client's code (jQuery: cache: true) and say no_cache for what must be current.";
    REFUSED_AGAIN: Warning, "refused-again", "Clients that are refused again and again",
        "A client got 412, 416 or 428 for most of what it asked: it sends the same outdated tag again (412), asks for what \
         is beyond the end (416), or sends no precondition where one is required (428). Others have no such trouble: it is \
         a defect of that client.",
        "Let it, after 412, GET the resource and try again with the new ETag; after 416, begin anew, and send If-Range \
         with each part; after 428, send If-Match with the ETag that it was given.";
    UPDATE_CONFLICTS: Info, "update-conflicts", "Resources that several clients change at once",
        "Writes of several clients were refused with 412 because somebody else had been faster: each would have \
         overwritten the other's. The clients fetch the resource again as they should; the more often, the more they are \
         in each other's way.",
        "Nothing is broken. For fewer conflicts: smaller resources (one for each part that is edited by itself), and in \
         clients GET, merge and a second try with the new ETag, so that people notice only real conflicts.";
    ORPHAN_304: Info, "orphan-304", "304s to clients that were given nothing here",
        "The log has a 304 for clients that got no 200 in it. At the start of a log that is to be expected; spread over \
         it, a cache or another server in between hands out copies.",
        "Read a longer log. If it stays: look at the proxies in front.";
    NEVER_ASKS: Info, "never-asks", "Software that never sends a validator",
        "Crawlers, monitors and tools fetched the same content again and again without asking whether it changed.",
        "For your own: send If-None-Match (curl --etag-compare). For others a slower crawl rate; a shared cache in front.";
    UNCOMPRESSED: Info, "uncompressed", "Text that went out uncompressed",
        "Text of more than 2 KiB was sent with no Content-Encoding while other responses have one.",
        "Let the proxy in front compress these media types too.";
    REFUSED: Info, "refused-preconditions", "Refused preconditions and ranges",
        "412, 416 and 428, here and there: updates that would have been lost, downloads that changed meanwhile, writes \
         without a precondition.",
        "Nothing, unless they become more: each kept a client from overwriting or mixing what it did not know.";
    REDIRECTED_AGAIN: Info, "redirect-again", "Redirects that are asked for again",
        "The same client followed the same redirect again: a 301 or 308 without a lifetime is asked for each time by \
         many, a 302 or 307 by all.",
        "Give lasting redirects a lifetime: [[policy]] with status = [301, 308] and cache_control = { max_age = 86400 }; \
         change the links.";
    MISSING_AGAIN: Info, "missing-again", "Missing resources that are asked for again",
        "The same client asked again and again for what is not there.",
        "Remember it shortly: [[policy]] with status = 404 and cache_control = { max_age = 60 }; or put it there.";
}

/// One finding: a kind, and where it was found.
#[derive(Debug)]
pub struct Finding {
    /// Its kind.
    pub definition: &'static Definition,
    /// What it cost in all.
    pub cost: Sum,
    /// The routes, the dearest first: their numbers and costs.
    pub routes: Vec<(u32, Sum)>,
    /// Whose it is, those that have most first; none where it is no client's.
    pub clients: Vec<Stuck>,
    /// Some lines that show it.
    pub evidence: Vec<Event>,
}

/// Requests of a kind below which nothing is said of it.
const WORTH_SAYING: u64 = 3;

/// Conditional requests without a 304 past which it is no accident.
const NEVER: u64 = 10;

/// Microseconds from which a 304 is slow.
const SLOW: u64 = 1_000;

/// Clients whose writes were in each other's way, from which a route is a hot spot.
const HOT: u64 = 3;

/// Lines of evidence for a finding.
const SHOWN: usize = 3;

/// All findings, the worst and dearest first.
#[must_use]
pub fn find(replay: &Replay, recommendations: &[Option<Recommendation>], pools: &[Pool]) -> Vec<Finding> {
    let noted = |note| {
        move |route: &RouteSum| route.get(note).map(|noted: &Noted| (noted.sum, noted.evidence.to_vec()))
    };
    let proposed: Vec<_> = replay.routes.iter().zip(recommendations).collect();
    let mut findings = vec![
        gather(&CONTENT_IN_304, replay, noted(Note::BytesIn304)),
        gather(&VALIDATOR_IGNORED, replay, noted(Note::Ignored)),
        gather(&UNSTABLE_TAG, replay, noted(Note::Unstable)),
        gather(&TAG_REWRITTEN, replay, noted(Note::Rewritten)),
        gather(&NEVER_304, replay, never_304),
        gather(&IF_MATCH_NEVER_HOLDS, replay, |route| refusals(route, Refusals::OfAll)),
        gather(&HEAD_DIFFERS, replay, noted(Note::HeadDiffers)),
        gather(&ORPHAN_304, replay, noted(Note::Orphan)),
        needless(&proposed, pools),
        gather(&VERSIONED_REVALIDATED, replay, noted(Note::Versioned)),
        gather(&REPEATED_RESPONSE, replay, noted(Note::Repeated)),
        gather(&SLOW_304, replay, slow_304),
        gather(&RELOAD_STORM, replay, noted(Note::Storm)),
        gather(&CACHE_BUSTING, replay, noted(Note::Busted)),
        gather(&NEVER_ASKS, replay, noted(Note::NeverAsks)),
        gather(&UNCOMPRESSED, replay, noted(Note::Uncompressed)),
        refused_again(replay),
        gather(&UPDATE_CONFLICTS, replay, |route| refusals(route, Refusals::InConflict)),
        gather(&REFUSED, replay, |route| refusals(route, Refusals::Others)),
        gather(&REDIRECTED_AGAIN, replay, noted(Note::Redirected)),
        gather(&MISSING_AGAIN, replay, noted(Note::Missing)),
    ];
    findings.retain(|finding| finding.cost.requests >= WORTH_SAYING);
    findings.sort_by_key(|finding| {
        let cost = finding.cost;
        std::cmp::Reverse((finding.definition.severity, cost.micros, cost.requests, cost.bytes))
    });
    findings
}

fn gather(
    definition: &'static Definition,
    replay: &Replay,
    of: impl Fn(&RouteSum) -> Option<(Sum, Vec<Event>)>,
) -> Finding {
    let mut finding = Finding::new(definition);
    for (number, route) in (0..).zip(&replay.routes) {
        if let Some((cost, evidence)) = of(route) {
            finding.add(number, cost, evidence);
        }
    }
    finding.finish()
}

impl Finding {
    fn new(definition: &'static Definition) -> Self {
        let (routes, clients, evidence) = Default::default();
        Self { definition, cost: Sum::default(), routes, clients, evidence }
    }

    fn add(&mut self, route: u32, cost: Sum, evidence: Vec<Event>) {
        self.cost.requests += cost.requests;
        self.cost.bytes += cost.bytes;
        self.cost.micros += cost.micros;
        self.routes.push((route, cost));
        self.evidence.extend(evidence);
    }

    fn finish(mut self) -> Self {
        self.routes.sort_by_key(|(route, cost)| {
            (std::cmp::Reverse((cost.micros, cost.requests, cost.bytes)), *route)
        });
        self.evidence.sort_unstable_by_key(|event| event.line);
        self.evidence.truncate(SHOWN);
        self
    }
}

/// Seconds within which a 304 was needless where too little is known for a proposal, but nothing changed.
const SOON: u32 = 3600;

fn needless(proposed: &[(&RouteSum, &Option<Recommendation>)], pools: &[Pool]) -> Finding {
    let mut finding = Finding::new(&NEEDLESS_REVALIDATION);
    let mut pooled = vec![None; proposed.len()];
    for pool in pools {
        for member in &pool.members {
            if let Some(slot) = pooled.get_mut(*member as usize) {
                *slot = Some(pool.recommendation.lifetime);
            }
        }
    }
    for (number, (route, recommendation)) in (0..).zip(proposed) {
        use super::recommend::Kind::{MaxAge, StaleWhileRevalidate};
        let within = |lifetime| {
            let points = route.curve.iter().zip(&route.spared);
            let point = LIFETIMES.iter().zip(points).find(|(tried, _)| **tried == lifetime);
            point.map_or((0, None), |(_, (saving, first))| (saving.not_modified, *first))
        };
        let (spared, first) = match (recommendation, pooled.get(number as usize).copied().flatten()) {
            (Some(found), _) if matches!(found.kind, MaxAge | StaleWhileRevalidate) => within(found.lifetime),
            (None, Some(lifetime)) => within(lifetime),
            (None, None) if route.changed == 0 && !route.forbids_storing() => within(SOON),
            _ => (0, None),
        };
        if spared == 0 {
            continue;
        }
        // The mean of the route's 304s stands for the spared ones.
        let each = |all: u64| all.checked_div(route.not_modified.requests).unwrap_or(0) * spared;
        let cost = Sum {
            requests: spared,
            bytes: each(route.not_modified.bytes),
            micros: each(route.not_modified.micros),
        };
        finding.add(number, cost, first.into_iter().collect());
    }
    finding.finish()
}

/// Which refusals of a route are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusals {
    /// All, where no guarded write ever goes through.
    OfAll,
    /// Of clients that don't learn from it.
    Stuck,
    /// Of writes that are in each other's way.
    InConflict,
    /// Whatever else.
    Others,
}

fn never_holds(route: &RouteSum) -> bool {
    route.guard_held == 0 && route.guard_failed >= NEVER
}

fn refusals(route: &RouteSum, which: Refusals) -> Option<(Sum, Vec<Event>)> {
    let never_holds = never_holds(route);
    let is_hot = route.in_conflict >= HOT;
    let mut found = Noted::default();
    for (note, noted) in &route.notes {
        let kind = match note {
            Note::Stuck | Note::Conflict | Note::Refused if never_holds => Refusals::OfAll,
            Note::Stuck => Refusals::Stuck,
            Note::Conflict if is_hot => Refusals::InConflict,
            Note::Conflict | Note::Refused => Refusals::Others,
            _ => continue,
        };
        if kind == which {
            found.merge(noted.clone());
        }
    }
    (found.sum.requests > 0).then(|| (found.sum, found.evidence.to_vec()))
}

fn refused_again(replay: &Replay) -> Finding {
    let mut finding = gather(&REFUSED_AGAIN, replay, |route| refusals(route, Refusals::Stuck));
    let routes = &replay.routes;
    let own = |one: &&Stuck| routes.get(one.route as usize).is_some_and(|route| !never_holds(route));
    finding.clients = replay.stuck.iter().filter(own).copied().collect();
    finding
}

fn never_304(route: &RouteSum) -> Option<(Sum, Vec<Event>)> {
    let never = route.conditional >= NEVER && route.not_modified.requests == 0;
    let noted = route.get(Note::Conditional).filter(|_| never)?;
    Some((noted.sum, noted.evidence.to_vec()))
}

fn slow_304(route: &RouteSum) -> Option<(Sum, Vec<Event>)> {
    let mean = |sum: Sum| sum.micros.checked_div(sum.requests).unwrap_or(0);
    let (not_modified, full) = (mean(route.not_modified), mean(route.full));
    // Where there is no 200 to compare with, the time alone tells.
    let slow = not_modified >= SLOW && not_modified * 2 >= full;
    slow.then(|| (route.not_modified, confirmed(route)))
}

fn confirmed(route: &RouteSum) -> Vec<Event> {
    route.get(Note::NotModified).map(|noted| noted.evidence.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_titles_say_something() {
        let mut ids: Vec<_> = ALL.iter().map(|definition| definition.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        assert!(
            ALL.iter().all(|definition| definition.meaning.ends_with('.') && definition.fix.ends_with('.'))
        );
    }

    #[test]
    fn each_is_in_the_documentation_with_its_severity() {
        let documentation = include_str!("../../docs/logs.md");
        for definition in ALL {
            let severity = format!("{:?}", definition.severity).to_lowercase();
            let row = format!("| `{}` | {severity} | ", definition.id);
            assert!(documentation.contains(&row), "{row}");
        }
    }
}
