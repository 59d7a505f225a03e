//! The log replayed, client by client: what each had, when it asked again, and whether that was needed.
//!
//! # What is known of a client
//!
//! A 200 gave it a version of the content, told by its entity-tag or, where the log has none, by its size. A 304
//! or a 200 of the same version says that nothing had changed since; a 200 of another one that something had.
//! From these pairs it follows, for each freshness lifetime, which requests it would have spared and in how many
//! of them the client would have used what was no longer current: see [`Saving`].
//!
//! An address with many user agents is a proxy or a shared line: several people may look like one client there,
//! so it counts in the sums but proves nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use smallvec::SmallVec;

use super::event::{
    COMPRESSED, Event, GUARDED, HAD_DIRECTIVES, Method, NO_STORE, PRIVATE, REWRITTEN, SEVERAL, UNKNOWN,
};
use super::routes::Routes;
use super::scan::Log;
use super::tables::Hashing;
use super::totals::Sum;

/// Freshness lifetimes that are tried, in seconds: from ten seconds to a year.
pub const LIFETIMES: [u32; 10] = [10, 60, 300, 600, 3600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000];

/// User agents of one address past which it is taken for a proxy or a shared line.
pub const SHARED: u32 = 16;

/// So many requests for one URL within [`STORM_SECONDS`] are a storm.
pub const STORM: usize = 10;
/// See [`STORM`].
pub const STORM_SECONDS: u32 = 60;

/// Refusals of one client from which it is stuck, if most of what it asked for there was refused: who fetches the
/// resource anew before trying again is refused half of the time at the most.
const STUCK: u64 = 5;

/// Bytes from which text is worth compressing.
const WORTH_COMPRESSING: u32 = 2048;

/// Lines that a note keeps as evidence.
const EVIDENCE: usize = 3;

/// What software asks, as far as caching differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Software {
    /// A browser: it has a cache.
    Browser,
    /// A crawler or a feed reader.
    Crawler,
    /// A monitor or a health check.
    Monitor,
    /// A library or a tool.
    Tool,
    /// It does not say.
    Unknown,
}

impl Software {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Crawler => "crawler",
            Self::Monitor => "monitor",
            Self::Tool => "tool",
            Self::Unknown => "unknown",
        }
    }

    /// Told by the User-Agent.
    #[must_use]
    pub fn of(agent: &[u8]) -> Self {
        let agent = agent.to_ascii_lowercase();
        let has =
            |words: &[&str]| words.iter().any(|word| memchr::memmem::find(&agent, word.as_bytes()).is_some());
        if agent.is_empty() {
            Self::Unknown
        } else if has(&[
            "uptime",
            "pingdom",
            "monitor",
            "healthcheck",
            "health-check",
            "kube-probe",
            "nagios",
            "check_http",
            "elb-healthchecker",
            "googlehc",
            "statuscake",
            "zabbix",
            "blackbox",
            "site24x7",
        ]) {
            Self::Monitor
        } else if has(&[
            "bot",
            "spider",
            "crawl",
            "slurp",
            "feed",
            "rss",
            "mediapartners",
            "facebookexternalhit",
            "archiver",
            "scanner",
            "preview",
            "reader",
            "baiduspider",
            "yandex",
            "wordpress/",
            "tiny tiny",
            "netvibes",
            "universalfeed",
        ]) {
            Self::Crawler
        } else if agent.starts_with(b"mozilla/") || agent.starts_with(b"opera/") {
            Self::Browser
        } else {
            Self::Tool
        }
    }
}

/// What was noticed in a chain of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// The same URL again and again within a minute.
    Storm,
    /// A 304.
    NotModified,
    /// A 304 for a URL that names one version.
    Versioned,
    /// A whole response to a request that said which version the client has.
    Conditional,
    /// A whole response, the same as before, that the client did not ask to be spared.
    Repeated,
    /// A whole response though the client sent the tag that it got: nobody judges, or validators are lost on the way.
    Ignored,
    /// A whole response of the same size whose tag was another one.
    Unstable,
    /// The client came back with its tag weakened or suffixed by somebody between, and got the whole again.
    Rewritten,
    /// A 304 to a client that was given no 200 in the log.
    Orphan,
    /// A 304 with content.
    BytesIn304,
    /// HEAD and GET say different things.
    HeadDiffers,
    /// A URL that is different each time.
    Busted,
    /// Software that never sends a validator though it comes back.
    NeverAsks,
    /// Text that went out uncompressed.
    Uncompressed,
    /// 412, 416 or 428.
    Refused,
    /// The same, to a client that does not learn from it.
    Stuck,
    /// 412 to a write of a client that does.
    Conflict,
    /// A redirect, asked for again.
    Redirected,
    /// A 404 or 410, asked for again.
    Missing,
}

