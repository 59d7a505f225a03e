//! Everything that a log says, as one document: the schema that `notmodified logs --json` has.
//!
//! The schema has a number. What a reader of an older one relies on stays; a change that takes something away
//! has a new number.

use serde::Serialize;

use super::clients::{LIFETIMES, Replay, RouteSum, counts_heads, replay};
use super::event::{Event, UNKNOWN};
use super::findings::{self, Finding, Severity};
use super::recommend::{Confidence, Kind, Pool, Recommendation, pool, recommend};
use super::record::Field;
use super::routes::Routes;
use super::scan::Log;
use super::simulate::{Outcome, Simulated, Simulation, simulate};
use super::time;
use super::timeline::Timeline;
use super::totals::Sum;

/// The schema's number.
pub const SCHEMA: u32 = 1;

/// Routes that a report has, the busiest first.
const ROUTES: usize = 200;

/// Clients of one finding that a report has.
const CLIENTS_OF_FINDING: usize = 20;

/// Routes of one finding that a report has.
const ROUTES_OF_FINDING: usize = 20;

/// What the analysis may bear and where routes come from.
#[derive(Debug)]
pub struct Options<'a> {
    /// The share of outdated uses that a proposed lifetime may have.
    pub risk: f64,
    /// Threads that replay.
    pub threads: usize,
    /// What to try out.
    pub simulation: Option<Simulation<'a>>,
}

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Report {
    schema: u32,
    log: About,
    totals: Totals,
    timeline: Timeline,
    clients: Clients,
    findings: Vec<FindingReport>,
    routes: Vec<RouteReport>,
    /// Files of one kind, taken together where they have no proposals of their own.
    kinds: Vec<RouteReport>,
    simulation: Option<SimulationReport>,
    lifetimes: [u32; LIFETIMES.len()],
    risk: f64,
}

#[derive(Debug, Serialize)]
struct About {
    sources: Vec<String>,
    format: String,
    lines: u64,
    parsed: u64,
    ambiguous: u64,
    unparsable: Vec<Unparsable>,
    first: Option<String>,
    last: Option<String>,
    seconds: u64,
    /// What this log can't tell, in sentences.
    cannot_tell: Vec<String>,
    /// One client in so many was looked at closely.
    one_in: u64,
    /// How far estimates of counts may be off, as a share, at 95%; 0 if nothing is estimated.
    error: f64,
}

#[derive(Debug, Serialize)]
struct Unparsable {
    line: u64,
    source: String,
    text: String,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Cost {
    requests: u64,
    bytes: u64,
    worker_seconds: f64,
}

impl Cost {
    fn of(sum: Sum, one_in: u64) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "seconds to show")]
        let worker_seconds = (sum.micros * one_in) as f64 / 1e6;
        Self { requests: sum.requests * one_in, bytes: sum.bytes * one_in, worker_seconds }
    }
}

#[derive(Debug, Serialize)]
struct Totals {
    #[serde(flatten)]
    all: Cost,
    by_status: std::collections::BTreeMap<String, Cost>,
    by_method: std::collections::BTreeMap<String, u64>,
    /// 304s as a share of all 200s and 304s.
    not_modified_share: f64,
}

#[derive(Debug, Serialize)]
struct Clients {
    count: u64,
    by_software: std::collections::BTreeMap<&'static str, Software>,
    shared_addresses: Vec<Shared>,
}

#[derive(Debug, Serialize)]
struct Software {
    clients: u64,
    requests: u64,
}

#[derive(Debug, Serialize)]
struct Shared {
    address: String,
    user_agents: u32,
    requests: u64,
}

#[derive(Debug, Serialize)]
struct FindingReport {
    id: &'static str,
    severity: Severity,
    title: &'static str,
    meaning: &'static str,
    fix: &'static str,
    cost: Cost,
    routes: Vec<RouteOfFinding>,
    /// Whose it is, where it is some clients' own.
    clients: Vec<ClientOfFinding>,
    evidence: Vec<Evidence>,
}

#[derive(Debug, Serialize)]
struct RouteOfFinding {
    route: String,
    #[serde(flatten)]
    cost: Cost,
}

