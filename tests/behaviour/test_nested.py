"""One instance inside another: one of both does the work, and it is the one that has something to go by."""

from __future__ import annotations

import logging
from itertools import product

import pytest

from apps import plain
from apps.stacks import CONFIGS
from kit.in_process import Server, environ_of
from notmodified import EntityTag, NotModified

PAGE = b"<p>a page</p>"
TAG = str(EntityTag.of(PAGE))
PRIVATE = {"policy": [{"preset": "private"}]}
PATHS = (
    "/page",
    "/json",
    "/etag-two",
    "/missing",
    "/own-304",
    "/cookies",
    "/empty-chunks",
    "/generator",
    "/write",
)
FIELDS = (
    (),
    (("If-None-Match", "*"),),
    (("If-Match", '"other"'),),
    (("If-Modified-Since", "Fri, 31 Dec 1999 23:59:59 GMT"),),
    (("Range", "bytes=1-3"),),
)


def page(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [PAGE]


def served(application, method="GET", path="/", fields=()):
    """Return the answer, and the word for the access log."""
    server = Server(environ_of(method, path, (("X-Request-Id", "one"), *fields)))
    server.run(application)
    return server.answer("one"), server.environ["notmodified.result"]


def requests(application):
    stats = application.stats()
    return stats["requests"], stats["not_modified"]


@pytest.mark.parametrize("config", sorted(CONFIGS.keys() - {"default"}))
def test_what_is_configured_inside_counts_where_nothing_is_outside(config):
    alone = NotModified(plain.application, **CONFIGS[config])
    inside = NotModified(plain.application, **CONFIGS[config])
    outside = NotModified(inside)
    for method, path, fields in product(("GET", "PUT"), PATHS, FIELDS):
        told = (("X-Current", '"v1"'), *fields)
        (expected, expected_word), (answer, word) = (
            served(one, method, path, told) for one in (alone, outside)
        )
        seen, wanted = (
            (one.status, one.compared(without={"expires"}), one.body) for one in (answer, expected)
        )
        assert (seen, word) == (wanted, expected_word)
    assert inside.stats() == alone.stats()
    assert outside.stats()["requests"] == 0


def test_a_head_has_what_a_get_has():
    outside = NotModified(NotModified(page, **PRIVATE))
    got, _ = served(outside)
    headed, word = served(outside, "HEAD")
    assert (headed.status, headed.fields, headed.body, word) == (200, got.fields, b"", "unconditional")
    assert "private" in got["Cache-Control"]
    headed, word = served(outside, "HEAD", fields=[("If-None-Match", TAG)])
    assert (headed.status, headed.body, word) == (304, b"", "not-modified")


def test_a_store_inside_answers_from_memory():
    def cached(environ, start_response):
        called.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [("Cache-Control", "public, max-age=60"), ("ETag", '"a"')])
        return [PAGE]

    called: list[str] = []
    outside = NotModified(NotModified(cached, store="process"))
    assert served(outside)[0].status == 200
    answer, word = served(outside, fields=[("If-None-Match", '"a"')])
    assert (answer.status, word, called) == (304, "remembered", ["GET"])


def test_an_application_that_raises_is_noted_once():
    def broken(environ, start_response):
        msg = "the application's own"
        raise RuntimeError(msg)

    inside = NotModified(broken, **PRIVATE)
    outside = NotModified(inside)
    server = Server(environ_of("GET", "/"))
    with pytest.raises(RuntimeError, match="own"):
        server.run(outside)
    assert server.environ["notmodified.result"] == "bypass"
    assert (inside.stats()["bypass"], outside.stats()["bypass"]) == (1, 0)


@pytest.mark.parametrize("config", [{}, PRIVATE])
def test_the_one_outside_does_it_where_it_is_configured_or_nothing_is(config, caplog):
    inside = NotModified(page)
    outside = NotModified(inside, **config)
    assert served(outside, fields=[("If-None-Match", TAG)])[0].status == 304
    assert requests(outside) == (1, 1)
    assert requests(inside) == (0, 0)
    assert not caplog.records


def test_what_counts_of_two_configurations_is_said_once(caplog):
    inside = NotModified(page, **PRIVATE, store="process")
    outside = NotModified(inside, policy=[{"preset": "page"}])
    with caplog.at_level(logging.WARNING, "notmodified"):
        answers = [served(outside)[0] for _ in range(3)]
    assert "private" not in answers[0]["Cache-Control"]
    (record,) = caplog.records
    assert "policy, store of the inner one" in record.getMessage()


def test_one_configuration_in_both_is_no_mistake(caplog):
    outside = NotModified(NotModified(page, **PRIVATE), **PRIVATE)
    assert "private" in served(outside)[0]["Cache-Control"]
    assert not caplog.records


def test_the_outermost_of_three_that_has_a_configuration_does_it():
    innermost = NotModified(page, policy=[{"preset": "page"}])
    middle = NotModified(innermost, **PRIVATE)
    outside = NotModified(NotModified(middle))
    assert "private" in served(outside)[0]["Cache-Control"]
    assert [requests(one)[0] for one in (innermost, middle, outside)] == [0, 1, 0]
