"""A visitor behind each proxy, in each of its roles, comes again: what has not changed is not sent again."""

from __future__ import annotations

import json

import pytest

from kit.answer import new_id
from kit.proxies import PROGRAM_OF

GZIP = ("Accept-Encoding", "gzip, br")
# Without those of which test_tags.py and test_caches.py say that they answer otherwise.
ROLES = [
    role for role in PROGRAM_OF if role not in {"nginx-sub_filter", "varnish-esi-untagged", "varnish-grace"}
]
# They ask the application for the whole page each time, whatever the visitor has.
WITHOUT_VALIDATORS = {
    "nginx-cache",
    "nginx-cache-revalidate",
    "varnish",
    "varnish-cdn",
    "varnish-gzip",
    "varnish-esi",
}
# A page of the sample applications, or of the sample site: its stack and its path.
PAGES = {
    "page": ("plain/default", "/page"),
    "page of Django's": ("django/default", "/page"),
    "page with a freshness": ("plain/lasting", "/page"),
    "page of the site's": (None, "/articles/who-decides"),
    "file": (None, "/almanac.csv"),
    "compressed by the application": ("plain/default", "/gzip"),
}
# nginx does not compare what it may not store (test_caches.py).
NEVER_304 = {
    (role, page)
    for role in ("nginx-cache", "nginx-cache-revalidate")
    for page in ("page of the site's", "file")
}
VISITS = [(role, page) for role in ROLES for page in PAGES if (role, page) not in NEVER_304]


@pytest.mark.parametrize(("role", "page"), VISITS)
def test_a_repeat_visit_gets_a_304_and_the_next_one_too(proxies, role, page):
    proxy = proxies(role)
    stack, path = PAGES[page]
    path = f"{path}?{new_id()}"
    tag = proxy.ask("GET", path, GZIP, stack=stack)["ETag"]
    for method in ("GET", "HEAD", "GET"):
        # Whoever asks for the next answer on the connection gets it: `ask` checks that.
        answer = proxy.ask(method, path, GZIP, ("If-None-Match", tag), stack=stack)
        assert answer.status == 304
        assert answer.body == b""
        assert not answer.names() & {"content-length", "transfer-encoding"}
        tag = answer["ETag"]  # A client may take over what the 304 says.


@pytest.mark.parametrize("role", ROLES)
def test_changed_content_comes_whole_under_another_tag(proxies, role):
    proxy = proxies(role)
    page = f"/articles/the-bytes-and-the-work?{new_id()}"
    before = proxy.ask("GET", page)
    title = f"As of {new_id()}"
    change = json.dumps({"title": title}).encode()
    as_json = ("Content-Type", "application/json")
    edited = proxy.ask("PUT", "/api/articles/the-bytes-and-the-work", as_json, body=change)
    assert edited.status == 200
    after = proxy.ask("GET", page, ("If-None-Match", before["ETag"]))
    assert after.status == 200
    assert title in after.body.decode()
    assert after["ETag"] != before["ETag"]


@pytest.mark.parametrize("role", ROLES)
def test_head_says_what_get_says_of_an_answer_as_it_is(proxies, role):
    proxy = proxies(role)
    path = f"/page?{new_id()}"
    got = proxy.ask("GET", path, stack="plain/default")
    asked = proxy.ask("HEAD", path, stack="plain/default")
    assert (asked.status, asked.body) == (200, b"")
    assert asked["ETag"] == got["ETag"]


@pytest.mark.parametrize("role", ROLES)
def test_a_proxys_own_connection_serves_on_after_a_304(proxies, role):
    """A 304 with a length or a body would break the next answer on it, whoever that is for."""
    proxy = proxies(role)
    path = f"/articles/who-decides?{new_id()}"
    tag = proxy.ask("GET", path, GZIP)["ETag"]
    for _ in range(4):
        proxy.ask("GET", path, GZIP, ("If-None-Match", tag))
        proxy.ask("HEAD", path, GZIP, ("If-None-Match", tag))
    seen = proxy.origin.seen(path, 9)
    assert {request.status for request in seen[1:]} == ({200} if role in WITHOUT_VALIDATORS else {304})
    assert len({request.peer for request in seen}) < len(seen)
