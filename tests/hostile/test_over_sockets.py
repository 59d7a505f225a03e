"""Hostile fields as octets on a real connection to a real Gunicorn: an answer, and never a 5xx."""

from __future__ import annotations

import pytest

from apps import content
from kit.answer import new_id
from kit.over_socket import Connection

SERVERS = ["gunicorn-sync", "gunicorn-gthread"]
NAMES = ["If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"]
# Gunicorn's default limits are 100 fields of 8,190 octets.
LINES, LENGTH = 95, 8100
BOUND = 64 * 1024


@pytest.fixture(params=SERVERS)
def server(request, running):
    return running(request.param)


def ask(server, *fields, path="/etag", method="GET"):
    """Ask on a connection of its own; field values are octets, a character each."""
    request_id = new_id()
    with Connection(server.address) as connection:
        named = [("X-Stack", "plain/default"), ("X-Request-Id", request_id), *fields]
        connection.send(method, path, named)
        answer = connection.read_head(method, request_id)
        connection.read_body(answer)
    return answer


def line(shape: str, tag: str = "") -> str:
    return (shape * (LENGTH // len(shape) + 1))[: LENGTH - len(tag)] + tag


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [",", '"', '"x",', "*,", 'W/"",', "\xfc", '"a" b,'], ids=ascii)
def test_as_many_and_as_long_fields_as_gunicorn_takes(server, name, shape):
    answer = ask(server, *[(name, line(shape))] * LINES)
    assert answer.status == (412 if name == "If-Match" else 200)
    if answer.status == 200:
        assert answer.body == content.PAGE


def test_a_tag_in_the_last_of_many_lines_is_found_within_the_bound(server):
    within = [("If-None-Match", line('"x",'))] * 7 + [("If-None-Match", line('"x",', f",{content.OWN}"))]
    assert 60_000 < sum(len(value) + 1 for _, value in within) <= BOUND
    assert ask(server, *within).status == 304
    # One more makes it longer than we look: the whole answer is always right.
    beyond = [("If-None-Match", line('"x",'))] * 9 + [("If-None-Match", content.OWN)]
    assert sum(len(value) + 1 for _, value in beyond) > BOUND
    answer = ask(server, *beyond)
    assert (answer.status, answer.body) == (200, content.PAGE)


def test_more_than_gunicorn_takes_is_refused_by_it(server):
    assert 400 <= ask(server, *[("If-None-Match", "x")] * 101).status < 500
    assert 400 <= ask(server, ("If-None-Match", "x" * 9000)).status < 500


@pytest.mark.parametrize("name", NAMES)
def test_every_octet_in_a_field(server, name):
    """Gunicorn refuses some of them; none breaks anything."""
    for octet in range(256):
        if chr(octet) in "\r\n":
            continue  # the end of a line, to some
        answer = ask(server, (name, f'"a{chr(octet)}b"'))
        refused = 412 if name == "If-Match" else 200
        assert answer.status in (refused, 400), hex(octet)
    assert ask(server).status == 200


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value",
    [
        "\r",
        "\n",
        "a\rb",
        "\x00",
        '"\x00"',
        "\xff\xfe",
        '"\xc3"',  # half a character of UTF-8
        '"\xed\xa0\x80"',  # a surrogate in UTF-8
        '"\xf4\x90\x80\x80"',  # past Unicode
        '"\xc0\xaf"',  # overlong
        '"\xe2\x80\xae"',
        "\x1b[2J",
        "\x7f",
        "\x80",
        "=?utf-8?q?=22?=",
        "",
        " ",
        "\t",
        '"' * 8000,
        "Sun, 06 Nov 1994 08:49:37 GMT" * 200,
        "Sun, 99 Nov 1994 99:99:99 GMT",
        "9" * 5000,
        "-1",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("path", ["/etag", "/last-modified", "/declared"])
def test_octets_that_are_no_field_never_break_an_answer(server, name, value, path):
    for method in ("GET", "HEAD", "PUT"):
        answer = ask(server, (name, value), path=path, method=method)
        assert answer.status in (200, 400, 412), (method, answer.status)


def test_a_tag_of_octets_that_are_no_utf_8_is_found(server):
    """Octets past ASCII are what a tag may have (obs-text)."""
    answer = ask(server, ("If-None-Match", '"\xff\xfe\xc3", ' + content.OWN))
    assert answer.status == 304


def test_the_server_lives_on(server):
    # The server is shared with tests whose application raises, so a traceback as such says nothing.
    assert "panicked" not in server.log("output.log")
    assert ask(server, ("If-None-Match", content.OWN)).status == 304
