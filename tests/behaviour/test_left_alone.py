"""What is not ours to judge goes through as it came: other methods, other statuses, streams."""

from __future__ import annotations

import json

import pytest

from apps import content

NOT_COMPARED = {"date"}
CONDITIONS = [
    ("If-Match", '"other"'),
    ("If-Unmodified-Since", content.EARLIER),
    ("If-None-Match", content.OWN),
    ("If-Modified-Since", content.DATE),
]


def same(site, path, *fields, method="GET"):
    """Ask with and without the middleware; all must be the same."""
    bare = site.request(method, path, *fields, config="bare")
    answer = site.request(method, path, *fields)
    assert (answer.status, answer.reason) == (bare.status, bare.reason)
    assert answer.compared(without=NOT_COMPARED) == bare.compared(without=NOT_COMPARED)
    assert answer.body == bare.body
    assert answer.pieces == bare.pieces
    return answer


@pytest.mark.parametrize("path", ["/missing", "/moved", "/broken"])
@pytest.mark.parametrize(
    "condition", [("If-None-Match", content.OWN), ("If-None-Match", "*"), ("If-Match", '"other"')], ids=str
)
def test_what_is_no_2xx_stays_what_it_is(site, path, condition):
    answer = same(site, path, condition)
    assert answer.status in (404, 302, 500)
    assert site.result(answer) == "bypass"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_preconditions_of_other_methods_are_left_to_the_application(site, method, condition):
    answer = site.request(method, "/echo", condition, body=b"{}")
    assert answer.status == 200
    key = "HTTP_" + condition[0].upper().replace("-", "_")
    assert json.loads(answer.body) == {"REQUEST_METHOD": method, key: condition[1]}
    assert answer["ETag"] == content.OWN
    assert site.result(answer) == "bypass"


def test_the_application_sees_the_conditions_of_a_read(site):
    """It may judge for itself; if it does not, we do."""
    fields = [("If-None-Match", '"other"'), ("Range", "bytes=0-1"), ("If-Range", '"x"')]
    seen = json.loads(site.get("/echo", *fields).body)
    assert seen == {
        "REQUEST_METHOD": "GET",
        "HTTP_IF_NONE_MATCH": '"other"',
        "HTTP_RANGE": "bytes=0-1",
        "HTTP_IF_RANGE": '"x"',
    }


@pytest.mark.parametrize("path", ["/stream", "/events"])
def test_a_stream_goes_through_chunk_for_chunk(site, path):
    answer = same(site, path)
    assert "ETag" not in answer
    assert site.result(answer) == "bypass"
    assert site.events(answer, "close").count("close") == 1


@pytest.mark.parametrize("path", ["/stream", "/events", "/no-store"])
def test_what_has_no_validator_matches_no_tag(site, path):
    answer = same(site, path, ("If-None-Match", '"other"'))
    assert answer.status == 200
    assert site.result(answer) == "bypass"


def test_a_range_that_the_application_answered_goes_through(site):
    answer = same(site, "/partial", ("Range", "bytes=0-9"))
    assert answer.status == 206
    assert answer.body == content.PAGE[:10]
    assert answer["Content-Range"] == f"bytes 0-9/{len(content.PAGE)}"


def test_what_the_application_leaves_in_the_environ_reaches_the_server(site):
    for method in ("GET", "HEAD"):
        answer = site.request(method, "/environ")
        assert site.environ(answer)["sample.user"] == "alice"


@pytest.mark.parametrize("config", ["default", "take-over"])
def test_the_environ_is_afterwards_as_the_server_made_it(site, config):
    """Its access log must show the request that came, not the one we made of it."""
    fields = [("If-None-Match", '"other"'), ("Range", "bytes=0-1")]
    answer = site.head("/page", *fields, config=config)
    environ = site.environ(answer)
    assert environ["REQUEST_METHOD"] == "HEAD"
    assert environ["HTTP_IF_NONE_MATCH"] == '"other"'
    assert environ["HTTP_RANGE"] == "bytes=0-1"
