"""Which pages a page leads to."""

from __future__ import annotations

import pytest

from notmodified.check.crawl import Crawl
from notmodified.check.recording import Body, Page, Response


def links(content: str, kind: str = "text/html", limit: int = 99) -> list[tuple[str, bool]]:
    body = Body(10_000)
    body.add(content.encode())
    response = Response(200, "OK", (("Content-Type", f"{kind}; charset=utf-8"),), body)
    found = Crawl(limit).links(Page("http://a.example/b/"), response)
    return [(page.url.removeprefix("http://a.example"), page.is_asset) for page in found]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<a href=c>", [("/b/c", False)]),
        ("<A\nclass='x' HREF = '/c?d=1&amp;e=2#f'>", [("/c?d=1&e=2", False)]),
        ('<img alt="" src="/i.png"/>', [("/i.png", True)]),
        ("<img/src=/i.png>", [("/i.png", True)]),
        ('<link rel="preload stylesheet" href=/s.css><link rel=next href=/2>', [("/s.css", True)]),
        ('<video poster="/p.png" src="/v.mp4">', [("/v.mp4", True), ("/p.png", True)]),
        ("<script src=/x.js>'<a href=/no>'</script><a href=/yes>", [("/x.js", True), ("/yes", False)]),
        ("<SCRIPT>document.write('<a href=/no>')</SCRIPT ><a href=/yes>", [("/yes", False)]),
        ("<!-- <a href=/no> --><a href=/yes>", [("/yes", False)]),
        ("<!-- <a href=/no>", []),
        ("<abbr href=/no><a data-href=/no><a>", []),
        ("<a href=http://b.example/>", []),
        ("<a href=javascript:x><a href=mailto:x><a href='http://['><a href=/log-out>", []),
        ("<a href=c><a href=c><a href='#top'>", [("/b/c", False)]),
    ],
)
def test_links_of_html(content: str, found: list[tuple[str, bool]]) -> None:
    assert links(content) == found


def test_links_of_style_sheets_and_of_nothing_else() -> None:
    content = "@import 'a.css'; b { background: url( \"/c.png\" ) }"
    assert links(content, "text/css") == [("/b/a.css", True), ("/c.png", True)]
    assert links(content, "text/plain") == []


def test_assets_come_first_and_there_are_no_more_than_allowed() -> None:
    content = "<a href=/1><img src=/2><a href=/3>"
    assert links(content, limit=2) == [("/2", True), ("/1", False)]
