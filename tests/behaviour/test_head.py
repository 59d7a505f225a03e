"""A HEAD is answered like the GET, less the body (RFC 9110 §9.3.2)."""

from __future__ import annotations

import pytest

from apps import content
from notmodified import EntityTag

FRAMING = {"date", "connection", "transfer-encoding", "content-length", "keep-alive"}
WHOLE = [
    "/page",
    "/json",
    "/empty",
    "/etag",
    "/etag-weak",
    "/last-modified",
    "/headers",
    "/declared",
    "/no-store",
    "/missing",
    "/moved",
    "/created",
    "/partial",
    "/file?length=100000",
]
STREAMS = ["/stream", "/stream-etag", "/stream-date"]


@pytest.mark.parametrize("path", WHOLE)
def test_head_has_the_status_and_fields_of_get_and_the_length_of_its_body(site, path):
    whole, answer = site.get(path), site.head(path)
    assert answer.status == whole.status
    assert answer.body == b""
    assert answer.compared(without=FRAMING) == whole.compared(without=FRAMING)
    assert answer["Content-Length"] == str(len(whole.body))


@pytest.mark.needs("head-of-streams")
@pytest.mark.parametrize("path", STREAMS)
def test_head_of_a_stream_has_its_status_and_fields_and_does_not_run_it(site, path):
    whole, answer = site.get(path), site.head(path)
    assert answer.status == whole.status
    assert answer.body == b""
    assert "Content-Length" not in answer
    assert answer.compared(without=FRAMING) == whole.compared(without=FRAMING)
    events = site.events(answer, "close")
    assert events[0] == "called GET"
    assert "next" not in events
    assert events.count("close") == 1


def test_the_application_is_asked_as_for_get_and_closed_once(site):
    for path in ("/page", "/declared"):
        answer = site.head(path)
        events = site.events(answer, "close")
        assert events[0] == "called GET"
        assert events.count("close") == 1


def test_the_method_in_the_environ_is_head_again_afterwards(site):
    assert site.environ(site.head("/page"))["REQUEST_METHOD"] == "HEAD"


def test_a_range_means_nothing_to_head(site):
    """The application, which sees a GET, does not see it either (RFC 9110 §14.2): it would answer 206."""
    fields = [("Range", "bytes=0-1"), ("If-Range", content.OWN)]
    answer = site.head("/echo", *fields)
    assert (answer.status, answer["Content-Length"]) == (200, site.head("/echo")["Content-Length"])
    assert site.environ(answer)["HTTP_RANGE"] == "bytes=0-1"


@pytest.mark.parametrize(
    "path", ["/page", "/etag", pytest.param("/declared", marks=pytest.mark.needs_of_app("collected-streams"))]
)
def test_preconditions_hold_for_head_as_for_get(site, path):
    tag = site.get(path)["ETag"]
    answer = site.head(path, ("If-None-Match", tag))
    assert answer.status == 304
    assert answer["ETag"] == tag
    assert site.result(answer) == "not-modified"
    assert site.head(path, ("If-None-Match", '"other"')).status == 200
    assert site.head(path, ("If-Match", '"other"')).status == 412


@pytest.mark.needs("head-without-length")
def test_an_application_may_be_asked_with_head_itself(site):
    answer = site.head("/page", config="head-as-head")
    assert answer.status == 200
    assert site.events(answer, "close")[0] == "called HEAD"


@pytest.mark.needs("head-without-length")
@pytest.mark.parametrize("path", ["/page", "/json", "/declared", "/empty", "/file?length=100000"])
def test_then_too_there_is_no_tag_of_an_empty_body(site, path):
    whole = site.get(path, config="head-as-head")
    answer = site.head(path, config="head-as-head")
    assert answer.all("ETag") in ([], whole.all("ETag"))
    if path != "/empty":
        assert answer.all("ETag") != [str(EntityTag.of(b""))]


@pytest.mark.needs("head-without-length")
def test_then_too_a_tag_of_its_own_is_judged(site):
    answer = site.head("/etag", ("If-None-Match", content.OWN), config="head-as-head")
    assert answer.status == 304
    assert site.result(answer) == "not-modified"
