"""What the middleware tells: one word a request, and counters."""

from __future__ import annotations

import threading

import pytest

from apps import content, plain
from kit.answer import new_id
from kit.in_process import Server, environ_of
from notmodified import EntityTag, NotModified

PAGE_TAG = str(EntityTag.of(content.PAGE))
NO_OUTCOMES = {
    "requests",
    "errors",
    "tags_made",
    "ill_formed_tags",
    "bytes_not_sent",
    "without_app",
    "narrowed",
}
COUNTERS = {
    "requests",
    "not_modified",
    "remembered",
    "modified",
    "partial",
    "unsatisfiable",
    "failed",
    "required",
    "unavailable",
    "passed",
    "unconditional",
    "app",
    "bypass",
    "errors",
    "tags_made",
    "ill_formed_tags",
    "bytes_not_sent",
    "without_app",
    "narrowed",
}


def ask(application, target, *fields, method="GET"):
    """Let the application serve one request; return its word."""
    server = Server(environ_of(method, target, [("X-Request-Id", new_id()), *fields]))
    server.run(application)
    return server.environ.get("notmodified.result")


CASES = [
    ("/page", (), "GET", "unconditional"),
    ("/page", (), "HEAD", "unconditional"),
    ("/page", (("If-None-Match", PAGE_TAG),), "GET", "not-modified"),
    ("/page", (("If-None-Match", PAGE_TAG),), "HEAD", "not-modified"),
    ("/page", (("If-None-Match", '"other"'),), "GET", "modified"),
    ("/page", (("If-Match", '"other"'),), "GET", "failed"),
    ("/page", (("Range", "bytes=0-1"),), "GET", "partial"),
    ("/page", (("Range", "bytes=0-1,-1"),), "GET", "partial"),
    ("/page", (("Range", "bytes=0-1"),), "HEAD", "unconditional"),
    ("/page", (("Range", "bytes=-0"),), "GET", "unsatisfiable"),
    ("/page", (("Range", "bytes=0-1"), ("If-Range", '"other"')), "GET", "modified"),
    ("/page", (("Range", "bytes=0-1"), ("If-None-Match", PAGE_TAG)), "GET", "not-modified"),
    ("/partial", (("Range", "bytes=0-9"),), "GET", "app"),
    ("/page", (("If-Match", PAGE_TAG),), "GET", "modified"),
    ("/stream", (), "GET", "bypass"),
    ("/stream-etag", (), "GET", "unconditional"),
    ("/missing", (("If-None-Match", "*"),), "GET", "bypass"),
    ("/echo", (("If-Match", '"x"'),), "PUT", "bypass"),
    ("/own-304", (), "GET", "app"),
    ("/own-412", (("If-Match", '"x"'),), "GET", "app"),
    ("/no-store", (), "GET", "bypass"),
]


@pytest.mark.parametrize(("target", "fields", "method", "word"), CASES)
def test_the_word_and_its_counter(target, fields, method, word):
    application = NotModified(plain.application)
    assert ask(application, target, *fields, method=method) == word
    stats = application.stats()
    counted = word.replace("-", "_")
    outcomes = COUNTERS - NO_OUTCOMES
    assert stats["requests"] == 1
    assert {name: stats[name] for name in outcomes} == {name: int(name == counted) for name in outcomes}
    assert stats["errors"] == 0


def test_the_word_is_there_before_the_last_octet_goes_out():
    """An access log is written when the body is out, and by some servers at its last octet."""
    application = NotModified(plain.application)
    for target, word in (
        ("/page", "unconditional"),
        ("/stream", "bypass"),
        ("/stream-etag", "unconditional"),
    ):
        server = Server(environ_of("GET", target, [("X-Request-Id", new_id())]))
        result = application(server.environ, server.start_response)
        seen = [server.environ.get("notmodified.result") for _ in result]
        if hasattr(result, "close"):
            result.close()
        assert seen[-1] == word


def test_a_fresh_instance_has_counted_nothing():
    stats = NotModified(plain.application).stats()
    assert set(stats) == COUNTERS
    assert set(stats.values()) == {0}
    assert type(stats) is dict


def test_stats_are_a_copy():
    application = NotModified(plain.application)
    application.stats()["requests"] = 7
    assert application.stats()["requests"] == 0


def test_octets_not_sent_are_those_of_the_body_that_was_there():
    application = NotModified(plain.application)
    ask(application, "/page", ("If-None-Match", PAGE_TAG))
    assert application.stats()["bytes_not_sent"] == len(content.PAGE)
    ask(application, "/page", ("If-None-Match", PAGE_TAG))
    assert application.stats()["bytes_not_sent"] == 2 * len(content.PAGE)
    ask(application, "/page", ("If-None-Match", '"other"'))
    assert application.stats()["bytes_not_sent"] == 2 * len(content.PAGE)


def test_a_head_saves_no_octets():
    application = NotModified(plain.application)
    ask(application, "/page", ("If-None-Match", PAGE_TAG), method="HEAD")
    assert application.stats()["bytes_not_sent"] == 0


def test_tags_made_and_tags_mended_are_counted():
    application = NotModified(plain.application)
    ask(application, "/page")
    ask(application, "/etag")
    ask(application, "/stream")
    assert (application.stats()["tags_made"], application.stats()["ill_formed_tags"]) == (1, 0)
    ask(application, "/etag-unquoted")
    ask(application, "/etag-two")
    assert (application.stats()["tags_made"], application.stats()["ill_formed_tags"]) == (3, 2)


def test_an_instance_inside_another_does_nothing():
    inner = NotModified(plain.application)
    outer = NotModified(inner)
    assert ask(outer, "/page", ("If-None-Match", PAGE_TAG)) == "not-modified"
    assert outer.stats()["requests"] == 1
    assert inner.stats()["tags_made"] == 0
    assert inner.stats()["not_modified"] == 0
    assert outer.stats()["tags_made"] == 1


def test_every_request_is_counted_once_from_however_many_threads():
    application = NotModified(plain.application)

    def work():
        for target, fields, method, _ in CASES:
            ask(application, target, *fields, method=method)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stats = application.stats()
    assert stats["requests"] == 8 * len(CASES)
    assert sum(stats[name] for name in COUNTERS - NO_OUTCOMES) == 8 * len(CASES)
    answered_so = [method for _, _, method, word in CASES if word == "not-modified"]
    assert stats["bytes_not_sent"] == 8 * answered_so.count("GET") * len(content.PAGE)


@pytest.mark.needs("access-log")
def test_the_word_is_in_the_servers_access_log(site):
    """And the request that the log shows is the one that came."""
    answers = [
        site.get("/page"),
        site.get("/page", ("If-None-Match", '"other"'), ("If-None-Match", site.get("/page")["ETag"])),
        site.head("/page", ("If-Match", '"other"')),
        site.get("/stream"),
    ]
    site.get("/environ")
    lines = {}
    for line in site.running.log("access.log").splitlines():
        request_id, *rest = line.split("|")
        lines[request_id] = rest
    words = [lines[answer.request_id][3] for answer in answers]
    assert words == ["unconditional", "not-modified", "failed", "bypass"]
    assert lines[answers[1].request_id][2].startswith(r"\"other\",\"")
    assert lines[answers[2].request_id][:2] == ["HEAD", "412"]
