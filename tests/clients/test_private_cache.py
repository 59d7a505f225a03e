"""A private cache as RFC 9111 has it, inside a program: hishel in front of requests."""

from __future__ import annotations

import pytest
import requests
from hishel import CacheOptions, SqliteStorage
from hishel.requests import CacheAdapter

from kit.answer import new_id


@pytest.fixture
def session(tmp_path):
    storage = SqliteStorage(database_path=str(tmp_path / "cache.db"))
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", CacheAdapter(storage=storage, rfc=CacheOptions(shared=False)))
        yield session
    storage.close()


@pytest.mark.parametrize("way", ["straight", "nginx-gzip", "apache-deflate", "apache-brotli", "varnish-gzip"])
def test_a_stored_page_is_revalidated_and_shown(session, origin, proxies, way):
    at = origin if way == "straight" else proxies(way)
    page = f"/articles/what-a-tag-is-made-of?{new_id()}"
    first = session.get(at.url + page)
    for _ in range(2):
        again = session.get(at.url + page)
        assert (again.status_code, again.headers["X-Hishel-Revalidated"], again.text) == (
            200,
            "true",
            first.text,
        )
    title = origin.edit("what-a-tag-is-made-of")
    changed = session.get(at.url + page)
    assert changed.headers["X-Hishel-From-Cache"] == "false"
    assert title in changed.text
    statuses = [200, 200, 200, 200] if way == "varnish-gzip" else [200, 304, 304, 200]
    assert [seen.status for seen in origin.seen(page, 4)] == statuses


def test_what_is_fresh_is_not_asked_for(session, origin):
    url = f"{origin.url}/page?{new_id()}"
    named = {"X-Stack": "plain/lasting", "X-Request-Id": new_id()}
    session.get(url, headers=named)
    assert session.get(url, headers=named).headers["X-Hishel-From-Cache"] == "true"
    assert len(origin.seen("/page?" + url.partition("?")[2])) == 1
