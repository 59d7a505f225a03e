"""A write through a proxy with the tag that the proxy gave the client, judged by a GET to the application."""

from __future__ import annotations

import json

import pytest

from apps import content
from kit.answer import new_id
from notmodified import EntityTag

GZIP = ("Accept-Encoding", "gzip, br")
TAG = str(EntityTag.of(content.PAGE))
AS_THEY_ARE = ("nginx", "nginx-gzip", "nginx-cache", "apache", "apache-deflate", "varnish", "varnish-gzip")


def write(proxy, tag, config):
    """Write with a tag in If-Match; return the answer, and which methods the application was called with."""
    path = f"/page?{new_id()}"
    answer = proxy.ask("PUT", path, GZIP, ("If-Match", tag), stack=f"plain/{config}", body=b"{}")
    noted = json.loads(proxy.ask("GET", f"/{answer.request_id}", stack="control").body)["events"]
    return answer, [event for event in noted if event.startswith("called")]


@pytest.mark.parametrize("role", AS_THEY_ARE)
def test_the_current_strong_tag_lets_a_write_through_and_another_does_not(proxies, role):
    passed, called = write(proxies(role), TAG, "get")
    assert (passed.status, called) == (200, ["called GET", "called PUT"])
    failed, called = write(proxies(role), '"other"', "get")
    assert (failed.status, called) == (412, ["called GET"])
    assert TAG[1:-1] in failed["ETag"]  # Some compress a 412 too, and mark its tag.


@pytest.mark.parametrize("role", ["nginx-gzip", "varnish-gzip"])
def test_a_tag_that_a_proxy_weakened_does_so_only_where_that_is_accepted(proxies, role):
    proxy = proxies(role)
    weakened = proxy.ask("GET", f"/page?{new_id()}", GZIP, stack="plain/get")["ETag"]
    assert weakened == f"W/{TAG}"
    failed, called = write(proxy, weakened, "get")
    assert (failed.status, called) == (412, ["called GET"])
    passed, called = write(proxy, weakened, "get-weakened")
    assert (passed.status, called) == (200, ["called GET", "called PUT"])


@pytest.mark.parametrize("config", ["get", "get-weakened"])
def test_a_tag_that_apache_marked_never_does(proxies, config):
    proxy = proxies("apache-deflate")
    marked = proxy.ask("GET", f"/page?{new_id()}", GZIP, stack=f"plain/{config}")["ETag"]
    assert marked.endswith('-gzip"')
    failed, called = write(proxy, marked, config)
    assert (failed.status, called) == (412, ["called GET"])