/// Exchanges that are worth a note, and some lines to show.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// What they cost.
    pub sum: Sum,
    /// The first of them.
    pub evidence: SmallVec<[Event; EVIDENCE]>,
}

impl Noted {
    fn add(&mut self, event: &Event) {
        self.sum = plus(self.sum, cost(event));
        if self.evidence.len() == EVIDENCE {
            // The first ones in the log are shown.
            match self.evidence.last_mut() {
                Some(last) if event.line < last.line => *last = *event,
                _ => return,
            }
        } else {
            self.evidence.push(*event);
        }
        self.evidence.sort_unstable_by_key(|event| event.line);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sum = plus(self.sum, other.sum);
        self.evidence.extend(other.evidence);
        self.evidence.sort_unstable_by_key(|event| event.line);
        self.evidence.truncate(EVIDENCE);
    }
}

/// What a freshness lifetime would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Requests that would not have been made.
    pub saved: Sum,
    /// Those among them that were answered 304.
    pub not_modified: u64,
    /// Those among them in which the client would have used an outdated version.
    pub stale: u64,
}

/// Returns of clients that have a cache, so long after they last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Those that found what they had.
    pub unchanged: u64,
    /// Those that found something else.
    pub changed: u64,
}

/// All of one route.
#[derive(Clone, Debug, Default)]
pub struct RouteSum {
    /// Everything.
    pub all: Sum,
    /// Answered 200 to GET.
    pub full: Sum,
    /// Answered 304.
    pub not_modified: Sum,
    /// GETs that said which version they have.
    pub conditional: u64,
    /// Clients that asked.
    pub clients: u64,
    /// Pairs of requests of one client between which nothing changed.
    pub unchanged: u64,
    /// Pairs between which something did.
    pub changed: u64,
    /// For each of [`LIFETIMES`].
    pub curve: [Saving; LIFETIMES.len()],
    /// The first 304 that each of [`LIFETIMES`] would have spared.
    pub spared: [Option<Event>; LIFETIMES.len()],
    /// By the first of [`LIFETIMES`] that is longer; the last are those that are longer than all.
    pub gaps: [Gap; LIFETIMES.len() + 1],
    /// Clients with a [`Note::Conflict`].
    pub in_conflict: u64,
    /// Those among refused writes that had a precondition, as far as the log says.
    pub guard_failed: u64,
    /// Writes with a precondition that went through.
    pub guard_held: u64,
    /// What was noticed.
    pub notes: SmallVec<[(Note, Noted); 2]>,
    /// All flags of its exchanges.
    pub flags: u8,
}

impl RouteSum {
    fn note(&mut self, note: Note, event: &Event) {
        self.noted(note).add(event);
    }

    fn noted(&mut self, note: Note) -> &mut Noted {
        let at = self.notes.iter().position(|(known, _)| *known == note).unwrap_or_else(|| {
            self.notes.push((note, Noted::default()));
            self.notes.len() - 1
        });
        &mut self.notes[at].1
    }

    /// Some response was for one user.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.flags & PRIVATE != 0
    }

    /// Some response was not to be stored.
    #[must_use]
    pub const fn forbids_storing(&self) -> bool {
        self.flags & NO_STORE != 0
    }

    /// Some response had directives of the app's own.
    #[must_use]
    pub const fn has_directives(&self) -> bool {
        self.flags & HAD_DIRECTIVES != 0
    }

    /// What was noticed of that kind.
    #[must_use]
    pub fn get(&self, note: Note) -> Option<&Noted> {
        self.notes.iter().find(|(known, _)| *known == note).map(|(_, noted)| noted)
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.all = plus(self.all, other.all);
        self.full = plus(self.full, other.full);
        self.not_modified = plus(self.not_modified, other.not_modified);
        self.conditional += other.conditional;
        self.clients += other.clients;
        self.unchanged += other.unchanged;
        self.changed += other.changed;
        self.flags |= other.flags;
        self.in_conflict += other.in_conflict;
        self.guard_failed += other.guard_failed;
        self.guard_held += other.guard_held;
        for (own, others) in self.curve.iter_mut().zip(other.curve) {
            own.saved = plus(own.saved, others.saved);
            own.not_modified += others.not_modified;
            own.stale += others.stale;
        }
        for (own, others) in self.spared.iter_mut().zip(other.spared) {
            *own = own.iter().copied().chain(others).min_by_key(|event| event.line);
        }
        for (own, others) in self.gaps.iter_mut().zip(other.gaps) {
            own.unchanged += others.unchanged;
            own.changed += others.changed;
        }
        for (note, noted) in other.notes {
            self.noted(note).merge(noted);
        }
    }
}

