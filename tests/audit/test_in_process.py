"""Applications that are asked in this process: what is wrong with them is told, and shown."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from apps.gallery import APPLICATIONS, PREFIX, plain
from notmodified import NotModified
from notmodified._core import audit_probes
from notmodified.check import Limits, judge, probes, record_app
from notmodified.check.recording import Body, Response, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = b"<html>\n<p>the page</p>\n</html>\n"


def application_of(page, fields=()):
    def application(environ, start_response) -> Iterable[bytes]:
        content = page() if callable(page) else page
        status = "404 Not Found" if environ["PATH_INFO"] != "/" else "200 OK"
        start_response(status, [("Content-Type", "text/html"), ("Cache-Control", "no-cache"), *fields])
        return [content]

    return application


def found(application, **options: object) -> list[str]:
    (page,) = judge(record_app(application, ["/"], **options))["pages"]
    return [finding["id"] for finding in page["findings"]]


def test_an_application_that_wears_notmodified_has_no_finding() -> None:
    assert found(NotModified(application_of(PAGE))) == []


def test_one_without_a_validator_is_told_so() -> None:
    assert found(application_of(PAGE)) == ["no-validator"]


def test_what_differs_is_shown_and_the_proposed_line_ends_it() -> None:
    def page() -> bytes:
        return f'<html>\n<meta name="request-id" content="{secrets.token_hex(16)}">\n'.encode()

    (checked,) = judge(record_app(NotModified(application_of(page)), ["/"]))["pages"]
    (finding,) = checked["findings"]
    assert finding["id"] == "unstable-tag"
    assert checked["verdict"] == (
        "This page can never be revalidated: its ETag changes with each response, because of these 32 bytes: "
        'an id in <meta name="request-id"> at line 2.'
    )
    (difference,) = finding["differences"]
    assert (difference["line"], difference["length"]) == (2, 32)
    (line,) = [line["text"] for line in finding["lines"] if line["place"] == "notmodified.toml"]
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "notmodified.toml"
        config.write_text(line)
        healed = found(NotModified(application_of(page), config=str(config)))
    assert "unstable-tag" not in healed


def id_and_random_tag(environ, start_response) -> Iterable[bytes]:
    content = PAGE + f'<meta name="request-id" content="{secrets.token_hex(16)}">\n'.encode()
    return plain(("ETag", f'"{secrets.token_hex(8)}"'), body=lambda _: content)(environ, start_response)


@pytest.mark.parametrize(
    ("application", "line"),
    [
        pytest.param(APPLICATIONS["random-tag"], 'etag = "content"', id="random-tag"),
        pytest.param(
            APPLICATIONS["django-form"],
            'etag = { from = "content", ignore = ["django-csrf"] }',
            id="tag-of-a-page-with-a-token",
        ),
        pytest.param(id_and_random_tag, 'etag = { from = "content", ignore = [', id="random-tag-and-id"),
    ],
)
def test_where_the_tag_is_the_applications_own_the_proposed_line_ends_it_too(
    application, line, tmp_path
) -> None:
    url = f"{PREFIX}any/page"
    (checked,) = judge(record_app(application, [url]))["pages"]
    (finding,) = (one for one in checked["findings"] if one["id"] == "unstable-tag")
    (proposed,) = (one["text"] for one in finding["lines"] if one["place"] == "notmodified.toml")
    assert proposed.startswith(f'[[policy]]\npath = "/**"\n{line}')
    config = tmp_path / "notmodified.toml"
    config.write_text(proposed)
    (healed,) = judge(record_app(NotModified(application, config=str(config)), [url]))["pages"]
    assert "unstable-tag" not in {one["id"] for one in healed["findings"]}
    assert healed["hops"][0]["codings"][0]["revalidates"]


def test_a_tag_that_nobody_judges_is_told_once() -> None:
    assert found(application_of(PAGE, [("ETag", '"a"')])) == ["validator-ignored", "if-match-ignored"]


def test_what_an_application_raises_is_a_finding() -> None:
    def application(environ, start_response):
        msg = "no settings"
        raise RuntimeError(msg)

    (page,) = judge(record_app(application, ["/"]))["pages"]
    assert [finding["id"] for finding in page["findings"]] == ["app-raised"]
    assert "RuntimeError: no settings" in page["verdict"]


def test_asgi_applications_are_told_by_their_looks() -> None:
    async def application(scope, receive, send) -> None:
        assert scope["type"] == "http"
        await receive()
        status = 200 if scope["path"] == "/" else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b'"a"')]})
        await send({"type": "http.response.body", "body": b"one, ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    (page,) = judge(record_app(application, ["/"]))["pages"]
    assert [finding["id"] for finding in page["findings"]] == ["validator-ignored", "if-match-ignored"]
    assert page["hops"][0]["codings"][0]["length"] == 8


def test_a_stream_of_events_without_end_is_let_go() -> None:
    async def application(scope, receive, send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            await send({"type": "http.response.body", "body": b"data: now\n\n", "more_body": True})

    def of_wsgi(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        while True:
            yield b"data: now\n\n"

    for one in (application, of_wsgi):
        (page,) = judge(record_app(one, ["/"]))["pages"]
        assert page["findings"] == []
        assert page["hops"][0]["codings"][0]["length"] == len(b"data: now\n\n")


def test_an_asgi_application_that_never_ends_is_let_go() -> None:
    async def application(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})

    exchange = record_app(application, ["/"], limits=Limits(body=9)).exchanges[0]
    assert exchange.answer.trouble == Trouble("limit", "more than 9 octets")
    assert exchange.answer.response.body.length == 12


def test_a_recording_is_judged_again_as_it_was() -> None:
    recording = record_app(application_of(PAGE), ["/"])
    written = recording.to_json()
    assert judge(written) == judge(recording)
    assert judge(json.dumps(json.loads(written))) == judge(recording)


def test_each_probe_is_known_to_the_judge() -> None:
    tag, date = ("ETag", '"a"'), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
    sent = [*probes.plain(1), probes.star("first-star"), probes.star("redirect-star")]
    for fields in ((tag, date), (tag,), (date,)):
        response = Response(200, "OK", fields, Body(10))
        sent += [
            *probes.conditional(response),
            *probes.other(response, has_cookies=True),
            *probes.unsafe(response),
        ]
    known = {word for word, _ in audit_probes()}
    words = {probe.word for probe in sent} | {"first", "redirect", "cookieless"}
    assert words == known


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 2}', '{"schema": 1}'])
def test_what_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="recording"):
        judge(text)
