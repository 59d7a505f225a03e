//! What would have happened under other policies: the log's own uses, asked of caches that obey RFC 9111.
//!
//! Each client that has a cache gets a private one, bounded, whose least recently used responses go first; one
//! shared cache may stand between all of them and the server. What the log says was the current version at the
//! moment of each line decides whether a revalidation is answered 304 and whether a use was outdated.
//!
//! | in the log | in the simulation |
//! | --- | --- |
//! | GET, answered 200 or 304 | a use: from a cache, by a revalidation, or whole |
//! | GET, answered with another status | the same; kept where a policy gives that status a lifetime |
//! | an unsafe method, answered 2xx or 3xx | as logged; what is stored for its URL must be revalidated (§4.4) |
//! | anything else: HEAD, parts, errors | as logged |
//! | GET of a static file | the freshness that its URL says, before what policies say |
//! | a response to which no policy applies | as logged, and not kept |
//! | CDN-Cache-Control of a policy | is what the shared cache goes by, and no private one |
//! | clients without a cache, addresses that many share | as logged, but the shared cache serves them too |
//!
//! A log shows the uses that caches let through, so more would be saved or outdated where they are at work now.

use std::collections::{BTreeMap, HashMap};

use super::clients::{SHARED, Software, cost, plus};
use super::event::{Event, HAD_DIRECTIVES, Method, PRIVATE, SEVERAL, UNKNOWN};
use super::routes::{Routes, path_info, split};
use super::scan::Log;
use super::totals::Sum;
use crate::assets::{Assets, Freshness};
use crate::http::cache_control::{CacheControl, Scope};
use crate::http::field::is_name;
use crate::http::targeted;
use crate::policy::{EtagOption, Policies, Policy};

/// What is simulated.
#[derive(Debug)]
pub struct Simulation<'a> {
    /// Which responses get which directives.
    pub policies: &'a Policies,
    /// Static files, whose URLs say their freshness.
    pub assets: Option<&'a Assets>,
    /// Bytes that a client's cache holds.
    pub client_cache: u64,
    /// Is there a shared cache in front of the server?
    pub shared_cache: bool,
}

/// What the server had to do, and what clients got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Requests that reached the server.
    pub server: Sum,
    /// Those answered 304.
    pub not_modified: u64,
    /// Uses served from the clients' own caches.
    pub from_clients: u64,
    /// Uses served from the shared cache.
    pub from_shared: u64,
    /// Uses, of both, of what was no longer current.
    pub stale: u64,
    /// Uses of what had a Cache-Control in the log that the policy does not override: if it was the
    /// application's, it stands.
    pub doubtful: u64,
    /// 304s among those that were whole responses in the log.
    pub from_whole: u64,
    /// Uses from the clients' own caches of which the log does not tell whether they were current: a whole
    /// response, where what the client had of it, or it itself, has no version.
    pub unknown: u64,
}

impl Outcome {
    fn reached(&mut self, cost: Sum, not_modified: bool) {
        self.server = plus(self.server, cost);
        self.not_modified += u64::from(not_modified);
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            server: plus(self.server, other.server),
            not_modified: self.not_modified + other.not_modified,
            from_clients: self.from_clients + other.from_clients,
            from_shared: self.from_shared + other.from_shared,
            stale: self.stale + other.stale,
            doubtful: self.doubtful + other.doubtful,
            from_whole: self.from_whole + other.from_whole,
            unknown: self.unknown + other.unknown,
        }
    }
}

/// What a simulation comes to.
#[derive(Debug, Default)]
pub struct Simulated {
    /// For each route, by its number: as logged, and under the policies.
    pub routes: Vec<(Outcome, Outcome)>,
    /// Squares of what each client has of it, for error bars.
    pub squares: Squares,
}

/// Sums over clients of the squares of their figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Squares {
    /// Requests that the policies save.
    pub saved: f64,
    /// Requests under the policies.
    pub requests: f64,
    /// 304s among them.
    pub not_modified: f64,
    /// Their bytes.
    pub bytes: f64,
    /// Outdated uses.
    pub stale: f64,
}