pub(super) fn plus(a: Sum, b: Sum) -> Sum {
    Sum { requests: a.requests + b.requests, bytes: a.bytes + b.bytes, micros: a.micros + b.micros }
}

pub(super) fn cost(event: &Event) -> Sum {
    let known = |number: u32| if number == UNKNOWN { 0 } else { u64::from(number) };
    Sum { requests: 1, bytes: known(event.bytes), micros: known(event.micros) }
}

/// A client that is refused again and again on a route.
#[derive(Clone, Copy, Debug)]
pub struct Stuck {
    /// The client's number.
    pub client: u32,
    /// The route's.
    pub route: u32,
    /// What it was refused.
    pub sum: Sum,
}

/// What the replay comes to.
#[derive(Debug, Default)]
pub struct Replay {
    /// By the route's number.
    pub routes: Vec<RouteSum>,
    /// Clients and requests by software.
    pub software: HashMap<Software, (u64, u64)>,
    /// Addresses that many share: the address's number, its user agents and its requests.
    pub shared: Vec<(u32, u32, u64)>,
    /// Clients that are refused again and again, and where: those that are most often first.
    pub stuck: Vec<Stuck>,
    /// Squares of the requests of each client, for error bars.
    pub squares: f64,
}

/// Replay a log.
#[must_use]
pub fn replay(log: &Log, routes: &Routes, threads: usize) -> Replay {
    let facts = Facts::of(log);
    let mut whole = Replay { routes: vec![RouteSum::default(); routes.len()], ..Replay::default() };
    let next = AtomicUsize::new(0);
    let replayed: Vec<Part> = std::thread::scope(|scope| {
        let work = || {
            let mut part = Part::default();
            while let Some(share) = log.events.shares().get(next.fetch_add(1, Relaxed)) {
                part.replay(share, log, routes, &facts);
            }
            part
        };
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|part| part.join().ok()).collect()
    });
    let mut by_address: HashMap<u32, u64> = HashMap::new();
    for part in replayed {
        for (own, sum) in whole.routes.iter_mut().zip(part.routes) {
            if let Some(sum) = sum {
                own.merge(*sum);
            }
        }
        for (software, (clients, requests)) in part.software {
            let own = whole.software.entry(software).or_default();
            own.0 += clients;
            own.1 += requests;
        }
        for (address, requests) in part.shared {
            *by_address.entry(address).or_default() += requests;
        }
        whole.stuck.extend(part.stuck);
        whole.squares += part.squares;
    }
    whole.stuck.sort_by_key(|one| (std::cmp::Reverse(one.sum.requests), one.client, one.route));
    let agents = |address: u32| facts.agents_of.get(address as usize).copied().unwrap_or_default();
    whole.shared =
        by_address.into_iter().map(|(address, requests)| (address, agents(address), requests)).collect();
    whole.shared.sort_by_key(|(address, _, requests)| {
        (std::cmp::Reverse(*requests), log.tables.addresses.get(*address))
    });
    whole
}

/// Drawn user agents of an address from which their number is reckoned.
const DRAWN: u32 = 3;

/// How many user agents each address has, by its number; in a sample from as many as are drawn, if it is not just
/// one or two.
pub(super) fn agents_of_addresses(log: &Log) -> Vec<u32> {
    let mut agents_of = vec![0; log.tables.addresses.len()];
    // Nearly in order as it is: addresses are numbered as clients are.
    let mut pairs: Vec<_> =
        log.tables.clients().iter().map(|client| (client.address, client.agent)).collect();
    // Without users no two clients have the same pair.
    if log.tables.users.len() > 1 {
        pairs.sort_unstable();
        pairs.dedup();
    }
    for (address, _) in pairs {
        if let Some(count) = agents_of.get_mut(address as usize) {
            *count += 1;
        }
    }
    let one_in = u32::try_from(log.one_in).unwrap_or(u32::MAX);
    for count in agents_of.iter_mut().filter(|count| **count >= DRAWN) {
        *count = count.saturating_mul(one_in);
    }
    agents_of
}

