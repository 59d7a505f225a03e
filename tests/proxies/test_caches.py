"""Proxies that keep answers: what they ask the application, and what they answer without it."""

from __future__ import annotations

import time

import pytest

from apps import content
from kit.answer import new_id
from notmodified import EntityTag

TAG = str(EntityTag.of(content.PAGE))
HAS = ("If-None-Match", TAG)


def status_of(answer):
    """Return the status, and how nginx came to it."""
    return answer.status, answer["X-Cache-Status"]


def test_nginx_withholds_the_validator_on_a_miss_and_compares_by_itself(proxies):
    proxy = proxies("nginx-cache")
    path = f"/page?{new_id()}"
    first = proxy.ask("GET", path, HAS, stack="plain/lasting")
    assert status_of(first) == (304, "MISS")
    (asked,) = proxy.origin.seen(path, 1)
    assert (asked.status, asked.if_none_match, asked.result) == (200, None, "unconditional")
    assert status_of(proxy.ask("GET", path, HAS, stack="plain/lasting")) == (304, "HIT")
    assert status_of(proxy.ask("HEAD", path, HAS, stack="plain/lasting")) == (304, "HIT")
    assert status_of(proxy.ask("GET", path, ("If-None-Match", '"old"'), stack="plain/lasting")) == (
        200,
        "HIT",
    )
    assert len(proxy.origin.seen(path)) == 1


def test_nginx_revalidates_what_has_expired_only_when_told_to(proxies):
    roles = {"nginx-cache": "EXPIRED", "nginx-cache-revalidate": "REVALIDATED"}
    path = f"/page?{new_id()}"
    for role in roles:
        assert status_of(proxies(role).ask("GET", path, stack="plain/brief")) == (200, "MISS")
    time.sleep(2.1)  # nginx counts in whole seconds
    for role, cache_status in roles.items():
        assert status_of(proxies(role).ask("GET", path, HAS, stack="plain/brief")) == (304, cache_status)
    asked = [(seen.status, seen.if_none_match) for seen in proxies("nginx").origin.seen(path, 4)]
    assert asked == [(200, None), (200, None), (200, None), (304, TAG)]


@pytest.mark.parametrize("role", ["nginx-cache", "nginx-cache-revalidate"])
def test_nginx_sends_a_no_cache_page_whole_each_time_where_it_may_cache(proxies, role):
    proxy = proxies(role)
    path = f"/articles/who-decides?{new_id()}"
    tag = proxy.ask("GET", path)["ETag"]
    assert status_of(proxy.ask("GET", path, ("If-None-Match", tag))) == (200, "MISS")
    assert [seen.if_none_match for seen in proxy.origin.seen(path, 2)] == [None, None]


def test_unless_it_is_told_to_pass_the_validators_on(proxies):
    proxy = proxies("nginx-cache-forward")
    path = f"/articles/who-decides?{new_id()}"
    tag = proxy.ask("GET", path)["ETag"]
    assert status_of(proxy.ask("GET", path, ("If-None-Match", tag))) == (304, "MISS")
    assert [seen.if_none_match for seen in proxy.origin.seen(path, 2)] == [None, tag]


def test_nginx_told_so_still_stores_what_has_a_freshness(proxies):
    proxy = proxies("nginx-cache-forward")
    path = f"/page?{new_id()}"
    assert status_of(proxy.ask("GET", path, HAS, stack="plain/lasting")) == (304, "MISS")
    assert status_of(proxy.ask("GET", path, stack="plain/lasting")) == (200, "MISS")  # that was not stored
    assert status_of(proxy.ask("GET", path, HAS, stack="plain/lasting")) == (304, "HIT")


def test_varnish_answers_from_what_it_stored_without_the_application(proxies):
    proxy = proxies("varnish")
    path = f"/page?{new_id()}"
    proxy.ask("GET", path, stack="plain/lasting")
    assert proxy.ask("GET", path, HAS, stack="plain/lasting").status == 304
    assert len(proxy.origin.seen(path)) == 1


def test_varnish_has_the_application_make_a_no_cache_page_each_time(proxies):
    """The visitor gets the 304; it saves the network in front of Varnish and nothing behind it."""
    proxy = proxies("varnish")
    path = f"/articles/who-decides?{new_id()}"
    tag = proxy.ask("GET", path)["ETag"]
    assert proxy.ask("GET", path, ("If-None-Match", tag)).status == 304
    asked = [(seen.status, seen.if_none_match) for seen in proxy.origin.seen(path, 2)]
    assert asked == [(200, None), (200, None)]


def test_varnish_in_its_grace_answers_at_once_and_revalidates_behind(proxies):
    proxy = proxies("varnish-grace")
    path = f"/page?{new_id()}"
    proxy.ask("GET", path, stack="plain/default")
    time.sleep(0.2)
    answer = proxy.ask("GET", path, stack="plain/default")
    assert (answer.status, answer.body, answer["ETag"]) == (200, content.PAGE, TAG)
    asked = [(seen.status, seen.if_none_match) for seen in proxy.origin.seen(path, 2)]
    assert asked == [(200, None), (304, TAG)]


def test_varnish_in_its_grace_has_changed_content_for_the_visit_after(proxies):
    proxy = proxies("varnish-grace")
    page = f"/articles/what-a-tag-is-made-of?{new_id()}"
    before = proxy.ask("GET", page)
    title = proxy.origin.edit("what-a-tag-is-made-of")
    time.sleep(0.2)
    assert proxy.ask("GET", page, ("If-None-Match", before["ETag"])).status == 304
    proxy.origin.seen(page, 2)
    deadline = time.monotonic() + 5
    while (after := proxy.ask("GET", page, ("If-None-Match", before["ETag"]))).status == 304:
        assert time.monotonic() < deadline
    assert title in after.body.decode()


def parts(proxy, folder):
    """Have a page made of a frame and a part, change the part, and come again."""
    path = f"/esi/page?{new_id()}"
    (folder / "part.html").write_text("<p>first</p>")
    before = proxy.ask("GET", path)
    assert b"<p>first</p>" in before.body
    (folder / "part.html").write_text("<p>second</p>")
    return proxy.ask("GET", path, ("If-None-Match", ", ".join(before.all("ETag")) or '"none"'))


def test_varnish_confirms_a_page_of_parts_by_the_tag_of_its_frame(proxies, served_files):
    """A trap for whoever uses ESI with validators from anybody: the part has changed."""
    assert parts(proxies("varnish-esi"), served_files).status == 304


def test_unless_it_takes_the_frames_validators_away(proxies, served_files):
    answer = parts(proxies("varnish-esi-untagged"), served_files)
    assert (answer.status, "ETag" in answer) == (200, False)
    assert b"<p>second</p>" in answer.body