impl Squares {
    #[allow(clippy::cast_precision_loss, reason = "an error bar needs no more digits")]
    fn add(&mut self, (before, after): (Outcome, Outcome)) {
        let square = |number: u64| (number as f64).powi(2);
        self.saved += square(before.server.requests.abs_diff(after.server.requests));
        self.requests += square(after.server.requests);
        self.not_modified += square(after.not_modified);
        self.bytes += square(after.server.bytes);
        self.stale += square(after.stale);
    }
}

/// Simulate. A shared cache wants all clients: with some of them nobody knows what it would have held.
#[must_use]
pub fn simulate(log: &Log, routes: &Routes, simulation: &Simulation<'_>) -> Simulated {
    let mut squares = Squares::default();
    let mut world = World {
        routes,
        rules: Rules { log, policies: simulation.policies, assets: simulation.assets, known: HashMap::new() },
        outcomes: vec![Default::default(); routes.len()],
        sizes: sizes(log),
        shared: simulation.shared_cache.then(HashMap::new),
        client: Default::default(),
    };
    let people = People::of(log);
    let capacity = simulation.client_cache;
    if world.shared.is_some() {
        // One after the other as they came, for each may use what another fetched.
        let mut order: Vec<&Event> = log.events.iter().collect();
        order.sort_unstable_by_key(|event| (event.time, event.line));
        let mut caches: HashMap<u32, Private> = HashMap::new();
        for event in order {
            let cache = caches.entry(event.client).or_insert_with(|| Private::new(capacity));
            world.next(event, cache, people.has_cache(event.client));
        }
    } else {
        for client in log.events.by_client() {
            let mut cache = Private::new(capacity);
            for event in client {
                world.next(event, &mut cache, people.has_cache(event.client));
            }
            squares.add(std::mem::take(&mut world.client));
        }
    }
    Simulated { routes: world.outcomes, squares }
}

/// The largest 200 of each URL.
fn sizes(log: &Log) -> HashMap<u32, u64> {
    let mut sizes = HashMap::new();
    for event in &log.events {
        if event.method == Method::Get && event.status == 200 && event.bytes != UNKNOWN {
            let size: &mut u64 = sizes.entry(event.url).or_default();
            *size = u64::from(event.bytes).max(*size);
        }
    }
    sizes
}

/// Which clients have a cache of their own.
struct People(Vec<bool>);

impl People {
    fn of(log: &Log) -> Self {
        let agents = super::clients::agents_of_addresses(log);
        let browsers: Vec<bool> =
            log.tables.agents.iter().map(|agent| Software::of(agent) == Software::Browser).collect();
        let clients = log.tables.clients();
        let mut has: Vec<bool> =
            clients.iter().map(|client| browsers.get(client.agent as usize) == Some(&true)).collect();
        for event in &log.events {
            if (event.status == 304 || event.is_conditional())
                && let Some(slot) = has.get_mut(event.client as usize)
            {
                *slot = true;
            }
        }
        for (slot, client) in has.iter_mut().zip(clients) {
            *slot &= agents.get(client.address as usize).is_some_and(|agents| *agents < SHARED);
        }
        Self(has)
    }

    fn has_cache(&self, client: u32) -> bool {
        self.0.get(client as usize) == Some(&true)
    }
}

/// A version of what is at a URL, by the best that the log has.
#[derive(Clone, Copy, Debug)]
enum Version {
    Tag(u32),
    Size(u32),
    /// No representation, but a redirect or that there is none.
    Status(u16),
    Unknown,
}

impl Version {
    /// What can't be told is taken for the same.
    fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => true,
            (Self::Tag(a), Self::Tag(b)) | (Self::Size(a), Self::Size(b)) => a == b,
            (Self::Status(a), Self::Status(b)) => a == b,
            _ => false,
        }
    }

    const fn is_known(self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// The current one when this was answered; `had` is what the client had of it in the log.
    fn of(event: &Event, had: Self) -> Self {
        match (event.status, event.etag, event.if_none_match) {
            (200 | 304, tag @ 1.., _) => Self::Tag(tag),
            (200, ..) if event.bytes != UNKNOWN && event.bytes > 0 => Self::Size(event.bytes),
            (304, _, 0 | SEVERAL) => had,
            (304, _, tag) => Self::Tag(tag),
            (200, ..) => Self::Unknown,
            (status, ..) => Self::Status(status),
        }
    }
}