/// No head of a response is shorter: a status line and a Date.
const LEAST_HEAD: u32 = 60;

/// Are heads counted as bytes of content? Gunicorn's `gevent_pywsgi` does: no 304 has none then, and nothing has less.
pub(super) fn counts_heads(log: &Log) -> bool {
    let known = || log.events.iter().filter(|event| event.bytes != UNKNOWN);
    known().any(|event| event.status == 304) && known().all(|event| event.bytes >= LEAST_HEAD)
}

/// What is known of clients before their requests are looked at.
struct Facts {
    software: Vec<Software>,
    agents_of: Vec<u32>,
    has_tags: bool,
    has_codings: bool,
    counts_heads: bool,
}

impl Facts {
    fn of(log: &Log) -> Self {
        Self {
            software: log.tables.agents.iter().map(Software::of).collect(),
            agents_of: agents_of_addresses(log),
            has_tags: log.events.has_tags(),
            has_codings: log.events.flags() & COMPRESSED != 0,
            counts_heads: counts_heads(log),
        }
    }
}

#[derive(Default)]
struct Part {
    /// By the route's number, as far as it had some.
    routes: Vec<Option<Box<RouteSum>>>,
    software: HashMap<Software, (u64, u64), Hashing>,
    shared: HashMap<u32, u64>,
    stuck: Vec<Stuck>,
    squares: f64,
    /// One client's events by URL: which URL, and in the lower half which event, for one number is quickly compared.
    by_url: Vec<u64>,
}

impl Part {
    fn replay(&mut self, events: &[Event], log: &Log, routes: &Routes, facts: &Facts) {
        for client in events.chunk_by(|a, b| a.client == b.client) {
            self.client(client, log, routes, facts);
        }
    }

    fn client(&mut self, events: &[Event], log: &Log, routes: &Routes, facts: &Facts) {
        let Some(first) = events.first() else { return };
        let Some(who) = log.tables.clients().get(first.client as usize) else { return };
        let software = facts.software.get(who.agent as usize).copied().unwrap_or(Software::Unknown);
        let is_shared = facts.agents_of.get(who.address as usize).is_some_and(|agents| *agents >= SHARED);
        let requests = events.len() as u64;
        let sum = self.software.entry(software).or_default();
        sum.0 += 1;
        sum.1 += requests;
        #[allow(clippy::cast_precision_loss, reason = "an error bar needs no more digits")]
        let many = requests as f64;
        self.squares += many * many;
        if is_shared {
            *self.shared.entry(who.address).or_default() += requests;
        }
        let client = Who {
            has_cache: software == Software::Browser
                || events.iter().any(|event| event.status == 304 || event.is_conditional()),
            proves: !is_shared,
            facts,
        };
        // What a client has of one URL does not depend on the others, so each is dealt with by itself.
        self.by_url.clear();
        self.by_url.extend(events.iter().zip(0..).map(|(event, place)| u64::from(event.url) << 32 | place));
        self.by_url.sort_unstable();
        // Where it was refused something: how often, and of how many requests.
        let (mut refused, mut asked) = (0, 0);
        for of_url in self.by_url.chunk_by(|a, b| a >> 32 == b >> 32) {
            #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
            let place = |key: u64| key as u32 as usize;
            let Some(first) = of_url.first().and_then(|first| events.get(place(*first))) else { continue };
            let number = routes.route(first.url) as usize;
            if self.routes.len() <= number {
                self.routes.resize_with(number + 1, || None);
            }
            let Some(route) = self.routes.get_mut(number) else { continue };
            let route = route.get_or_insert_default();
            let mut chain = Chain::default();
            for key in of_url {
                if let Some(event) = events.get(place(*key)) {
                    chain.next(event, route, &client, routes);
                }
            }
            if chain.refused > 0 {
                refused += chain.refused;
                asked += of_url.len() as u64;
            }
        }
        if refused > 0 {
            let is_stuck = client.proves && refused >= STUCK && 2 * refused > asked;
            self.refusals(events, routes, &client, is_stuck);
        }
    }

