"""Resources that can be written, by applications that guard them or do not: `/gallery-writes/NAME?ID`.

Each query is a resource of its own, so that nobody sees what another test wrote.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from apps.django_settings import configure
from notmodified import EntityTag
from notmodified.flask import NotModified, conditional

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/gallery-writes/"
WRITTEN: dict[str, bytes] = {}


def content(key: str) -> bytes:
    return WRITTEN.get(key, b"as it was at first")


def tag_of(key: str) -> str:
    return str(EntityTag.of(content(key)))


def late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Judge what the handler answered, when it has written."""
    key = environ["QUERY_STRING"]
    before = tag_of(key)
    if environ["REQUEST_METHOD"] == "PUT":
        WRITTEN[key] = environ["wsgi.input"].read()
        if environ.get("HTTP_IF_MATCH") != before:
            start_response("412 Precondition Failed", [("Content-Length", "0")])
            return []
    start_response("200 OK", [("ETag", tag_of(key)), ("Content-Length", str(len(content(key))))])
    return [content(key)]


def any_method(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Judge before the handler writes, but each method as if it read."""
    key = environ["QUERY_STRING"]
    asked = {environ.get("HTTP_IF_NONE_MATCH")}
    if asked & {"*", tag_of(key)}:
        start_response("304 Not Modified", [("ETag", tag_of(key))])
        return []
    if environ["REQUEST_METHOD"] == "PUT" and environ.get("HTTP_IF_MATCH", tag_of(key)) != tag_of(key):
        start_response("412 Precondition Failed", [("Content-Length", "0")])
        return []
    if environ["REQUEST_METHOD"] == "PUT":
        WRITTEN[key] = environ["wsgi.input"].read()
    start_response("200 OK", [("ETag", tag_of(key)), ("Content-Length", str(len(content(key))))])
    return [content(key)]


@cache
def flask(*, guarded: bool) -> WSGIApplication:
    """Return a view of Flask's as its documentation has it, or one that wears the decorator."""
    from flask import Flask, Response, request

    def resource() -> Response:
        key = request.query_string.decode()
        if request.method == "PUT":
            WRITTEN[key] = request.get_data()
            return Response(status=204)
        response = Response(content(key), mimetype="text/plain")
        response.set_etag(EntityTag.of(content(key)).opaque)
        return response.make_conditional(request)

    app = Flask(__name__)
    if guarded:
        NotModified(app)
        resource = conditional(lambda: tag_of(request.query_string.decode()))(resource)
    app.add_url_rule(
        PREFIX + ("guarded" if guarded else "flask"), "resource", resource, methods=["GET", "PUT"]
    )
    return app


@cache
def django() -> WSGIApplication:
    """Return a view of Django's that wears `condition`."""
    configure()
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpResponse
    from django.views.decorators.http import condition

    @condition(etag_func=lambda request: tag_of(request.META["QUERY_STRING"]))
    def resource(request: WSGIRequest) -> HttpResponse:
        key = request.META["QUERY_STRING"]
        if request.method == "PUT":
            WRITTEN[key] = request.body
        return HttpResponse(content(key), content_type="text/plain")

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = resource(WSGIRequest(environ))
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return response

    return application


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    name = environ["PATH_INFO"].removeprefix(PREFIX)
    makers = {
        "guarded": lambda: flask(guarded=True),
        "flask": lambda: flask(guarded=False),
        "django": django,
        "late": lambda: late,
        "any-method": lambda: any_method,
    }
    if name not in makers:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    return makers[name]()(environ, start_response)