/// What a policy says of a response.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// The lifetime in a private cache, in seconds.
    private: u32,
    /// In a shared one; none if it may not be stored there.
    shared: Option<u32>,
    /// The seconds after it in which the old is used while the new is fetched.
    grace: u32,
    stores: bool,
    has_validator: bool,
    /// May a shared cache use it for requests of users too (§3.5)?
    for_users: bool,
    over: bool,
}

impl Rule {
    fn of(policy: &Policy) -> Option<Self> {
        let written = policy.cache_control.as_deref();
        let for_shared = of_shared_caches(policy);
        if written.is_none() && policy.expires.is_none() && for_shared.is_none() {
            return None;
        }
        let said = Said {
            cache_control: written.unwrap_or_default(),
            expires: policy.expires,
            for_shared,
            over: policy.override_app,
        };
        Some(Self::new(said, Some(policy)))
    }

    /// Of a static file, whose URL says its freshness (see [`Answer::freshen`](crate::exchange::Answer::freshen)).
    fn of_asset(freshness: Freshness, policy: Option<&Policy>) -> Option<Self> {
        let is_said = policy.is_some_and(|policy| policy.cache_control.is_some() || policy.expires.is_some());
        if freshness == Freshness::RevalidateUnlessSaid && is_said {
            return policy.and_then(Self::of);
        }
        // What a policy says to CDNs is meant for the version that the URL names.
        let for_shared = policy.filter(|_| freshness == Freshness::Immutable).and_then(of_shared_caches);
        let said = Said {
            cache_control: freshness.directives(false),
            expires: None,
            for_shared,
            over: freshness != Freshness::RevalidateUnlessSaid,
        };
        Some(Self::new(said, policy))
    }

    fn new(said: Said<'_>, policy: Option<&Policy>) -> Self {
        let Said { cache_control, expires, for_shared, over } = said;
        let directives = CacheControl::from_field(cache_control);
        let everything = |scope: &Option<Scope>| *scope == Some(Scope::Everything);
        let revalidates = everything(&directives.no_cache);
        let life = |seconds: Option<u32>| if revalidates { 0 } else { seconds.unwrap_or(0) };
        let private = directives.max_age.or(expires);
        // A shared cache that knows its own field looks at no other (RFC 9213 §2.2).
        let said = for_shared.as_ref().unwrap_or(&directives);
        let lasts = said.s_maxage.or(if for_shared.is_some() { said.max_age } else { private });
        let is_shared = !said.no_store && !everything(&said.private);
        let asks = everything(&said.no_cache);
        Self {
            private: life(private),
            shared: is_shared.then(|| if asks { 0 } else { lasts.unwrap_or(0) }),
            grace: if revalidates || directives.must_revalidate {
                0
            } else {
                directives.stale_while_revalidate.unwrap_or(0)
            },
            stores: !directives.no_store,
            has_validator: policy.is_none_or(|policy| policy.etag != EtagOption::Off),
            for_users: said.public || said.s_maxage.is_some() || said.must_revalidate,
            over,
        }
    }
}

/// What a response says of its freshness.
struct Said<'a> {
    cache_control: &'a str,
    expires: Option<u32>,
    /// To shared caches alone.
    for_shared: Option<CacheControl>,
    /// Whatever the application says.
    over: bool,
}

/// What a policy says to shared caches alone.
fn of_shared_caches(policy: &Policy) -> Option<CacheControl> {
    let field = policy.fields.iter().find(|field| is_name(&field.name, "CDN-Cache-Control"))?;
    targeted::read(&field.value)
}

/// The rule of each URL and status.
struct Rules<'a> {
    log: &'a Log,
    policies: &'a Policies,
    assets: Option<&'a Assets>,
    known: HashMap<(u32, u16), Option<Rule>>,
}

impl Rules<'_> {
    fn of(&mut self, event: &Event) -> Option<Rule> {
        // A 304 is what its 200 would be.
        let status = if event.status == 304 { 200 } else { event.status };
        *self.known.entry((event.url, status)).or_insert_with(|| {
            let (raw, query) = split(self.log.tables.urls.get(event.url));
            let path = path_info(raw);
            let candidates = self.policies.on_the_way_in("GET", &path);
            let policy = self.policies.on_the_way_out(&candidates, status, Some(media_type(&path)));
            let freshness = self.assets.and_then(|assets| {
                let path = percent_encoding::percent_decode(raw).decode_utf8_lossy();
                let asked = assets.asked(&path, &String::from_utf8_lossy(query.unwrap_or_default()))?;
                asked.freshness().of_answer(status)
            });
            match freshness {
                Some(freshness) => Rule::of_asset(freshness, policy),
                None => policy.and_then(Rule::of),
            }
        })
    }
}

