"""What `notmodified check` found, as one page for a browser.

All that servers sent is in it as text: what is not printable stands there escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from notmodified.check import text
from notmodified.report.markup import Content, Markup, element
from notmodified.report.page import Section, badge, facts, page, prose, table
from notmodified.report.words import clean, duration, octets, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from notmodified.check.document import Coding, Difference, Document, Evidence, Finding, Hop, Page, Use

# Letters of a foreign string that are shown: in a cell, in a line of a head, in a heading.
_CELL, _LINE, _HEADING = 200, 400, 120
# Lines of a head that are shown.
_LINES = 60


def render(document: Document) -> str:
    """Return the page."""
    sections = [
        Section(f"page-{number}", clean(one["url"], _HEADING), _page(number, one))
        for number, one in enumerate(document["pages"], 1)
    ]
    if len(sections) > 1:
        sections.insert(0, Section("pages", "All pages", _overview(document)))
    return page("What breaks revalidation, and where", _lead(document), sections)


def _lead(document: Document) -> Iterator[Content]:
    pages, totals = document["pages"], document["totals"]
    yield element("p", text.summary(document) + ".", class_="lead")
    pairs = [
        ("pages", len(pages)),
        ("requests", totals["requests"]),
        ("errors", totals["error"]),
        ("warnings", totals["warning"]),
        ("infos", totals["info"]),
    ]
    yield facts([(name, f"{number:,}") for name, number in pairs])
    yield element("p", clean(text.linter_line(document)), class_="soft")


def _overview(document: Document) -> Content:
    def count(one: Page, severity: str) -> str:
        return str(sum(finding["severity"] == severity for finding in one["findings"]))

    return table(
        "What was looked at, and what matters most there",
        ["page", "verdict", "errors", "warnings", "infos"],
        [
            [
                element("a", clean(one["url"], _HEADING), href=f"#page-{number}"),
                [_mark_of(one), " ", clean(one["verdict"], _LINE)],
                *(count(one, severity) for severity in ("error", "warning", "info")),
            ]
            for number, one in enumerate(document["pages"], 1)
        ],
        texts=2,
    )


def _mark_of(one: Page) -> Markup:
    return badge(one["severity"] or "fine")


def _page(number: int, one: Page) -> Iterator[Content]:
    yield element("p", _mark_of(one), " ", clean(one["verdict"]), class_="lead")
    found_on = one["found_on"]
    if found_on is not None:
        what = "A part of " if one["is_asset"] else "Found on "
        yield element("p", what, _foreign(found_on, _LINE), ".", class_="soft")
    for place, finding in enumerate(one["findings"], 1):
        yield from _finding(f"page-{number}-finding-{place}", f"{place}. ", finding, one)
    if one["freshness"]:
        yield element("h3", "What each cache may do")
        yield _freshness(one["freshness"])
    if one["hops"]:
        is_alone = len(one["hops"]) == 1
        yield element("h3", "What is answered" if is_alone else "What each hop answers")
        yield from _hops(one["hops"])


def _freshness(uses: Sequence[Use]) -> Markup:
    def fresh(use: Use) -> str:
        if not use["stores"]:
            return "-"
        return duration(use["fresh_for"]) + (" (a guess)" if use["is_guess"] else "")

    return table(
        "What each kind of cache may do with the response, and for how long",
        ["cache", "keeps it", "uses it without asking for", "in words"],
        [
            [use["cache"], "yes" if use["stores"] else "no", fresh(use), f"{use['cache']} {use['says']}"]
            for use in uses
        ],
        texts=4,
    )


_ROWS: tuple[tuple[str, Callable[[Coding], str | None]], ...] = (
    ("status", lambda one: None if one["status"] is None else str(one["status"])),
    ("ETag", lambda one: one["etag"]),
    ("Last-Modified", lambda one: one["last_modified"]),
    ("Cache-Control", lambda one: one["cache_control"]),
    ("Vary", lambda one: one["vary"]),
    ("Content-Encoding", lambda one: one["content_encoding"]),
    ("content", lambda one: size(one["length"])),
    ("gets a 304", lambda one: {None: None, True: "yes", False: "no"}[one["revalidates"]]),
)


def _hops(hops: Sequence[Hop]) -> Iterator[Content]:
    """Yield a table a coding, with a column a hop, and what each hop made of the one inside it marked."""
    head = ["", *(clean(hop["name"], _CELL) for hop in hops)]
    if len(hops) > 1:
        yield element(
            "p",
            "The innermost hop is on the left. ",
            element("mark", "Marked"),
            " is what differs from the hop inside of it.",
            class_="soft",
        )
    addresses = [hop["address"] for hop in hops]
    for coding in dict.fromkeys(one["coding"] for hop in hops for one in hop["codings"]):
        answers = [next((one for one in hop["codings"] if one["coding"] == coding), None) for hop in hops]
        is_plain = coding == "identity"
        if not is_plain and not any(one is not None and one["content_encoding"] for one in answers):
            # As without: the same once more.
            continue
        rows: list[list[Content]] = []
        if is_plain and any(addresses):
            rows.append(["asked at", *(_foreign(one or "the URL's own address", _CELL) for one in addresses)])
        for name, of in _ROWS:
            values = [None if one is None else of(one) for one in answers]
            rows.append([name, *_compared(values)])
        yield table(
            "Asked for without content coding" if is_plain else f"Asked for as {clean(coding, _CELL)}",
            head,
            rows,
            texts=len(head),
        )
    names: tuple[tuple[str, Callable[[Hop], float | None]], ...] = (
        ("name looked up", lambda hop: hop["timings"]["dns"]),
        ("connected", lambda hop: hop["timings"]["connect"]),
        ("TLS", lambda hop: hop["timings"]["tls"]),
        ("first byte", lambda hop: hop["timings"]["first_byte"]),
        ("last byte", lambda hop: hop["timings"]["total"]),
    )
    timed = [(name, [of(hop) for hop in hops]) for name, of in names]
    rows = [
        [name, *("-" if one is None else duration(one / 1000) for one in times)]
        for name, times in timed
        if any(one is not None for one in times)
    ]
    yield table(
        "How long it takes: medians",
        head,
        [*rows, ["requests", *(f"{hop['requests']:,}" for hop in hops)]],
    )


def _compared(values: Sequence[str | None]) -> Iterator[Content]:
    for place, value in enumerate(values):
        shown = element("span", "-", class_="soft") if value is None else _foreign(value, _CELL)
        is_other = place > 0 and value != values[place - 1]
        yield element("mark", shown) if is_other else shown


def _finding(name: str, number: str, finding: Finding, one: Page) -> Iterator[Content]:
    yield element("h3", number, finding["title"], " ", badge(finding["severity"]), id=name)
    place = text.where(finding, one)
    yield element("p", f"{finding['id']}{', ' if place else ''}{clean(place, _LINE)}", class_="soft")
    yield element("p", clean(finding["says"]))
    if finding["noted"] is not None:
        yield element("blockquote", [element("p", clean(one)) for one in text.paragraphs(finding)])
    yield element("p", prose(text.meaning(finding)))
    for difference in finding["differences"]:
        yield _difference(difference)
    yield element("p", prose(finding["fix"]), class_="fix")
    for line in finding["lines"]:
        yield element("p", clean(line["place"], _CELL), class_="place")
        yield element("pre", element("code", line["text"]), class_="copy", tabindex=0)
    for evidence in finding["evidence"]:
        yield _evidence(evidence)


def _difference(difference: Difference) -> Markup:
    """Return two versions of the same place, what differs marked."""
    before, after = octets(difference["before"], _LINE), octets(difference["after"].rstrip("\r\n"), _LINE)
    versions = (("once", difference["first"]), ("then", difference["second"]))
    length = difference["length"]
    return element(
        "figure",
        element(
            "figcaption",
            f"Line {difference['line']}, {length} byte{'' if length == 1 else 's'}: ",
            clean(difference["what"]),
        ),
        [
            element(
                "pre",
                element("span", f"{when} ", class_="soft"),
                element("code", before, element("mark", octets(version, _LINE) or "(nothing)"), after),
            )
            for when, version in versions
        ],
        class_="versions",
    )


def _evidence(evidence: Evidence) -> Markup:
    came = evidence["trouble"] if evidence["response"] is None else evidence["response"].split("\n")[0]
    where = ", ".join(octets(part, _CELL) for part in (evidence["what"], evidence["coding"], evidence["hop"]))
    request = octets(evidence["request"].split("\n")[0], _CELL)
    summary = f"{request} → {octets(came or 'no answer', _CELL)} ({where})"
    heads = [("Request", evidence["request"])]
    if evidence["response"] is not None:
        heads.append(("Response", evidence["response"]))
    ends = [f"{size(evidence['length'])} of content"] if evidence["response"] is not None else []
    ends += [evidence["trouble"]] if evidence["trouble"] else []
    return element(
        "details",
        element("summary", summary),
        element(
            "div",
            [
                element("section", element("p", name, class_="place"), element("pre", _head(head)))
                for name, head in heads
            ],
            class_="side-by-side",
        ),
        element("p", octets("; ".join(ends), _LINE), class_="soft") if ends else None,
        class_="evidence",
    )


def _head(head: str) -> Markup:
    lines = head.split("\n")
    shown = [octets(line, _LINE) for line in lines[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"… and {len(lines) - _LINES:,} more fields")
    return element("code", "\n".join(shown))


def _foreign(string: str, width: int) -> Markup:
    return element("code", octets(string, width))
