"""The analysis of an access log as one page for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notmodified.report import text
from notmodified.report.chart import (
    Curve,
    Gaps,
    Measure,
    Names,
    Series,
    bars,
    columns,
    curve,
    gaps,
    legend,
    moment,
)
from notmodified.report.markup import Content, Markup, element
from notmodified.report.page import Section, badge, facts, figure, page, prose, table
from notmodified.report.words import clean, duration, share, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from notmodified.report.document import (
        Cost,
        Document,
        Finding,
        Outcome,
        Proposal,
        Route,
        Simulation,
        Step,
    )

# Routes whose curves are drawn, and letters of a foreign string that are shown.
_CURVES = 12
_LETTERS = 300


def render(document: Document) -> str:
    """Return the page."""
    sections = [
        Section("time", "Requests over time", _over_time(document)),
        Section("findings", "What is wasteful or wrong", _findings(document)),
        Section("proposals", "What would end it", _proposals(document)),
    ]
    if document["simulation"] is not None:
        simulated = _simulation(document["simulation"])
        sections.append(Section("simulation", "Under the policies that were tried", simulated))
    sections += [
        Section("clients", "Who asked", _clients(document)),
        Section("log", "What was read", _read(document)),
    ]
    return page("What the access log says", _lead(document), sections)


def _number(number: float) -> str:
    return f"{number:,.0f}"


def _cells(cost: Cost, *, has_times: bool) -> list[str]:
    cells = [_number(cost["requests"]), size(cost["bytes"])]
    return [*cells, duration(cost["worker_seconds"])] if has_times else cells


def _has_times(document: Document) -> bool:
    return document["totals"]["worker_seconds"] > 0


def _head(*names: str, has_times: bool) -> list[str]:
    return [*names, "requests", "bytes", *(["worker time"] if has_times else [])]


def _measures(document: Document, costs: list[Cost], class_: str) -> list[Measure]:
    measures = [
        Measure("requests", class_, [cost["requests"] for cost in costs], _number),
        Measure("bytes", class_, [cost["bytes"] for cost in costs], size),
    ]
    if _has_times(document):
        seconds = [cost["worker_seconds"] for cost in costs]
        measures.append(Measure("worker time", class_, seconds, duration))
    return measures


def _lead(document: Document) -> Iterator[Content]:
    totals = document["totals"]
    yield element("p", text.headline(document) + ".", class_="lead")
    for sentence in text.answer(document):
        yield element("p", prose(sentence))
    pairs = [
        ("requests", _number(totals["requests"])),
        ("sent", size(totals["bytes"])),
        ("share of 304s", f"{100 * totals['not_modified_share']:.1f}%"),
        ("needless 304s", _number(text.needless(document))),
        ("clients", _number(document["clients"]["count"])),
    ]
    if _has_times(document):
        pairs.append(("worker time", duration(totals["worker_seconds"])))
    yield facts(pairs)
    for sentence in (*text.read(document), *document["log"]["cannot_tell"]):
        yield element("p", prose(sentence), class_="soft")


_CLASSES: tuple[tuple[str, str, Callable[[Step], int]], ...] = (
    ("2xx", "full", lambda step: step["successful"]),
    ("304", "not-modified", lambda step: step["not_modified"]),
    ("other 3xx", "redirection", lambda step: step["redirection"]),
    ("4xx", "client-error", lambda step: step["client_error"]),
    ("5xx", "server-error", lambda step: step["server_error"]),
    ("others", "other", lambda step: step["other"]),
)


def _over_time(document: Document) -> Iterator[Content]:
    timeline = document["timeline"]
    steps, step = timeline["steps"], timeline["step"]
    if not steps:
        return
    times = [moment(one["time"]) for one in steps]
    each = f"in steps of {duration(step)}"
    series = [Series(name, class_, [of(one) for one in steps]) for name, class_, of in _CLASSES]
    series = [one for one in series if any(one.values)]
    total, busiest = [sum(one.values[place] for one in series) for place in range(len(steps))], 0
    busiest = max(range(len(steps)), key=total.__getitem__)
    names = Names(
        "requests",
        f"Requests over time by class of status, {each}",
        f"Most of them, {_number(total[busiest])}, in the step from {_when(steps[busiest])}.",
    )
    rows = [
        [_when(one), *(_number(kind.values[place]) for kind in series)] for place, one in enumerate(steps)
    ]
    yield figure(
        f"Requests by the class of their status, {each}; times are UTC.",
        columns(names, times, step, series),
        table(names.title, ["from (UTC)", *(one.name for one in series)], rows),
        legend(series),
    )
    shares = [_share(one) for one in steps]
    mean = f"{100 * document['totals']['not_modified_share']:.1f}%"
    names = Names(
        "share",
        f"304s as a share of all 200s and 304s, {each}",
        f"{mean} over all; between {min(shares):.1f}% and {max(shares):.1f}% in a step.",
    )
    yield figure(
        f"304s as a share of all 200s and 304s: {mean} over all. Where it is low though clients come back, "
        "validators are missing or lost; where it is high, many asked who need not have.",
        columns(names, times, step, [Series("304s", "not-modified", shares)], "%"),
        table(
            names.title,
            ["from (UTC)", "200s", "304s", "share"],
            [
                [_when(one), _number(one["ok"]), _number(one["not_modified"]), f"{percent:.1f}%"]
                for one, percent in zip(steps, shares, strict=True)
            ],
        ),
    )
    has_times = _has_times(document)
    by_status = document["totals"]["by_status"].items()
    yield table(
        "What was answered, and what it cost",
        _head("status", "share", has_times=has_times),
        [
            [
                status,
                share(cost["requests"], document["totals"]["requests"]),
                *_cells(cost, has_times=has_times),
            ]
            for status, cost in by_status
        ],
    )


def _when(step: Step) -> str:
    return f"{moment(step['time']):%Y-%m-%d %H:%M:%S}"


def _share(step: Step) -> float:
    both = step["ok"] + step["not_modified"]
    return 100 * step["not_modified"] / both if both else 0


def _findings(document: Document) -> Iterator[Content]:
    findings = document["findings"]
    if not findings:
        yield element("p", "Nothing was found.")
        return
    has_times = _has_times(document)
    costs: list[Cost] = [finding["cost"] for finding in findings]
    names = Names(
        "costs",
        "What each finding cost",
        "One row for each finding, the worst first; bars for its requests, its bytes and, where the log has "
        "them, its worker time.",
    )
    yield figure(
        "The findings and what they cost, the worst first.",
        bars(names, [finding["title"] for finding in findings], _measures(document, costs, "full")),
        table(
            names.title,
            _head("finding", "severity", has_times=has_times),
            [
                [_to(finding), finding["severity"], *_cells(finding["cost"], has_times=has_times)]
                for finding in findings
            ],
            texts=2,
        ),
    )
    for number, finding in enumerate(findings, 1):
        yield from _finding(number, finding, has_times=has_times)


def _to(finding: Finding) -> Markup:
    return element("a", finding["title"], href=f"#{finding['id']}")


def _finding(number: int, finding: Finding, *, has_times: bool) -> Iterator[Content]:
    title = f"{number}. {finding['title']} "
    yield element("h3", title, badge(finding["severity"]), id=finding["id"])
    yield element("p", f"{text.cost(finding['cost'])} ({finding['id']})", class_="soft")
    yield element("p", prose(finding["meaning"]))
    yield element("p", prose(finding["fix"]), class_="fix")
    yield table(
        "Where",
        _head("route", has_times=has_times),
        [[_foreign(route["route"]), *_cells(route, has_times=has_times)] for route in finding["routes"][:5]],
    )
    if finding["clients"]:
        yield table(
            "Whose it is",
            _head("client", "route", has_times=has_times),
            [
                [
                    [clean(one["client"], _LETTERS), element("br"), _foreign(one["user_agent"])],
                    _foreign(one["route"]),
                    *_cells(one, has_times=has_times),
                ]
                for one in finding["clients"][:5]
            ],
            texts=2,
        )
    yield table(
        "Lines of the log that show it",
        ("line", "request", "client", "status", "bytes"),
        [
            [
                clean(line["place"], _LETTERS),
                _foreign(line["request"]),
                [clean(line["client"], _LETTERS), element("br"), _foreign(line["user_agent"])],
                str(line["status"]),
                "-" if line["bytes"] is None else _number(line["bytes"]),
            ]
            for line in finding["evidence"]
        ],
        texts=3,
    )


def _foreign(string: str) -> Markup:
    return element("code", clean(string, _LETTERS))


def _proposals(document: Document) -> Iterator[Content]:
    proposed = text.proposed(document)
    if not proposed:
        yield element("p", "Nothing is proposed: no route was asked for again often enough to tell.")
        return
    yield element(
        "p",
        prose(
            "For each route the shortest lifetime that saves nearly all, at a risk of "
            f"{100 * document['risk']:g}% outdated uses. `notmodified logs --policies OUT.toml` writes all "
            "of it, `--simulate OUT.toml` says what would have come of it."
        ),
    )
    yield table(
        "Proposals, those that save most first",
        ["route", "proposal", "confidence", "saves", "of it 304s", "bytes", "outdated"],
        [
            [
                _foreign(route["route"]),
                text.what(proposal["kind"], proposal["lifetime"]),
                badge(proposal["confidence"]),
                *(_number(proposal["saved"]["requests"]), _number(proposal["not_modified"])),
                *(size(proposal["saved"]["bytes"]), _number(proposal["stale"])),
            ]
            for route, proposal in proposed
        ],
        texts=3,
    )
    yield element("h3", "What each lifetime would have saved, and risked")
    yield element(
        "p",
        "For the routes where most is saved: the requests that each lifetime would have spared, and below "
        "the share of these uses in which the client would have had an outdated version. Pale are lifetimes "
        "longer than half of what the log spans: it can't have shown what they would do. The second chart of "
        "each shows how long clients with a cache were away before they asked again: a lifetime spares who "
        "comes back before it ends.",
    )
    yield legend([Series(name, class_, ()) for name, class_ in (*_SAVED, *_RETURNS)])
    yield element(
        "div",
        [
            element("section", _route(document, number, route, proposal))
            for number, (route, proposal) in enumerate(proposed[:_CURVES], 1)
        ],
        class_="side-by-side",
    )


_SAVED = (("304s", "not-modified"), ("whole responses", "full"), ("outdated uses", "server-error"))
_RETURNS = (("returns to what had not changed", "other"), ("returns to what had", "client-error"))


def _route(document: Document, number: int, route: Route, proposal: Proposal) -> Iterator[Content]:
    yield element("h4", _foreign(route["route"]))
    what = text.what(proposal["kind"], proposal["lifetime"])
    caption: Content = [f"{what[0].upper()}{what[1:]}: ", prose(proposal["why"]), "."]
    points = route["curve"]
    if any(point["saved"] for point in points):
        saved = (
            [one["not_modified"] for one in points],
            [one["saved"] - one["not_modified"] for one in points],
        )
        outdated = [100 * point["stale"] / point["saved"] if point["saved"] else 0 for point in points]
        has_point = proposal["kind"] in {"max-age", "stale-while-revalidate"}
        drawn = Curve(
            lifetimes=document["lifetimes"],
            series=[Series(*kind, values) for kind, values in zip(_SAVED, saved, strict=False)],
            outdated=outdated,
            risk=100 * document["risk"],
            chosen=proposal["lifetime"] if has_point else None,
            proven=document["log"]["seconds"] / 2,
        )
        names = Names(
            f"curve-{number}",
            f"Requests saved and share of outdated uses by freshness lifetime: {route['route']:.80}",
            f"Proposed is {what}, which saves {_number(proposal['saved']['requests'])} requests; in "
            f"{_number(proposal['stale'])} of these uses the client would have had an outdated version.",
        )
        rows = [
            [
                duration(point["lifetime"]),
                *(_number(count) for count in (point["saved"], point["not_modified"], point["stale"])),
                f"{percent:.2f}%",
            ]
            for point, percent in zip(points, outdated, strict=True)
        ]
        head = ["lifetime", "saved", "of it 304s", "outdated", "share"]
        yield figure(caption, curve(names, drawn), table("Saved and outdated by lifetime", head, rows))
        yield _returns(number, route, drawn.chosen)
    else:
        yield element("p", caption)
    if proposal["policy"]:
        yield element("pre", element("code", proposal["policy"].strip()))


def _returns(number: int, route: Route, chosen: int | None) -> Markup:
    counts = [[one["unchanged"] for one in route["gaps"]], [one["changed"] for one in route["gaps"]]]
    all_ = sum(map(sum, counts))
    below = sum(
        one["unchanged"] + one["changed"]
        for one in route["gaps"]
        if chosen is not None and one["below"] is not None and one["below"] <= chosen
    )
    within = f"{share(below, all_)} of them within the proposed lifetime"
    names = Names(
        f"gaps-{number}",
        f"Returns by the time since the client last asked: {route['route']:.80}",
        f"{_number(all_)} returns of clients that have a cache" + (f", {within}." if chosen else "."),
    )
    spans = [
        f"below {duration(one['below'])}" if one["below"] is not None else "longer" for one in route["gaps"]
    ]
    rows = [[span, *map(_number, row)] for span, *row in zip(spans, *counts, strict=True)]
    return figure(
        names.description,
        gaps(
            names,
            Gaps(
                limits=[one["below"] for one in route["gaps"] if one["below"] is not None],
                series=[Series(*kind, values) for kind, values in zip(_RETURNS, counts, strict=True)],
                chosen=chosen,
            ),
        ),
        table("Returns by the time since", ["time since", "not changed", "changed"], rows),
    )


def _simulation(simulation: Simulation) -> Iterator[Content]:
    shared = " and one shared cache in front of the server" if simulation["shared_cache"] else ""
    caches = f"clients' caches of {simulation['client_cache'] / 2**20:,.0f} MiB{shared}"
    yield element("p", f"The log's requests, put to {caches} instead.")
    before, after = simulation["before"], simulation["after"]
    names = Names(
        "simulated",
        "The server's work before and after",
        "; ".join(
            f"{name}: {was} before, {becomes} after" for name, was, becomes in text.changes(before, after)
        ),
    )
    yield figure(
        "What reached the server before, and what would have under these policies.",
        bars(names, ["before", "after"], _outcomes(before, after)),
        table(names.title, ["", "before", "after"], text.changes(before, after)),
    )
    if sentences := text.remarks(simulation):
        yield element("p", sentences)
    if simulation["routes"]:
        yield table(
            "Routes for which something changes, those that save most first",
            ["route", "requests before", "after", "bytes before", "after", "outdated uses"],
            [
                [
                    _foreign(route["route"]),
                    *(_number(route["before"]["requests"]), _number(route["after"]["requests"])),
                    *(size(route["before"]["bytes"]), size(route["after"]["bytes"])),
                    _number(route["after"]["stale"]),
                ]
                for route in simulation["routes"]
            ],
        )


def _outcomes(before: Outcome, after: Outcome) -> list[Measure]:
    measures = [
        Measure("requests", "full", [before["requests"], after["requests"]], _number),
        Measure("of them 304s", "not-modified", [before["not_modified"], after["not_modified"]], _number),
        Measure("bytes", "full", [before["bytes"], after["bytes"]], size),
    ]
    if before["worker_seconds"]:
        seconds = [before["worker_seconds"], after["worker_seconds"]]
        measures.append(Measure("worker time", "full", seconds, duration))
    return [*measures, Measure("outdated uses", "server-error", [before["stale"], after["stale"]], _number)]


def _clients(document: Document) -> Iterator[Content]:
    clients = document["clients"]
    yield table(
        "Clients, by what their User-Agent says",
        ["kind", "clients", "requests"],
        [
            [kind, _number(software["clients"]), _number(software["requests"])]
            for kind, software in clients["by_software"].items()
        ],
    )
    if clients["shared_addresses"]:
        yield table(
            "Addresses that many share: a proxy's, or a line's",
            ["address", "user agents", "requests"],
            [
                [_foreign(one["address"]), _number(one["user_agents"]), _number(one["requests"])]
                for one in clients["shared_addresses"]
            ],
        )


def _read(document: Document) -> Iterator[Content]:
    log = document["log"]
    yield element("p", f"{_number(log['lines'])} lines in the format ", _foreign(log["format"]), ", from:")
    yield element("ul", [element("li", _foreign(source)) for source in log["sources"]])
    if log["unparsable"]:
        yield table(
            f"Lines that make no sense, the first of {_number(log['lines'] - log['parsed'])}",
            ["line", "text"],
            [
                [f"{clean(one['source'], _LETTERS)}:{one['line']}", _foreign(one["text"])]
                for one in log["unparsable"]
            ],
            texts=2,
        )