/// What a server makes of a file's name; pages for everything else.
fn media_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css",
        Some("js" | "mjs") => "text/javascript",
        Some("json" | "map") => "application/json",
        Some("xml") => "application/xml",
        Some("txt") => "text/plain",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("gz") => "application/gzip",
        _ => "text/html",
    }
}

/// A stored response, without what it holds.
#[derive(Clone, Copy, Debug)]
struct Stored {
    version: Version,
    /// When the server said it.
    born: u32,
    rule: Rule,
    size: u64,
}

impl Stored {
    fn age(&self, now: u32) -> u32 {
        now.saturating_sub(self.born)
    }
}

/// What a client had of a URL in the log.
#[derive(Clone, Copy, Debug)]
struct Logged {
    version: Version,
    /// Bytes of the last whole response.
    size: u64,
    /// Did the simulated client ever have it too?
    ever: bool,
}

/// One client's cache.
struct Private {
    capacity: u64,
    held: u64,
    stored: HashMap<u32, (Stored, u64)>,
    /// URLs by when they were last used.
    used: BTreeMap<u64, u32>,
    uses: u64,
    logged: HashMap<u32, Logged>,
}

impl Private {
    fn new(capacity: u64) -> Self {
        let (stored, used, logged) = (HashMap::new(), BTreeMap::new(), HashMap::new());
        Self { capacity, held: 0, stored, used, uses: 0, logged }
    }

    fn get(&mut self, url: u32) -> Option<Stored> {
        let (stored, use_) = self.stored.get_mut(&url)?;
        self.used.remove(use_);
        self.uses += 1;
        *use_ = self.uses;
        self.used.insert(self.uses, url);
        Some(*stored)
    }

    fn remove(&mut self, url: u32) {
        if let Some((stored, use_)) = self.stored.remove(&url) {
            self.used.remove(&use_);
            self.held -= stored.size;
        }
    }

    fn put(&mut self, url: u32, stored: Stored) {
        self.remove(url);
        if stored.size > self.capacity {
            return;
        }
        self.held += stored.size;
        self.uses += 1;
        self.stored.insert(url, (stored, self.uses));
        self.used.insert(self.uses, url);
        if let Some(logged) = self.logged.get_mut(&url) {
            logged.ever = true;
        }
        while self.held > self.capacity {
            let Some((_, oldest)) = self.used.first_key_value() else { break };
            let oldest = *oldest;
            self.remove(oldest);
        }
    }

    fn must_revalidate(&mut self, url: u32) {
        if let Some((stored, _)) = self.stored.get_mut(&url) {
            (stored.rule.private, stored.rule.grace) = (0, 0);
        }
    }
}

struct World<'a> {
    routes: &'a Routes,
    rules: Rules<'a>,
    outcomes: Vec<(Outcome, Outcome)>,
    /// Bytes of what is at a URL, for those who got no 200 of it in the log.
    sizes: HashMap<u32, u64>,
    shared: Option<HashMap<u32, Stored>>,
    /// What the client whose requests are looked at has had so far.
    client: (Outcome, Outcome),
}

/// What a request was answered with.
struct Answer {
    stored: Option<Stored>,
}

