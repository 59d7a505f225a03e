"""One range of a body that is all there: how much of it is copied for a 206."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask
import webob

from comparison.measure import OURS, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.request import environ_with
from comparison.wrapping import CONTENT_TYPE, Server
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication

SLICE = "a slice of the bytes, nothing else"
FLASK = "Flask `make_conditional`"
WEBOB = "WebOb `conditional_response`"
TAG = '"of-the-application"'
SMALL, LARGE = 100 << 10, 10 << 20
SHORT_OF_SMALL = "1 KiB of 100 KiB"
SHORT_OF_LARGE = "1 KiB of 10 MiB"
LONG_OF_LARGE = "1 MiB of 10 MiB"
WORKS = {SHORT_OF_SMALL: (SMALL, 1 << 10), SHORT_OF_LARGE: (LARGE, 1 << 10), LONG_OF_LARGE: (LARGE, 1 << 20)}


def list_app(body: bytes) -> WSGIApplication:
    fields = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body))), ("ETag", TAG)]

    def application(_environ: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", fields)
        return [body]

    return application


def flask_app(body: bytes) -> WSGIApplication:
    def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
        response = flask.Response(body, content_type=CONTENT_TYPE, headers={"ETag": TAG})
        response.make_conditional(environ, accept_ranges=True, complete_length=len(body))
        return response(environ, start_response)

    return application


def webob_app(body: bytes) -> WSGIApplication:
    def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
        response = webob.Response(
            body=body, content_type="text/html", etag=TAG[1:-1], conditional_response=True
        )
        return response(environ, start_response)

    return application


def work(title: str, length: int, wanted: int) -> Work:
    body = bytes(range(256)) * (length // 256)
    first = length // 2 + 1
    environ = environ_with(range=f"bytes={first}-{first + wanted - 1}")
    bare = list_app(body)
    server = Server()
    contenders = []
    for name, application in {
        OURS: NotModified(bare),
        FLASK: flask_app(body),
        WEBOB: webob_app(body),
    }.items():
        server.expect(206, application, environ)
        names = {"serve": server.serve, "application": application, "environ": environ}
        contenders.append(Contender(name, "serve(application, environ)", names))
    contenders.append(
        Contender(SLICE, "body[first:end]", {"body": body, "first": first, "end": first + wanted})
    )
    return Work(title, contenders)


def measure(effort: Effort) -> Samples:
    return side_by_side([work(title, *sizes) for title, sizes in WORKS.items()], effort)


GROUP = Group(
    "ranges",
    "A range of a body that is all there",
    "The application and all around it: a 206 with one part of a list of bytes that has a tag of its own.",
    measure,
    [
        Line(SHORT_OF_LARGE, OURS, peer_work=SHORT_OF_SMALL, at_most=1.2),
        Line(SHORT_OF_LARGE, FLASK, at_least=1),
        Line(SHORT_OF_LARGE, WEBOB, at_least=1),
        # To copy it twice would be 2.
        Line(LONG_OF_LARGE, SLICE, at_most=1.5),
        Line(LONG_OF_LARGE, FLASK, at_least=1),
        Line(LONG_OF_LARGE, WEBOB, at_least=1),
    ],
)
