"""What each middleware adds to one request: around an app that returns a list, and around real Django."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import django
import flask
import webob
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.http import ConditionalGetMiddleware

from comparison import prototypes
from comparison.measure import OURS, PROTOTYPE, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.request import environ_with
from comparison.served import BODIES, configure_django
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication

    from comparison.served import Size

DJANGO = "Django `ConditionalGetMiddleware`"
DJANGO_AROUND = f"{DJANGO} around the app"
DJANGO_ALONE = f"{DJANGO}, its `process_response` alone"
CLASS = "our `NotModifiedMiddleware` in Django"
FLASK = "Flask `add_etag` + `make_conditional`"
WEBOB = "WebOb `conditional_response` + `md5_etag`"
CONTENT_TYPE = "text/html; charset=utf-8"


class Server:
    """The least that a server does: keeps the head, takes all of the body, closes it."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def start_response(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda _piece: None

    def serve(self, application: WSGIApplication, environ: dict[str, object]) -> None:
        pieces = application(environ.copy(), self.start_response)
        for _piece in pieces:
            pass
        close = getattr(pieces, "close", None)
        if close is not None:
            close()

    def expect(self, status: int, application: WSGIApplication, environ: dict[str, object]) -> str:
        """Check the answer; what it has for an ETag."""
        self.serve(application, environ)
        if not self.status.startswith(str(status)):
            msg = f"{application} answers {self.status}, not {status}"
            raise AssertionError(msg)
        return {name.lower(): value for name, value in self.headers}.get("etag", "")


def list_app(body: bytes) -> WSGIApplication:
    def application(_environ: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))])
        return [body]

    return application


def flask_apps(body: bytes) -> tuple[WSGIApplication, WSGIApplication]:
    def bare(environ: dict, start_response: Callable) -> Iterable[bytes]:
        return flask.Response(body, content_type=CONTENT_TYPE)(environ, start_response)

    def conditional(environ: dict, start_response: Callable) -> Iterable[bytes]:
        response = flask.Response(body, content_type=CONTENT_TYPE)
        response.add_etag()
        response.make_conditional(environ)
        return response(environ, start_response)

    return bare, conditional


def webob_apps(body: bytes) -> tuple[WSGIApplication, WSGIApplication]:
    def bare(environ: dict, start_response: Callable) -> Iterable[bytes]:
        return webob.Response(body=body, content_type="text/html")(environ, start_response)

    def conditional(environ: dict, start_response: Callable) -> Iterable[bytes]:
        response = webob.Response(body=body, content_type="text/html", conditional_response=True)
        response.md5_etag()
        return response(environ, start_response)

    return bare, conditional


def around(name: str, wrapped: WSGIApplication, bare: WSGIApplication, status: int) -> Contender:
    """A conditional request with the app's own tag if a 304 is asked for, else one without."""
    server = Server()
    etag = server.expect(200, wrapped, environ_with())
    environ = environ_with(if_none_match=etag) if status == 304 else environ_with()
    server.expect(status, wrapped, environ)
    names = {"serve": server.serve, "wrapped": wrapped, "bare": bare, "environ": environ}
    return Contender(name, "serve(wrapped, environ)", names, over="serve(bare, environ)")


def django_around(application: WSGIApplication) -> WSGIApplication:
    """Put Django's middleware around a WSGI app, by the least that this takes.

    A request is made of the environ, a response of what the app returns, and what becomes of that is written
    out.
    """

    def get_response(request: WSGIRequest) -> HttpResponse:
        status, headers = "", []

        def start_response(
            its_status: str, its_headers: list[tuple[str, str]], _exc_info: object = None
        ) -> None:
            nonlocal status, headers
            status, headers = its_status, its_headers

        body = b"".join(application(request.META, start_response))
        return HttpResponse(body, status=int(status[:3]), headers=dict(headers))

    middleware = ConditionalGetMiddleware(get_response)

    def around_application(environ: dict, start_response: Callable) -> list[bytes]:
        response = middleware(WSGIRequest(environ))
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]

    return around_application


def django_middleware(body: bytes, status: int) -> Contender:
    """Django's middleware alone, on a request and a response made for each call."""
    process = ConditionalGetMiddleware(lambda _request: HttpResponse()).process_response

    def request_with(environ: dict[str, object]) -> HttpRequest:
        request = HttpRequest()
        request.META, request.method = environ, "GET"
        return request

    etag = process(request_with(environ_with()), HttpResponse(body))["ETag"]
    environ = environ_with(if_none_match=etag) if status == 304 else environ_with()
    answered = process(request_with(environ), HttpResponse(body)).status_code
    if answered != status:
        msg = f"Django's middleware answers {answered}, not {status}"
        raise AssertionError(msg)
    names = {
        "process": process,
        "request_with": request_with,
        "HttpResponse": HttpResponse,
        "environ": environ,
        "body": body,
    }
    making = "request_with(environ), HttpResponse(body)"
    return Contender(DJANGO_ALONE, f"process({making})", names, over=f"({making})")


