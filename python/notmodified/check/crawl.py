"""Which pages a page leads to: its links, style sheets, scripts and images, of the same origin."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

from notmodified.check.recording import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.check.recording import Response

# A start tag and its attributes. Each octet is looked at a bounded number of times, whatever a server sends:
# the standard library's parser takes minutes for half a megabyte of `<!--`.
_START = re.compile(r"<([a-z][a-z0-9]*)(?=[\s/>])([^<>]{0,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![^\s/"'])([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
# What is in these is text.
_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title")}
_IN_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]{1,2000})""", re.IGNORECASE)
_ASSETS = {
    "script": ("src",),
    "img": ("src",),
    "source": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
}
_ASSET_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "apple-touch-icon", "manifest"}
# What should not be asked for without being asked to: safe by its method, and not by its name.
_NOT_FOLLOWED = re.compile(r"log-?out|sign-?out|delete|remove|unsubscribe", re.IGNORECASE)


class Crawl:
    """Follows links to so many pages beside the first."""

    def __init__(self, limit: int) -> None:
        """`limit` is the number of pages that are followed to."""
        self._left = limit
        self._seen: set[str] = set()

    def links(self, page: Page, response: Response) -> Iterator[Page]:
        """Yield the pages that a page leads to, assets first, as long as there are some left."""
        self._seen.add(page.url)
        found = sorted(_found(page.url, response), key=lambda link: not link[1])
        for url, is_asset in found:
            if self._left <= 0:
                return
            if url in self._seen:
                continue
            self._seen.add(url)
            self._left -= 1
            yield Page(url, page.url, is_asset)


def _found(base: str, response: Response) -> Iterator[tuple[str, bool]]:
    media_type = (response.get("Content-Type") or "").partition(";")[0].strip().lower()
    if response.get("Content-Encoding") is not None:
        return
    content = bytes(response.body.kept).decode("utf-8", "replace")
    if media_type == "text/html":
        links = list(_in_html(content))
    elif media_type == "text/css":
        links = [(match, True) for match in _IN_CSS.findall(content)]
    else:
        return
    own = urlsplit(base)
    for link, is_asset in links:
        if not link:
            continue
        try:
            url = urldefrag(urljoin(base, link.strip())).url
            is_same = urlsplit(url)[:2] == own[:2]
        except ValueError:
            continue
        if is_same and url.isascii() and url.isprintable() and not _NOT_FOLLOWED.search(url):
            yield url.replace(" ", "%20"), is_asset


def _in_html(content: str) -> Iterator[tuple[str, bool]]:
    """Yield links and whether they lead to assets."""
    at = content.find("<")
    while at >= 0:
        end = at + 1
        if content.startswith("<!--", at):
            end = content.find("-->", end + 3)
        elif found := _START.match(content, at):
            tag = found[1].lower()
            yield from _of_tag(tag, found[2])
            end = found.end()
            if tag in _ENDS:
                closing = _ENDS[tag].search(content, end)
                end = -1 if closing is None else closing.end()
        if end < 0:
            return
        at = content.find("<", end)


def _of_tag(tag: str, attributes: str) -> Iterator[tuple[str, bool]]:
    given = {
        found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "")
        for found in _ATTRIBUTE.finditer(attributes)
    }
    if tag == "a":
        yield given.get("href", ""), False
    elif tag == "link" and set(given.get("rel", "").lower().split()) & _ASSET_RELATIONS:
        yield given.get("href", ""), True
    for name in _ASSETS.get(tag, ()):
        yield given.get(name, ""), True
