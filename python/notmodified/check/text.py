"""The report as plain text: for pipes, and where rich is not installed."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from notmodified.report.words import clean, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.check.document import Difference, Document, Evidence, Finding, Hop, Page

WIDTH = 100


def lines(document: Document, *, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of the report; with `verbose` the heads too."""
    for page in document["pages"]:
        yield from _page(page, verbose=verbose)
        yield ""
    yield summary(document)
    yield clean(linter_line(document))


def linter_line(document: Document) -> str:
    """Return who linted the responses, or how to have them linted."""
    if document["linter"] is None:
        return "The responses were not linted: httplint does that; pip install 'notmodified[check]'"
    return f"The responses were linted by {document['linter']}."


def summary(document: Document) -> str:
    """Return what was found in all."""
    totals = document["totals"]
    found = [
        f"{totals[name]} {name}{'' if totals[name] == 1 else 's'}" for name in ("error", "warning", "info")
    ]
    pages = len(document["pages"])
    requests = totals["requests"]
    asked = f"{pages} page{'' if pages == 1 else 's'}, {requests} request{'' if requests == 1 else 's'}"
    return f"{asked}: {', '.join(found)}"


def _page(page: Page, *, verbose: bool) -> Iterator[str]:
    yield clean(page["url"])
    yield from wrapped(page["verdict"], "  ")
    for hop in page["hops"]:
        yield f"  {hop_line(hop, alone=len(page['hops']) == 1)}"
    for use in page["freshness"]:
        yield f"  {use['cache']}: {use['says']}"
    for number, finding in enumerate(page["findings"], 1):
        yield ""
        yield from finding_lines(number, finding, page, verbose=verbose)


def hop_line(hop: Hop, *, alone: bool) -> str:
    """Return what a hop answers, on a line."""
    parts = []
    for coding in hop["codings"]:
        sent = coding["content_encoding"] or "identity"
        if coding["coding"] != "identity" and sent == "identity":
            continue
        if coding["status"] is None:
            parts.append(f"{clean(sent, 20)} no answer")
            continue
        parts.append(f"{clean(sent, 20)} {coding['status']} ETag {clean(coding['etag'] or 'none', 60)}")
    name = "" if alone else f"{clean(hop['name'])}: "
    times = [
        f"{what} {duration(milliseconds / 1000)}"
        for what, milliseconds in (
            ("DNS", hop["timings"]["dns"]),
            ("connect", hop["timings"]["connect"]),
            ("TLS", hop["timings"]["tls"]),
            ("first byte", hop["timings"]["first_byte"]),
        )
        if milliseconds is not None
    ]
    return f"{name}{'; '.join(parts)}" + (f" ({', '.join(times)})" if times else "")


def where(finding: Finding, page: Page) -> str:
    """Return the hop that causes it, where there are several, and the codings."""
    parts = []
    if len(page["hops"]) > 1:
        parts.append(f"at {finding['hop']}")
        if finding["also_at"]:
            parts[-1] += f" (seen at {', '.join(finding['also_at'])} too)"
    if finding["codings"] != ["identity"]:
        parts.append(f"coding {', '.join(finding['codings'])}")
    return clean(", ".join(parts))


def finding_lines(number: int, finding: Finding, page: Page, *, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of a finding at a page; with `verbose` the heads too."""
    place = where(finding, page)
    yield (
        f"  {number}. {finding['title']} [{finding['severity']}, {finding['id']}]"
        f"{f' {place}' if place else ''}"
    )
    yield from wrapped(finding["says"], "     ")
    for paragraph in paragraphs(finding):
        yield from wrapped(paragraph, "       ")
    yield from wrapped(meaning(finding), "     ")
    for difference in finding["differences"]:
        yield from (f"     {line}" for line in difference_lines(difference))
    for evidence in finding["evidence"]:
        yield f"     {evidence_line(evidence)}"
        if verbose:
            yield from (f"       {line}" for line in heads(evidence))
    yield from wrapped("Fix: " + finding["fix"], "     ")
    for line in finding["lines"]:
        first, *more = line["text"].split("\n")
        yield f"       {line['place']}: {clean(first)}"
        yield from (f"       {' ' * len(line['place'])}  {clean(one)}" for one in more)


def meaning(finding: Finding) -> str:
    """Return what it means in general, and the section that says so where the text does not name it."""
    says, section = finding["meaning"], finding["section"]
    return says if not section or section in says else f"{says} ({section})"


def paragraphs(finding: Finding) -> list[str]:
    """Return what a linter says of it, where it is a linter's."""
    noted = finding["noted"]
    return [] if noted is None else [f"{noted['id']}, {noted['linter']}", *noted["text"].splitlines()]


def difference_lines(difference: Difference) -> list[str]:
    """Return the two versions of what differs, with what stands around them."""
    before, after = clean(difference["before"], 50), clean(difference["after"], 30)
    versions = (difference["first"], difference["second"])
    return [f"line {difference['line']}: {before}[{clean(version, 100)}]{after}" for version in versions]


def evidence_line(evidence: Evidence) -> str:
    """Return an exchange on a line."""
    request = clean(evidence["request"].split("\n")[0], 60)
    response = evidence["response"]
    came = evidence["trouble"] if response is None else response.split("\n")[0]
    what = f"{clean(evidence['what'])}, {evidence['coding']}, {clean(evidence['hop'])}"
    return f"{request} ({what}) → {clean(came or '')}"


def heads(evidence: Evidence) -> Iterator[str]:
    """Yield the heads of an exchange, line by line."""
    for mark, head in (("> ", evidence["request"]), ("< ", evidence["response"] or "")):
        yield from (mark + clean(line, 200) for line in head.split("\n") if line)


def wrapped(text: str, indent: str) -> Iterator[str]:
    """Yield the lines of foreign text."""
    yield from textwrap.wrap(clean(text), WIDTH, initial_indent=indent, subsequent_indent=indent)
