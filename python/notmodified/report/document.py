"""The JSON document of `notmodified logs --json`, as types: schema 1.

Counts are of requests, sizes bytes of content, times seconds. Where the log was too large for the memory
allowed, all but `totals` is estimated from whole clients that were drawn, see `log.one_in` and `log.error`.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Cost(TypedDict):
    """What some requests cost."""

    requests: int
    bytes: int
    worker_seconds: float


class Unparsable(TypedDict):
    """A line that was not understood."""

    line: int
    source: str
    text: str


class About(TypedDict):
    """What was read, and what it can't tell."""

    sources: list[str]
    format: str
    lines: int
    parsed: int
    ambiguous: int
    unparsable: list[Unparsable]
    # The first and the last moment, ISO 8601 in UTC, and the seconds between.
    first: str | None
    last: str | None
    seconds: int
    cannot_tell: list[str]
    # One client in so many was looked at closely; counts may be off by this share, at 95%.
    one_in: int
    error: float


class Totals(Cost):
    """All requests, counted exactly."""

    by_status: dict[str, Cost]
    by_method: dict[str, int]
    # 304s as a share of all 200s and 304s.
    not_modified_share: float


class Step(TypedDict):
    """The requests of one step of time, by the class of their status."""

    # When it begins, ISO 8601 in UTC.
    time: str
    # 2xx, and the 200s among them.
    successful: int
    ok: int
    not_modified: int
    # 3xx but 304.
    redirection: int
    client_error: int
    server_error: int
    other: int


class Timeline(TypedDict):
    """Requests over time: steps of so many seconds, from the first request's to the last one's."""

    step: int
    steps: list[Step]


class Software(TypedDict):
    """Clients of one kind."""

    clients: int
    requests: int


class SharedAddress(TypedDict):
    """An address with many user agents: a proxy, or a line that many share."""

    address: str
    user_agents: int
    requests: int


class Clients(TypedDict):
    """Who asked. The kinds are browser, crawler, monitor, tool and unknown."""

    count: int
    by_software: dict[str, Software]
    shared_addresses: list[SharedAddress]


class RouteCost(Cost):
    """What a finding cost on one route."""

    route: str


class ClientCost(Cost):
    """What a finding cost that is one client's own, on one route."""

    client: str
    user_agent: str
    route: str


class Evidence(TypedDict):
    """A line of the log that shows a finding."""

    place: str
    time: str
    client: str
    user_agent: str
    request: str
    status: int
    bytes: int | None
    microseconds: int | None


class Finding(TypedDict):
    """Something wasteful or wrong. The id never changes."""

    id: str
    severity: Literal["info", "warning", "error"]
    title: str
    meaning: str
    fix: str
    cost: Cost
    routes: list[RouteCost]
    # Whose it is, where it is some clients' own; else none.
    clients: list[ClientCost]
    evidence: list[Evidence]


class Point(TypedDict):
    """What a freshness lifetime would have saved, and how many of those uses would have been outdated."""

    lifetime: int
    saved: int
    not_modified: int
    stale: int


class Gap(TypedDict):
    """Returns of clients that have a cache, by the time since they last asked, in seconds.

    It is below this, and not below the one before; None stands for no limit. `unchanged` found what they had,
    `changed` something else.
    """

    below: int | None
    unchanged: int
    changed: int


class Proposal(TypedDict):
    """What is proposed for a route."""

    kind: Literal["immutable", "max-age", "stale-while-revalidate", "validator-cache"]
    lifetime: int
    saved: Cost
    not_modified: int
    stale: int
    # The highest share of outdated uses that the data allows for, at 95%.
    bound: float
    confidence: Literal["high", "medium", "low"]
    why: str
    # A table for notmodified.toml.
    policy: str | None


class Route(TypedDict):
    """One route: a path template, and all requests that matched it."""

    route: str
    versioned: bool
    all: Cost
    full: Cost
    not_modified: Cost
    clients: int
    conditional: int
    unchanged: int
    changed: int
    curve: list[Point]
    gaps: list[Gap]
    recommendation: Proposal | None


class Outcome(Cost):
    """What reached the server, and what caches served.

    `stale` are uses of what was no longer current; `doubtful` uses of what had a Cache-Control in the log
    that the policy does not override: if it was the application's, it stands. `from_whole` are the 304s
    that were whole responses in the log, `unknown` the uses from clients' caches of which it does not tell
    whether they were current.
    """

    not_modified: int
    from_clients: int
    from_shared: int
    stale: int
    doubtful: int
    from_whole: int
    unknown: int


class SimulatedRoute(TypedDict):
    """A route for which something changes."""

    route: str
    before: Outcome
    after: Outcome


class SimulationError(TypedDict):
    """How far `after` may be off at 95%, and the requests saved, where `log.one_in` is above 1; else 0."""

    saved: int
    requests: int
    not_modified: int
    bytes: int
    stale: int


class Simulation(TypedDict):
    """What would have happened under other policies."""

    shared_cache: bool
    client_cache: int
    before: Outcome
    after: Outcome
    error: SimulationError
    routes: list[SimulatedRoute]


class Document(TypedDict):
    """Everything."""

    schema: int
    log: About
    totals: Totals
    timeline: Timeline
    clients: Clients
    findings: list[Finding]
    routes: list[Route]
    # Files of one kind, such as /**/*.png, taken together where they have no proposals of their own: only
    # those kinds for which there is one then. Their requests are counted among those of their routes too.
    kinds: list[Route]
    simulation: Simulation | None
    lifetimes: list[int]
    risk: float
