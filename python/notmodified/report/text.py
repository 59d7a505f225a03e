"""The analysis as plain text: for pipes, and where rich is not installed."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from notmodified.report.words import clean, counted, duration, share, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.report.document import (
        ClientCost,
        Cost,
        Document,
        Finding,
        Outcome,
        Proposal,
        Route,
        Simulation,
    )

ROUTES = 15
_WIDTH = 100


def lines(document: Document) -> Iterator[str]:
    """Yield the lines of the summary, the answer first."""
    yield from read(document)
    yield ""
    yield headline(document)
    for sentence in answer(document):
        yield from textwrap.wrap(sentence, _WIDTH)
    yield ""
    totals = document["totals"]
    for status, one in totals["by_status"].items():
        yield f"  {status}  {share(one['requests'], totals['requests']):>6}  {cost(one)}"
    if document["log"]["cannot_tell"]:
        yield ""
    for sentence in document["log"]["cannot_tell"]:
        yield from textwrap.wrap(sentence, _WIDTH)
    for number, finding in enumerate(document["findings"], 1):
        yield ""
        yield from _finding(number, finding)
    yield ""
    yield from _proposals(document)
    if document["simulation"] is not None:
        yield ""
        yield from _simulation(document["simulation"])


def read(document: Document) -> Iterator[str]:
    """Yield what was read."""
    log = document["log"]
    sources = ", ".join(clean(source) for source in log["sources"][:3])
    if more := log["sources"][3:]:
        sources += f" and {len(more)} more"
    span = duration(log["seconds"])
    yield f"{sources}: {counted(log['lines'], 'line')} over {span}, format {clean(log['format'], 60)}"
    if strange := log["lines"] - log["parsed"]:
        first = log["unparsable"][0]
        place = f"{clean(first['source'])}:{first['line']}"
        makes = "makes" if strange == 1 else "make"
        yield f"{strange:,} of them {makes} no sense, the first in {place}: {clean(first['text'], 80)}"
    if log["ambiguous"]:
        are = "is" if log["ambiguous"] == 1 else "are"
        yield f"{log['ambiguous']:,} can be read in two ways, and {are} read in the likelier"
    if log["one_in"] > 1:
        yield (
            f"One client in {log['one_in']} was looked at, to stay within --max-memory: all but the totals "
            f"is estimated and may be off by {100 * log['error']:.1f}%"
        )


def headline(document: Document) -> str:
    """Return the sentence that people come for."""
    totals = document["totals"]
    not_modified = totals["by_status"].get("304", {"requests": 0})["requests"]
    were = "was" if needless(document) == 1 else "were"
    return (
        f"{counted(totals['requests'], 'request')}, {not_modified:,} of them answered 304 "
        f"({100 * totals['not_modified_share']:.1f}% of all 200s and 304s); "
        f"{needless(document):,} of the 304s {were} needless"
    )


def answer(document: Document) -> Iterator[str]:
    """Yield what the headline means, and what to do about it, a sentence or two each."""
    if "304" in document["totals"]["by_status"]:
        yield (
            "A 304 is no error: the client asked whether what it has is still good, and it is. That saved "
            "the body, not the request."
        )
    lasting = [one for _, one in proposed(document) if one["kind"] != "validator-cache"]
    if lasting:
        saved = sum(proposal["saved"]["requests"] for proposal in lasting)
        not_modified = sum(proposal["not_modified"] for proposal in lasting)
        yield (
            f"Lifetimes as proposed below would have spared {counted(saved, 'request')}, {not_modified:,} of "
            "them 304s: `--policies OUT.toml` writes them, `--simulate OUT.toml` tries them on this log."
        )


def needless(document: Document) -> int:
    """Return how many 304s a freshness lifetime would have spared."""
    return sum(
        finding["cost"]["requests"]
        for finding in document["findings"]
        if finding["id"] in {"needless-revalidation", "versioned-revalidated"}
    )


def proposed(document: Document) -> list[tuple[Route, Proposal]]:
    """Return the routes and kinds of files for which something is proposed, and what; the dearest first."""
    all_ = [*document["routes"], *document["kinds"]]
    found = [(route, proposal) for route in all_ if (proposal := route["recommendation"]) is not None]
    return sorted(found, key=lambda one: -one[1]["saved"]["requests"])


def cost(of: Cost) -> str:
    """Return what some requests cost, in words."""
    worker = f", {duration(of['worker_seconds'])} of workers" if of["worker_seconds"] else ""
    return f"{counted(of['requests'], 'request')}, {size(of['bytes'])}{worker}"


def _finding(number: int, finding: Finding) -> Iterator[str]:
    yield f"{number}. {finding['title']} [{finding['severity']}, {finding['id']}]: {cost(finding['cost'])}"
    yield from _wrapped(finding["meaning"])
    yield from _wrapped("Fix: " + finding["fix"])
    for route in finding["routes"][:3]:
        yield f"   {route['requests']:>9,}  {clean(route['route'], 80)}"
    for one in finding["clients"][:3]:
        yield f"   {one['requests']:>9,}  {whose(one)}"
    for line in finding["evidence"]:
        request, client = clean(line["request"], 60), clean(line["client"], 40)
        yield f"   {clean(line['place'])}: {request} → {line['status']} ({client})"


def whose(of: ClientCost) -> str:
    """Return whose a finding is."""
    return f"{clean(of['client'], 40)} ({clean(of['user_agent'], 60)}) on {clean(of['route'], 60)}"


def _wrapped(text: str, indent: int = 3) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _proposals(document: Document) -> Iterator[str]:
    found = proposed(document)
    if not found:
        yield "Nothing is proposed: no route was asked for again often enough to tell."
        return
    yield f"Proposed, at a risk of {100 * document['risk']:g}% outdated uses (--policies OUT writes them):"
    for route, proposal in found[:ROUTES]:
        yield f"   {clean(route['route'], 80)}: {what(proposal['kind'], proposal['lifetime'])}"
        yield from _wrapped(
            f"saves {cost(proposal['saved'])}; outdated in {proposal['stale']:,}; confidence "
            f"{proposal['confidence']}: {proposal['why']}",
            indent=6,
        )
    if len(found) > ROUTES:
        yield f"   and {len(found) - ROUTES} more (--json has all of them)"


def _simulation(simulation: Simulation) -> Iterator[str]:
    yield f"Under the policies of --simulate{', with a shared cache' if simulation['shared_cache'] else ''}:"
    for name, before, after in changes(simulation["before"], simulation["after"]):
        yield f"   {name:<20} {before:>12} → {after:>12}"
    if sentences := remarks(simulation):
        yield from _wrapped(sentences)
    for route in simulation["routes"][:ROUTES]:
        was, becomes = route["before"]["requests"], route["after"]
        figures = f"{was:>9,} → {becomes['requests']:>9,} requests, {becomes['stale']:,} outdated uses"
        yield f"   {figures}  {clean(route['route'], 60)}"


def remarks(simulation: Simulation) -> str:
    """Return what needs a word of explanation, and what the log leaves open, if anything."""
    after = simulation["after"]
    doubtful, error = after["doubtful"], simulation["error"]
    sentences = []
    if after["from_whole"]:
        sentences.append(
            f"{after['from_whole']:,} of the 304s would be in place of whole responses: with NotModified "
            "each of them has a validator, so clients ask whether what they have is still good, and get no "
            "body."
        )
    if after["unknown"]:
        sentences.append(
            f"In {counted(after['unknown'], 'use')} from clients' caches the log does not tell whether what "
            "the client had was still current: a 304 confirmed it, but no version of it is shown. They are "
            "taken for current here, and what lifetimes as proposed would have spared is reckoned without "
            "them."
        )
    if error["requests"]:
        sentences.append(
            "Estimated from some of the clients: the requests that are left may be off by "
            f"{error['requests']:,}, those that are saved by {error['saved']:,}, outdated uses by "
            f"{error['stale']:,}."
        )
    if doubtful:
        sentences.append(
            f"In {doubtful:,} of these the log has a Cache-Control that the policy does not override. If it "
            "is the application's own it stands, and a policy needs override = true to change it."
        )
    return " ".join(sentences)


def changes(before: Outcome, after: Outcome) -> list[tuple[str, str, str]]:
    """Return what each figure is before and after."""
    rows = [
        ("requests", f"{before['requests']:,}", f"{after['requests']:,}"),
        ("of them 304s", f"{before['not_modified']:,}", f"{after['not_modified']:,}"),
        ("bytes", size(before["bytes"]), size(after["bytes"])),
        ("from clients' caches", "-", f"{after['from_clients']:,}"),
        ("outdated uses", "-", f"{after['stale']:,}"),
    ]
    if before["worker_seconds"]:
        rows.insert(3, ("workers", duration(before["worker_seconds"]), duration(after["worker_seconds"])))
    if after["from_shared"]:
        rows.insert(-1, ("from the shared cache", "-", f"{after['from_shared']:,}"))
    return rows


def what(kind: str, lifetime: int) -> str:
    """Return what is proposed in a few words."""
    if kind == "immutable":
        return "immutable, for a year"
    if kind == "validator-cache":
        return f"the validator cache, {duration(lifetime)}"
    return f"{kind} of {duration(lifetime)}"
