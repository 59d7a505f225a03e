"""HTML in which nothing foreign is ever markup: text is escaped wherever it is put.

A page is made of elements, and elements of elements and text. What is a `str` is text and gets escaped; only
what `element` returned is markup. There is no way to make markup of a string from elsewhere but `Markup`
itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from notmodified.report.words import clean

# Elements that have no content and no end tag.
_VOID = frozenset({"br", "col", "hr", "link", "meta", "wbr"})
_NAME = re.compile(r"[a-z][a-z0-9-]*", re.IGNORECASE)
# Where a link may lead: into the page, or to the web. Never `javascript:` or `data:`.
_LINK = re.compile(r"#|https?://")


@dataclass(frozen=True)
class Markup:
    """What stands in a page as it is."""

    text: str


Content: TypeAlias = Markup | str | int | Iterable["Content"] | None


def element(tag: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """Return an element with this content, text in it escaped.

    An attribute's underscores stand for hyphens, one at its end for nothing (`class_`); None and False leave
    it out. Raises ValueError for an attribute that could run something: a handler, a style, a link to what is
    no page.
    """
    written = "".join(
        _attribute(name, value)
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(content).text}</{tag}>")


def join(*content: Content) -> Markup:
    """Return all of it as one, text escaped."""
    return Markup("".join(_written(content)))


def escape(text: str) -> str:
    """Return text as it stands in an element or in an attribute's quotes.

    Of what is not printable only the ends of lines stay as they are.
    """
    return html.escape("\n".join(clean(line) for line in text.split("\n")))


def _written(content: Content) -> Iterable[str]:
    if content is None:
        return
    if isinstance(content, Markup):
        yield content.text
    elif isinstance(content, (str, int)):
        yield escape(str(content))
    else:
        for part in content:
            yield from _written(part)


def _attribute(name: str, value: str | float | bool) -> str:  # noqa: FBT001  a value as any other
    name = name.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name) or name == "style" or name.startswith("on"):
        msg = f"no page has the attribute {name}"
        raise ValueError(msg)
    if value is True:
        return f" {name}"
    written = f"{value:.6g}" if isinstance(value, float) else str(value)
    if name in {"href", "src"} and not _LINK.match(written):
        msg = f"no page links to {written!r}"
        raise ValueError(msg)
    return f' {name}="{escape(written)}"'
