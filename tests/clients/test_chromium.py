"""A real browser visits a page again: its cache has kept the page, and a 304 says that it may show that."""

from __future__ import annotations

import pytest

from kit.answer import new_id
from kit.chromium import Chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.mark.parametrize("way", ["straight", "nginx-gzip", "apache-deflate", "apache-brotli"])
def test_a_second_visit_is_confirmed_and_a_changed_page_is_shown(browser, origin, proxies, way):
    at = origin if way == "straight" else proxies(way)
    page = f"/articles/304-is-not-an-error?{new_id()}"
    first = browser.visit(at.url + page)
    assert "304" in first
    assert browser.come_again(at.url + page) == first
    assert browser.come_again(at.url + page) == first
    before, *again = origin.seen(page, 3)
    assert (before.status, before.if_none_match) == (200, None)
    assert [(seen.status, seen.result) for seen in again] == [(304, "not-modified")] * 2
    assert all(seen.if_none_match for seen in again)

    title = origin.edit("304-is-not-an-error")
    assert title in browser.come_again(at.url + page)
    assert origin.seen(page, 4)[-1].status == 200
    assert title in browser.come_again(at.url + page)
    assert origin.seen(page, 5)[-1].status == 304