def list_work(size: Size, status: int) -> Work:
    body = BODIES[size]
    bare = list_app(body)
    flask_bare, flask_conditional = flask_apps(body)
    webob_bare, webob_conditional = webob_apps(body)
    contenders = [
        around(OURS, NotModified(bare), bare, status),
        around(DJANGO_AROUND, django_around(bare), bare, status),
        django_middleware(body, status),
        around(FLASK, flask_conditional, flask_bare, status),
        around(WEBOB, webob_conditional, webob_bare, status),
    ]
    if prototypes.BUILT:
        contenders.insert(1, around(PROTOTYPE, prototypes.Prototype(bare), bare, status))
    return Work(f"{size}, {status}", contenders)


def measure_list(effort: Effort) -> Samples:
    configure_django([])
    return side_by_side([list_work(size, status) for size in BODIES for status in (200, 304)], effort)


def django_handler(middleware: list[str]) -> WSGIHandler:
    settings.MIDDLEWARE = middleware
    return WSGIHandler()


def measure_django(effort: Effort) -> Samples:
    configure_django([])
    django.setup()
    bare = django_handler([])
    conditional = django_handler(["django.middleware.http.ConditionalGetMiddleware"])
    of_class = django_handler(["notmodified.django.NotModifiedMiddleware"])

    def at(size: Size, application: WSGIApplication) -> WSGIApplication:
        def application_at(environ: dict, start_response: Callable) -> Iterable[bytes]:
            environ["PATH_INFO"] = f"/{len(BODIES[size])}"
            return application(environ, start_response)

        return application_at

    wrapped: dict[str, WSGIApplication] = {OURS: NotModified(bare), DJANGO: conditional, CLASS: of_class}
    if prototypes.BUILT:
        wrapped[PROTOTYPE] = prototypes.Prototype(bare)
    works = [
        Work(
            f"{size}, {status}",
            [
                around(name, at(size, application), at(size, bare), status)
                for name, application in wrapped.items()
            ],
        )
        for size in BODIES
        for status in (200, 304)
    ]
    # A small difference of large figures: more rounds.
    return side_by_side(works, replace(effort, rounds=4 * effort.rounds))


def list_lines() -> list[Line]:
    lines = []
    for size, (less_than_django, of_prototype) in {"2 KiB": (12, 1.3), "100 KiB": (8, 1.1)}.items():
        for status in (200, 304):
            title = f"{size}, {status}"
            lines += [
                Line(title, DJANGO_AROUND, at_least=less_than_django),
                Line(title, DJANGO_ALONE),
                Line(title, FLASK),
                Line(title, WEBOB),
                Line(title, PROTOTYPE, at_most=of_prototype),
            ]
        lines.append(Line(f"{size}, 304", OURS, at_most=1.1, peer_work=f"{size}, 200"))
    return lines


LIST_GROUP = Group(
    "middleware",
    "Middleware around an app that returns a list, added",
    "What a request costs more than through the bare app. Around a WSGI app Django's middleware needs a "
    "WSGIRequest made of the environ, an HttpResponse made of what the app returns, and that written out "
    "again: the line `around the app` has all of it. The line `alone` has neither, nor the call: it is what "
    "the middleware does to a request and a response that are there. Flask's and WebOb's lines are more than "
    "the same response without. The 200 is that of a request without preconditions.",
    measure_list,
    list_lines(),
)
DJANGO_GROUP = Group(
    "django",
    "Around real Django, added",
    "WSGIHandler with no other middleware and a view that returns an HttpResponse: what a request costs more "
    "with `NotModified(application)`, with `ConditionalGetMiddleware`, and with our own middleware class. "
    "The prototype is the least that Rust can do here: what it costs is the ceiling.",
    measure_django,
    [
        Line("2 KiB, 304", DJANGO, at_least=8),
        Line("2 KiB, 304", PROTOTYPE),
        Line("2 KiB, 200", DJANGO),
        Line("2 KiB, 200", PROTOTYPE),
        Line("100 KiB, 304", DJANGO, at_least=7.5),
        Line("100 KiB, 304", PROTOTYPE),
        Line("100 KiB, 200", DJANGO),
        Line("100 KiB, 200", PROTOTYPE),
        Line("2 KiB, 304", CLASS),
        Line("2 KiB, 200", CLASS),
        Line("100 KiB, 304", CLASS),
        Line("100 KiB, 200", CLASS),
    ],
)