#[derive(Debug, Serialize)]
struct ClientOfFinding {
    client: String,
    user_agent: String,
    route: String,
    #[serde(flatten)]
    cost: Cost,
}

#[derive(Debug, Serialize)]
struct Evidence {
    /// `access.log:17`.
    place: String,
    time: String,
    client: String,
    user_agent: String,
    request: String,
    status: u16,
    bytes: Option<u32>,
    microseconds: Option<u32>,
}

#[derive(Debug, Serialize)]
struct RouteReport {
    route: String,
    versioned: bool,
    all: Cost,
    full: Cost,
    not_modified: Cost,
    clients: u64,
    conditional: u64,
    unchanged: u64,
    changed: u64,
    curve: Vec<Point>,
    gaps: Vec<GapReport>,
    recommendation: Option<Proposal>,
}

#[derive(Debug, Serialize)]
struct Point {
    lifetime: u32,
    saved: u64,
    not_modified: u64,
    stale: u64,
}

#[derive(Debug, Serialize)]
struct GapReport {
    /// They are shorter, and not shorter than the one before says; none says so of the last.
    below: Option<u32>,
    unchanged: u64,
    changed: u64,
}

#[derive(Debug, Serialize)]
struct SimulationReport {
    shared_cache: bool,
    client_cache: u64,
    before: OutcomeReport,
    after: OutcomeReport,
    error: ErrorReport,
    /// Those for which something changes, the most requests saved first.
    routes: Vec<SimulatedRoute>,
}

/// How far figures of a simulation may be off, at 95%; 0 if nothing is estimated.
#[derive(Debug, Serialize)]
struct ErrorReport {
    saved: u64,
    requests: u64,
    not_modified: u64,
    bytes: u64,
    stale: u64,
}

#[derive(Debug, Serialize)]
struct SimulatedRoute {
    route: String,
    before: OutcomeReport,
    after: OutcomeReport,
}

#[derive(Debug, Serialize)]
struct OutcomeReport {
    #[serde(flatten)]
    server: Cost,
    not_modified: u64,
    from_clients: u64,
    from_shared: u64,
    stale: u64,
    doubtful: u64,
    from_whole: u64,
    unknown: u64,
}

#[derive(Debug, Serialize)]
struct Proposal {
    kind: Kind,
    lifetime: u32,
    saved: Cost,
    not_modified: u64,
    stale: u64,
    bound: f64,
    confidence: Confidence,
    why: String,
    /// A table for `notmodified.toml`.
    policy: Option<String>,
}

impl Report {
    /// Analyse a log that was read. `route_of` tells the template of a path where the user said one.
    #[must_use]
    pub fn of(log: &mut Log, options: &Options<'_>, route_of: impl Fn(&[u8]) -> Option<String>) -> Self {
        let routes = Routes::of(&log.tables.urls, route_of);
        let replay = replay(log, &routes, options.threads);
        let span = span(log);
        let versioned = versioned(log, &routes);
        let recommendations: Vec<Option<Recommendation>> = replay
            .routes
            .iter()
            .zip(&versioned)
            .map(|(route, versioned)| recommend(route, *versioned, options.risk, span))
            .collect();
        let all = (0..).zip(&replay.routes).zip(&recommendations);
        let all = all.map(|((number, route), own)| (routes.template(number), route, own.as_ref()));
        let pools = pool(all, options.risk, span);
        let findings = findings::find(&replay, &recommendations, &pools);
        Self {
            schema: SCHEMA,
            log: about(log, &replay, span),
            totals: totals(log),
            timeline: Timeline::of(&log.events, log.one_in),
            clients: clients(log, &replay),
            findings: findings.iter().map(|finding| FindingReport::of(finding, log, &routes)).collect(),
            routes: route_reports(&replay, &routes, &versioned, recommendations, log.one_in),
            kinds: kinds(pools, log.one_in),
            simulation: options.simulation.as_ref().map(|what| SimulationReport::of(what, log, &routes)),
            lifetimes: LIFETIMES,
            risk: options.risk,
        }
    }