    /// Note what a client was refused.
    fn refusals(&mut self, events: &[Event], routes: &Routes, client: &Who<'_>, is_stuck: bool) {
        let mut sums: SmallVec<[(u32, Sum); 4]> = SmallVec::new();
        for event in events.iter().filter(|event| is_refusal(event.status)) {
            let number = routes.route(event.url);
            let Some(Some(route)) = self.routes.get_mut(number as usize) else { continue };
            let is_write = event.status == 412 && event.method == Method::Unsafe;
            route.guard_failed += u64::from(is_write && event.flags & GUARDED != 0);
            let note = match is_stuck {
                true => Note::Stuck,
                false if is_write && client.proves => Note::Conflict,
                false => Note::Refused,
            };
            route.note(note, event);
            if note == Note::Refused {
                continue;
            }
            if let Some((_, sum)) = sums.iter_mut().find(|(known, _)| *known == number) {
                *sum = plus(*sum, cost(event));
            } else {
                route.in_conflict += u64::from(note == Note::Conflict);
                sums.push((number, cost(event)));
            }
        }
        if let Some(&Event { client, .. }) = events.first().filter(|_| is_stuck) {
            self.stuck.extend(sums.into_iter().map(|(route, sum)| Stuck { client, route, sum }));
        }
    }
}

const fn is_refusal(status: u16) -> bool {
    matches!(status, 412 | 416 | 428)
}

struct Who<'a> {
    /// Could freshness spare its requests?
    has_cache: bool,
    /// Is it one client?
    proves: bool,
    facts: &'a Facts,
}

/// What one client has of one URL.
#[derive(Default)]
struct Chain {
    seen: bool,
    version: Option<Version>,
    /// Bytes of the last whole response.
    size: u32,
    /// When it was last known to be current.
    validated: u32,
    /// For each lifetime: when the client would have fetched it, and whether it changed since.
    fetched: [(u32, bool); LIFETIMES.len()],
    /// The last requests, for storms.
    recent: SmallVec<[u32; STORM]>,
    /// Preconditions and ranges that were refused.
    refused: u64,
    /// The last answer that was no representation.
    other_status: u16,
}

/// A version of the content, by the best that the log has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Tag(u32),
    Size(u32),
    /// It has one, but which was said before the log began.
    Unnamed,
}

impl Version {
    fn of(event: &Event) -> Option<Self> {
        match event.etag {
            0 if event.bytes != UNKNOWN && event.bytes > 0 => Some(Self::Size(event.bytes)),
            0 => None,
            tag => Some(Self::Tag(tag)),
        }
    }
}

impl Chain {
    fn next(&mut self, event: &Event, route: &mut RouteSum, client: &Who<'_>, routes: &Routes) {
        route.all = plus(route.all, cost(event));
        if !std::mem::replace(&mut self.seen, true) {
            route.clients += 1;
        }
        route.flags |= event.flags;
        self.refused += u64::from(is_refusal(event.status));
        match event.method {
            Method::Get => self.get(event, route, client, routes),
            Method::Head => self.head(event, route, client),
            Method::Unsafe => {
                let holds = event.flags & GUARDED != 0 && (200..300).contains(&event.status);
                route.guard_held += u64::from(holds);
            }
            Method::Other => {}
        }
    }

    fn head(&self, event: &Event, route: &mut RouteSum, client: &Who<'_>) {
        // Only where the GET came just before: else the content may have changed.
        let recent = self.version.is_some() && event.time - self.validated.min(event.time) <= 5;
        let refuses = matches!(event.status, 404 | 405 | 500 | 501);
        let lost_tag = client.facts.has_tags
            && event.status == 200
            && matches!(self.version, Some(Version::Tag(tag)) if tag != event.etag);
        if recent && client.proves && (refuses || lost_tag) {
            route.note(Note::HeadDiffers, event);
        }
    }

    fn get(&mut self, event: &Event, route: &mut RouteSum, client: &Who<'_>, routes: &Routes) {
        if event.is_conditional() {
            route.conditional += 1;
        }
        self.storm(event, route, client);
        let kind = routes.kind(event.url);
        match event.status {
            200 => {
                route.full = plus(route.full, cost(event));
                if event.is_conditional() {
                    route.note(Note::Conditional, event);
                }
                if kind.busted {
                    route.note(Note::Busted, event);
                }
                if client.facts.has_codings && event.flags & COMPRESSED == 0 && is_text(routes, event) {
                    route.note(Note::Uncompressed, event);
                }
                let version = Version::of(event);
                if let (Some(had @ (Version::Tag(_) | Version::Size(_))), Some(has)) = (self.version, version)
                {
                    let same = had == has;
                    self.pair(event, same, route, client);
                    if client.proves {
                        self.repeated(event, same, had, route, client);
                    }
                } else {
                    self.restart(event.time);
                }
                self.version = version;
                self.size = event.bytes;
                self.validated = event.time;
            }
            304 => {
                route.not_modified = plus(route.not_modified, cost(event));
                route.note(Note::NotModified, event);
                if event.bytes != UNKNOWN && event.bytes > 0 && !client.facts.counts_heads {
                    route.note(Note::BytesIn304, event);
                }
                if kind.versioned {
                    route.note(Note::Versioned, event);
                }
                if self.version.is_some() {
                    self.pair(event, true, route, client);
                } else {
                    if client.proves {
                        route.note(Note::Orphan, event);
                    }
                    // It has what the 304 confirms.
                    self.version = match (event.etag, event.if_none_match) {
                        (0, 0 | SEVERAL) => Some(Version::Unnamed),
                        (0, tag) | (tag, _) => Some(Version::Tag(tag)),
                    };
                    self.restart(event.time);
                }
                self.validated = event.time;
            }
            301 | 302 | 303 | 307 | 308 => self.again(event, Note::Redirected, route, client),
            404 | 410 => self.again(event, Note::Missing, route, client),
            _ => {}
        }
        if event.status < 300 || event.status == 304 {
            self.other_status = 0;
        }
    }

