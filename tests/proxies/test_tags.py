"""What becomes of a tag on its way through a proxy, and what the application then makes of it."""

from __future__ import annotations

import gzip

import pytest

from apps import content
from kit.answer import new_id
from notmodified import EntityTag

GZIP = ("Accept-Encoding", "gzip, br")
TAG = str(EntityTag.of(content.PAGE))
OPAQUE = TAG.strip('"')
BECOMES = {
    "nginx": TAG,
    "nginx-gzip": f"W/{TAG}",
    "nginx-cache": TAG,
    "apache": TAG,
    "apache-deflate": f'"{OPAQUE}-gzip"',
    "apache-deflate-nochange": TAG,
    "apache-brotli": f'"{OPAQUE}-br"',
    "varnish": TAG,
    "varnish-pass": TAG,
    "varnish-gzip": f"W/{TAG}",
    "varnish-esi": TAG,
}
COMPRESS = ("nginx-gzip", "apache-deflate", "apache-deflate-nochange", "apache-brotli", "varnish-gzip")
MARK = ("nginx-gzip", "apache-deflate", "apache-brotli")


@pytest.mark.parametrize("role", BECOMES)
def test_a_strong_tag_becomes_this(proxies, role):
    answer = proxies(role).ask("GET", f"/page?{new_id()}", GZIP, stack="plain/default")
    assert answer["ETag"] == BECOMES[role]
    assert ("Content-Encoding" in answer) == (role in COMPRESS)


@pytest.mark.parametrize("role", ["nginx-gzip", "apache-deflate", "apache-brotli"])
def test_who_takes_no_compressed_answer_gets_the_strong_tag(proxies, role):
    answer = proxies(role).ask("GET", f"/page?{new_id()}", stack="plain/default")
    assert (answer["ETag"], answer.body) == (TAG, content.PAGE)


@pytest.mark.parametrize("role", MARK)
def test_the_application_recognises_its_tag_and_the_mark_is_not_doubled(proxies, role):
    proxy = proxies(role)
    path = f"/page?{new_id()}"
    marked = proxy.ask("GET", path, GZIP, stack="plain/default")["ETag"]
    answer = proxy.ask("GET", path, GZIP, ("If-None-Match", marked), stack="plain/default")
    (_, asked) = proxy.origin.seen(path, 2)
    assert (asked.if_none_match, asked.status, asked.result) == (marked, 304, "not-modified")
    # By a strong tag in a 304 a cache looks for what it has (RFC 9111 §4.3.4); by a weak one less strictly.
    assert answer["ETag"] == (TAG if role == "nginx-gzip" else marked)


def test_without_tag_suffixes_apaches_tag_is_a_stranger(proxies):
    path = f"/page?{new_id()}"
    proxy = proxies("apache-deflate")
    marked = proxy.ask("GET", path, GZIP, stack="plain/exact-tags")["ETag"]
    assert proxy.ask("GET", path, GZIP, ("If-None-Match", marked), stack="plain/exact-tags").status == 200


@pytest.mark.parametrize("role", MARK)
def test_a_marked_tag_never_satisfies_if_match(proxies, role):
    proxy = proxies(role)
    path = f"/page?{new_id()}"
    marked = proxy.ask("GET", path, GZIP, stack="plain/default")["ETag"]
    assert proxy.ask("GET", path, GZIP, ("If-Match", marked), stack="plain/default").status == 412
    assert proxy.ask("GET", path, GZIP, ("If-Match", TAG), stack="plain/default").status == 200


def test_sub_filter_takes_the_tag_away_so_that_each_visit_gets_the_whole_page(proxies):
    proxy = proxies("nginx-sub_filter")
    path = f"/page?{new_id()}"
    for _ in range(2):
        answer = proxy.ask("GET", path, GZIP, stack="plain/default")
        assert "ETag" not in answer
        assert b"<title>Page here</title>" in answer.body


def test_nginx_takes_an_ill_formed_tag_away_when_it_compresses_and_ours_is_well_formed(proxies):
    proxy = proxies("nginx-gzip")
    assert "ETag" not in proxy.ask("GET", f"/etag-unquoted?{new_id()}", GZIP, stack="plain/bare")
    assert proxy.ask("GET", f"/etag-unquoted?{new_id()}", GZIP, stack="plain/default")["ETag"] == f"W/{TAG}"


def test_varnish_weakens_the_tag_of_what_it_decompresses(proxies):
    proxy = proxies("varnish")
    path = f"/gzip?{new_id()}"
    compressed = proxy.ask("GET", path, GZIP, stack="plain/default")
    plain = proxy.ask("GET", path, stack="plain/default")
    assert gzip.decompress(compressed.body) == plain.body == content.PAGE
    assert plain["ETag"] == "W/" + compressed["ETag"]
    again = proxy.ask("GET", path, ("If-None-Match", plain["ETag"]), stack="plain/default")
    assert again.status == 304
