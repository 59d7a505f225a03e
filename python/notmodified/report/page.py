"""One self-contained page: its frame, and what any report is made of. It loads nothing and runs nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from notmodified._core import __version__
from notmodified.report.markup import Content, Markup, element, join
from notmodified.report.style import SHEET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DIGEST = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
# Whatever came into the page: there is nothing that it could load, run or send.
_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading, which its table of contents names."""

    id: str
    heading: str
    content: Content


def page(title: str, lead: Content, sections: Sequence[Section]) -> str:
    """Return the whole document."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        # It tells of clients' addresses.
        element("meta", name="robots", content="noindex"),
        element("title", f"{title} - notmodified"),
        element("style", Markup(SHEET)),
    )
    contents = [element("li", element("a", part.heading, href=f"#{part.id}")) for part in sections]
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", element("h1", title)),
        element("nav", element("ul", contents), aria_label="Contents"),
        element(
            "main",
            lead,
            [
                element(
                    "section",
                    element("h2", part.heading, id=f"{part.id}-heading"),
                    part.content,
                    id=part.id,
                    aria_labelledby=f"{part.id}-heading",
                )
                for part in sections
            ],
            id="content",
            tabindex=-1,
        ),
        element(
            "footer",
            f"Made by notmodified {__version__}. This page loads nothing and runs nothing: it can be kept, "
            "sent and printed as it is.",
        ),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en').text}\n"


def prose(text: str) -> Markup:
    """Return a sentence in which what stands between backquotes is code."""
    parts = _CODE.split(text)
    return join(element("code", part) if place % 2 else part for place, part in enumerate(parts))


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Return figures to see first, each with its name."""
    return element(
        "dl",
        [element("div", element("dt", name), element("dd", value)) for name, value in pairs],
        class_="facts",
    )


def badge(word: str) -> Markup:
    """Return a word such as a severity, in its colour."""
    return element("span", word, class_=f"badge {word}")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Content]], texts: int = 1) -> Markup:
    """Return a table, whose rows the first cell names. So many columns are text; the others hold numbers."""

    def numeric(place: int) -> str | None:
        return "number" if place >= texts else None

    header = [element("th", name, scope="col", class_=numeric(place)) for place, name in enumerate(head)]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            [element("td", cell, class_=numeric(place)) for place, cell in enumerate(row[1:], 1)],
        )
        for row in rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", header)),
            element("tbody", body),
        ),
        class_="scroll",
    )


def figure(caption: Content, chart: Markup, data: Markup, legend: Content = None) -> Markup:
    """Return a chart under what it shows in words, and its figures as a table for who can't see it."""
    return element(
        "figure",
        element("figcaption", caption),
        legend,
        element("div", chart, class_="scroll", role="group", aria_label="Chart", tabindex=0),
        element("details", element("summary", "The figures as a table"), data),
    )