impl World<'_> {
    fn next(&mut self, event: &Event, cache: &mut Private, has_cache: bool) {
        let mut after = Outcome::default();
        if event.flags & HAD_DIRECTIVES != 0 && self.rules.of(event).is_some_and(|rule| !rule.over) {
            after.doubtful += 1;
        }
        self.one(event, cache, has_cache, &mut after);
        let mut before = Outcome::default();
        before.reached(cost(event), event.status == 304);
        self.client = (self.client.0.and(before), self.client.1.and(after));
        if let Some((own, others)) = self.outcomes.get_mut(self.routes.route(event.url) as usize) {
            *own = own.and(before);
            *others = others.and(after);
        }
    }

    fn one(&mut self, event: &Event, cache: &mut Private, has_cache: bool, after: &mut Outcome) {
        let succeeded = (200..400).contains(&event.status);
        if event.method != Method::Get || matches!(event.status, 206 | 412 | 416 | 500..) {
            if event.method == Method::Unsafe && succeeded {
                cache.must_revalidate(event.url);
                if let Some(shared) = &mut self.shared {
                    shared.remove(&event.url);
                }
            }
            after.reached(cost(event), event.status == 304);
            return;
        }
        let size = self.sizes.get(&event.url).copied().unwrap_or(0);
        let logged =
            cache.logged.entry(event.url).or_insert(Logged { version: Version::Unknown, size, ever: false });
        let had = logged.version;
        logged.version = Version::of(event, had);
        if event.status == 200 && event.bytes != UNKNOWN {
            logged.size = u64::from(event.bytes);
        }
        let logged = *logged;
        let current = logged.version;
        let stored = if has_cache { cache.get(event.url) } else { None };
        if let Some(stored) = stored {
            let age = stored.age(event.time);
            if age < stored.rule.private.saturating_add(stored.rule.grace) {
                after.from_clients += 1;
                after.stale += u64::from(!stored.version.same(current));
                let is_known = had.is_known() && current.is_known();
                after.unknown += u64::from(event.status == 200 && !is_known);
                if age < stored.rule.private {
                    return;
                }
                // The new one is fetched behind the client's back; nobody waits for it, or uses it now.
                let mut behind = Outcome::default();
                let answer = self.ask(event, logged, Some(stored), &mut behind);
                after.reached(behind.server, false);
                after.not_modified += behind.not_modified;
                after.from_whole += behind.from_whole;
                keep(cache, event.url, &answer);
                return;
            }
        }
        let answer = self.ask(event, logged, stored, after);
        if has_cache {
            keep(cache, event.url, &answer);
        }
    }

    /// A request leaves the client, which may hold something to ask about.
    fn ask(&mut self, event: &Event, logged: Logged, held: Option<Stored>, after: &mut Outcome) -> Answer {
        let (now, url) = (event.time, event.url);
        let there = self.shared.as_ref().and_then(|shared| shared.get(&url)).copied();
        let there = there.filter(|stored| event.flags & PRIVATE == 0 || stored.rule.for_users);
        if let Some(stored) = there {
            if stored.age(now) < stored.rule.shared.unwrap_or(0) {
                after.from_shared += 1;
                after.stale += u64::from(!stored.version.same(logged.version));
                return Answer { stored: Some(stored) };
            }
            // The shared cache asks about its own; whether the client's is the same, it tells the client itself.
            return self.server(event, logged, Some(stored), after);
        }
        self.server(event, logged, held, after)
    }

    fn server(&mut self, event: &Event, logged: Logged, held: Option<Stored>, after: &mut Outcome) -> Answer {
        let Some(rule) = self.rules.of(event) else {
            after.reached(cost(event), event.status == 304);
            if let Some(shared) = &mut self.shared {
                shared.remove(&event.url);
            }
            return Answer { stored: None };
        };
        let confirmed = match held {
            _ if !matches!(event.status, 200 | 304) => false,
            Some(stored) => rule.has_validator && stored.version.same(logged.version),
            // It has what it got before the log began.
            None => event.status == 304 && !logged.ever,
        };
        let bytes = match event.status {
            200 | 304 if confirmed => 0,
            200 | 304 => logged.size,
            _ => cost(event).bytes,
        };
        after.reached(Sum { bytes, ..cost(event) }, confirmed);
        after.from_whole += u64::from(confirmed && event.status == 200);
        let stored = Stored { version: logged.version, born: event.time, rule, size: logged.size };
        let shareable = rule.shared.is_some() && (event.flags & PRIVATE == 0 || rule.for_users);
        if let Some(shared) = &mut self.shared {
            if shareable && (!confirmed || shared.contains_key(&event.url)) {
                shared.insert(event.url, stored);
            } else if !shareable {
                shared.remove(&event.url);
            }
        }
        Answer { stored: Some(stored) }
    }
}

fn keep(cache: &mut Private, url: u32, answer: &Answer) {
    match answer.stored {
        Some(stored) if stored.rule.stores => cache.put(url, stored),
        _ => cache.remove(url),
    }
}