    fn again(&mut self, event: &Event, note: Note, route: &mut RouteSum, client: &Who<'_>) {
        if self.other_status == event.status && client.proves {
            route.note(note, event);
        }
        self.other_status = event.status;
    }

    fn storm(&mut self, event: &Event, route: &mut RouteSum, client: &Who<'_>) {
        // The pieces of a download are no storm.
        if !client.proves || event.status == 206 {
            return;
        }
        if self.recent.len() == STORM {
            self.recent.remove(0);
        }
        self.recent.push(event.time);
        let within = self.recent.len() == STORM
            && self.recent.first().is_some_and(|first| event.time.saturating_sub(*first) <= STORM_SECONDS);
        if within {
            route.note(Note::Storm, event);
        }
    }

    /// A whole response to a client that had one.
    fn repeated(&self, event: &Event, same: bool, had: Version, route: &mut RouteSum, client: &Who<'_>) {
        let echoed =
            event.if_none_match != 0 && matches!(had, Version::Tag(tag) if tag == event.if_none_match);
        if event.flags & REWRITTEN != 0 {
            route.note(Note::Rewritten, event);
        } else if same && event.is_conditional() {
            route.note(Note::Ignored, event);
        } else if same && client.has_cache {
            route.note(Note::Repeated, event);
        } else if same {
            route.note(Note::NeverAsks, event);
        } else if echoed && self.same_size(event) {
            route.note(Note::Unstable, event);
        }
    }

    /// Is the tag another one, but the size the same? Then likely only the tag changed.
    const fn same_size(&self, event: &Event) -> bool {
        event.bytes != UNKNOWN && event.bytes > 0 && self.size == event.bytes
    }

    fn restart(&mut self, time: u32) {
        self.fetched = [(time, false); LIFETIMES.len()];
    }

    /// The client has asked again: what would each lifetime have made of it?
    fn pair(&mut self, event: &Event, same: bool, route: &mut RouteSum, client: &Who<'_>) {
        if !client.proves {
            return;
        }
        if same {
            route.unchanged += 1;
        } else {
            route.changed += 1;
        }
        if !client.has_cache {
            return;
        }
        let gap = event.time.saturating_sub(self.validated);
        if let Some(gap) = route.gaps.get_mut(LIFETIMES.partition_point(|lifetime| *lifetime <= gap)) {
            *(if same { &mut gap.unchanged } else { &mut gap.changed }) += 1;
        }
        let points = route.curve.iter_mut().zip(&mut route.spared);
        for ((lifetime, (saving, spared)), fetched) in LIFETIMES.iter().zip(points).zip(&mut self.fetched) {
            fetched.1 |= !same;
            if event.time.saturating_sub(fetched.0) < *lifetime {
                saving.saved = plus(saving.saved, cost(event));
                if event.status == 304 {
                    saving.not_modified += 1;
                    if spared.is_none_or(|first| event.line < first.line) {
                        *spared = Some(*event);
                    }
                }
                saving.stale += u64::from(fetched.1);
            } else {
                *fetched = (event.time, false);
            }
        }
    }
}

fn is_text(routes: &Routes, event: &Event) -> bool {
    let template = routes.template(routes.route(event.url));
    let is_text = [".css", ".js", ".svg", ".json", ".xml", ".txt", ".html", ".htm", ".mjs", ".map"]
        .iter()
        .any(|extension| template.ends_with(extension));
    is_text && event.bytes != UNKNOWN && event.bytes >= WORTH_COMPRESSING
}