    /// As JSON.
    ///
    /// # Errors
    ///
    /// If a number in it is none, which none is.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

fn span(log: &Log) -> u32 {
    match (log.totals.from, log.totals.to) {
        (Some(from), Some(to)) => u32::try_from(to - from).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// Is a route one whose URLs name versions? If all that were asked for do.
fn versioned(log: &Log, routes: &Routes) -> Vec<bool> {
    let mut versioned = vec![None; routes.len()];
    for url in (0..).take(log.tables.urls.len()) {
        if let Some(slot) = versioned.get_mut(routes.route(url) as usize) {
            *slot = Some(slot.unwrap_or(true) && routes.kind(url).versioned);
        }
    }
    versioned.into_iter().map(|versioned| versioned == Some(true)).collect()
}

fn about(log: &Log, replay: &Replay, span: u32) -> About {
    let totals = &log.totals;
    let unparsable = totals.unparsable.iter().map(|(line, text)| {
        let (source, line) = log.place(u32::try_from(*line).unwrap_or(u32::MAX));
        Unparsable { line, source: source.to_owned(), text: lossy(text) }
    });
    About {
        sources: log.sources.iter().map(|(_, name)| name.clone()).collect(),
        format: log.format.name.clone(),
        lines: totals.lines,
        parsed: totals.parsed,
        ambiguous: totals.ambiguous,
        unparsable: unparsable.collect(),
        first: totals.from.and_then(time::written),
        last: totals.to.and_then(time::written),
        seconds: u64::from(span),
        cannot_tell: cannot_tell(log, replay),
        one_in: log.one_in,
        error: sampling_error(log, replay),
    }
}

fn cannot_tell(log: &Log, replay: &Replay) -> Vec<String> {
    let mut sentences = Vec::new();
    if !log.events.iter().any(|event| event.micros != UNKNOWN) {
        sentences.push(
            "No response times in this log: worker time is not estimated; add %(D)s to the format \
             ($request_time for nginx)."
                .to_owned(),
        );
    }
    if !log.events.has_tags() {
        let has = log.format.has(Field::Etag);
        sentences.push(if has {
            "No response in this log has an ETag: versions are told by their size.".to_owned()
        } else {
            "No entity-tags in this log: versions are told by their size, and whether tags are unstable is not \
             known; log %({etag}o)s and %({http_if_none_match}e)s, as `gunicorn -c python:notmodified.gunicorn` does."
                .to_owned()
        });
    }
    if !log.format.has(Field::UserAgent) {
        sentences.push(
            "No User-Agent in this log: whoever shares an address is taken for one client, and browsers can't be told \
             from crawlers; add %(a)s to the format ($http_user_agent for nginx)."
                .to_owned(),
        );
    }
    if !log.format.has(Field::ContentEncoding) {
        sentences.push(
            "No Content-Encoding in this log: whether text went out uncompressed is not known; that takes a format with \
             %({content-encoding}o)s ($sent_http_content_encoding for nginx)."
                .to_owned(),
        );
    }
    if counts_heads(log) {
        sentences.push(
            "Each 304 in this log has bytes: the server counts the heads of responses (Gunicorn's gevent_pywsgi worker \
             does), or each 304 has content, which `notmodified check` tells."
                .to_owned(),
        );
    }
    let all: u64 = log.events.len() as u64;
    if let Some((address, agents, requests)) = replay.shared.first()
        && requests * 2 > all
    {
        sentences.push(format!(
            "{requests} of {all} requests came from {} with {agents} user agents: that is a proxy's address. Log \
             X-Forwarded-For, else clients can't be told apart.",
            lossy(log.tables.addresses.get(*address)),
        ));
    }
    sentences
}

/// How far a count is off at 95% when whole clients are drawn: their requests come in bundles.
#[allow(clippy::cast_precision_loss, reason = "an error bar needs no more digits")]
fn sampling_error(log: &Log, replay: &Replay) -> f64 {
    let requests = log.events.len() as f64;
    if log.one_in == 1 || requests == 0.0 {
        return 0.0;
    }
    let drawn = 1.0 / log.one_in as f64;
    1.96 * ((1.0 - drawn) * replay.squares).sqrt() / requests
}

/// The same for a sum whose parts of each client have these squares, multiplied as the sum is.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "to show"
)]
fn half_width(squares: f64, one_in: u64) -> u64 {
    let all = one_in as f64;
    (1.96 * all * ((1.0 - 1.0 / all) * squares).sqrt()).ceil() as u64
}

fn totals(log: &Log) -> Totals {
    let by_status = &log.totals.by_status;
    let requests = |status| by_status.get(&status).map_or(0, |sum| sum.requests);
    #[allow(clippy::cast_precision_loss, reason = "a share to show")]
    let not_modified_share = match requests(200) + requests(304) {
        0 => 0.0,
        both => requests(304) as f64 / both as f64,
    };
    Totals {
        all: Cost::of(log.totals.all(), 1),
        by_status: by_status.iter().map(|(status, sum)| (status.to_string(), Cost::of(*sum, 1))).collect(),
        by_method: log.totals.by_method.iter().map(|(method, count)| (lossy(method), *count)).collect(),
        not_modified_share,
    }
}

fn clients(log: &Log, replay: &Replay) -> Clients {
    let by_software = replay.software.iter().map(|(software, (clients, requests))| {
        (software.word(), Software { clients: clients * log.one_in, requests: requests * log.one_in })
    });
    let shared = replay.shared.iter().take(10).map(|(address, user_agents, requests)| Shared {
        address: lossy(log.tables.addresses.get(*address)),
        user_agents: *user_agents,
        requests: requests * log.one_in,
    });
    Clients {
        count: log.tables.clients().len() as u64 * log.one_in,
        by_software: by_software.collect(),
        shared_addresses: shared.collect(),
    }
}

impl SimulationReport {
    fn of(simulation: &Simulation<'_>, log: &Log, routes: &Routes) -> Self {
        let Simulated { routes: outcomes, squares } = simulate(log, routes, simulation);
        let scale = |outcome: Outcome| OutcomeReport {
            server: Cost::of(outcome.server, log.one_in),
            not_modified: outcome.not_modified * log.one_in,
            from_clients: outcome.from_clients * log.one_in,
            from_shared: outcome.from_shared * log.one_in,
            stale: outcome.stale * log.one_in,
            doubtful: outcome.doubtful * log.one_in,
            from_whole: outcome.from_whole * log.one_in,
            unknown: outcome.unknown * log.one_in,
        };
        let all = outcomes
            .iter()
            .fold((Outcome::default(), Outcome::default()), |(before, after), (one, other)| {
                (before.and(*one), after.and(*other))
            });
        let mut by_route: Vec<_> =
            (0..).zip(&outcomes).filter(|(_, (before, after))| before != after).collect();
        by_route.sort_by_key(|(number, (before, after))| {
            let less = before.server.requests.saturating_sub(after.server.requests);
            (std::cmp::Reverse((less, before.server.requests)), *number)
        });
        let by_route = by_route.into_iter().take(ROUTES).map(|(number, (before, after))| SimulatedRoute {
            route: routes.template(number).to_owned(),
            before: scale(*before),
            after: scale(*after),
        });
        Self {
            shared_cache: simulation.shared_cache,
            client_cache: simulation.client_cache,
            error: ErrorReport {
                saved: half_width(squares.saved, log.one_in),
                requests: half_width(squares.requests, log.one_in),
                not_modified: half_width(squares.not_modified, log.one_in),
                bytes: half_width(squares.bytes, log.one_in),
                stale: half_width(squares.stale, log.one_in),
            },
            before: scale(all.0),
            after: scale(all.1),
            routes: by_route.collect(),
        }
    }
}

impl FindingReport {
    fn of(finding: &Finding, log: &Log, routes: &Routes) -> Self {
        let definition = finding.definition;
        let of_routes = finding.routes.iter().take(ROUTES_OF_FINDING).map(|(route, cost)| RouteOfFinding {
            route: routes.template(*route).to_owned(),
            cost: Cost::of(*cost, log.one_in),
        });
        let of_clients = finding.clients.iter().take(CLIENTS_OF_FINDING).map(|one| {
            let (client, user_agent) = names(one.client, log);
            let route = routes.template(one.route).to_owned();
            ClientOfFinding { client, user_agent, route, cost: Cost::of(one.sum, log.one_in) }
        });
        Self {
            id: definition.id,
            severity: definition.severity,
            title: definition.title,
            meaning: definition.meaning,
            fix: definition.fix,
            cost: Cost::of(finding.cost, log.one_in),
            routes: of_routes.collect(),
            clients: of_clients.collect(),
            evidence: finding.evidence.iter().map(|event| Evidence::of(event, log)).collect(),
        }
    }
}

impl Evidence {
    fn of(event: &Event, log: &Log) -> Self {
        let (source, line) = log.place(event.line);
        let (client, user_agent) = names(event.client, log);
        let known = |number: u32| (number != UNKNOWN).then_some(number);
        let method = match event.method {
            super::event::Method::Get => "GET",
            super::event::Method::Head => "HEAD",
            super::event::Method::Other => "(safe)",
            super::event::Method::Unsafe => "(unsafe)",
        };
        Self {
            place: format!("{source}:{line}"),
            time: time::written(i64::from(event.time)).unwrap_or_default(),
            client,
            user_agent,
            request: format!("{method} {}", lossy(log.tables.urls.get(event.url))),
            status: event.status,
            bytes: known(event.bytes),
            microseconds: known(event.micros),
        }
    }
}

/// The address and the user agent of a client.
fn names(client: u32, log: &Log) -> (String, String) {
    log.tables.clients().get(client as usize).map_or_else(Default::default, |client| {
        (lossy(log.tables.addresses.get(client.address)), lossy(log.tables.agents.get(client.agent)))
    })
}

impl RouteReport {
    fn of(
        route: &str,
        sum: &RouteSum,
        versioned: bool,
        proposal: Option<Recommendation>,
        one_in: u64,
    ) -> Self {
        let scale = |sum| Cost::of(sum, one_in);
        let curve = LIFETIMES.into_iter().zip(sum.curve).map(|(lifetime, saving)| Point {
            lifetime,
            saved: saving.saved.requests * one_in,
            not_modified: saving.not_modified * one_in,
            stale: saving.stale * one_in,
        });
        let gaps = LIFETIMES.into_iter().map(Some).chain([None]).zip(sum.gaps).map(|(below, gap)| {
            GapReport { below, unchanged: gap.unchanged * one_in, changed: gap.changed * one_in }
        });
        Self {
            route: route.to_owned(),
            versioned,
            all: scale(sum.all),
            full: scale(sum.full),
            not_modified: scale(sum.not_modified),
            clients: sum.clients * one_in,
            conditional: sum.conditional * one_in,
            unchanged: sum.unchanged * one_in,
            changed: sum.changed * one_in,
            curve: curve.collect(),
            gaps: gaps.collect(),
            recommendation: proposal.map(|found| Proposal {
                policy: found.policy(route, sum),
                kind: found.kind,
                lifetime: found.lifetime,
                saved: scale(found.saved),
                not_modified: found.not_modified * one_in,
                stale: found.stale * one_in,
                bound: found.bound,
                confidence: found.confidence,
                why: found.why,
            }),
        }
    }
}

fn kinds(pools: Vec<Pool>, one_in: u64) -> Vec<RouteReport> {
    let mut pools = pools;
    pools.sort_by_key(|pool| std::cmp::Reverse(pool.recommendation.saved.requests));
    let report =
        |pool: Pool| RouteReport::of(&pool.template, &pool.sum, false, Some(pool.recommendation), one_in);
    pools.into_iter().map(report).collect()
}

fn route_reports(
    replay: &Replay,
    routes: &Routes,
    versioned: &[bool],
    recommendations: Vec<Option<Recommendation>>,
    one_in: u64,
) -> Vec<RouteReport> {
    let mut all: Vec<_> = (0..).zip(&replay.routes).zip(versioned).zip(recommendations).collect();
    all.retain(|(((_, sum), _), _)| sum.all.requests > 0);
    all.sort_by_key(|(((number, sum), _), proposal)| {
        let saved = proposal.as_ref().map_or(0, |proposal| proposal.saved.requests);
        (std::cmp::Reverse((saved, sum.all.requests)), *number)
    });
    let report =
        |(((number, sum), versioned), proposal): (((u32, &RouteSum), &bool), Option<Recommendation>)| {
            RouteReport::of(routes.template(number), sum, *versioned, proposal, one_in)
        };
    all.into_iter().take(ROUTES).map(report).collect()
}

fn lossy(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
