"""A 304 by a registered validator function, and what a thousand routes add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import condition

from comparison.measure import OURS, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.request import environ_with
from comparison.served import configure_django
from comparison.wrapping import Server
from notmodified import NotModified, Representation

if TYPE_CHECKING:
    from collections.abc import Callable

DJANGO = "Django `@condition` over a trivial view"
DECORATOR = "the decorator alone"
THOUSAND = "1,000 routes, more than one"
TAG = '"v7"'
CURRENT = Representation(TAG, headers={"Cache-Control": "no-cache", "Vary": "Cookie"})


def version(_environ: dict, *, id: str) -> Representation:  # noqa: A002 - the name in the template
    assert id
    return CURRENT


def app(_environ: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"content"]


def nothing(_environ: dict, _start_response: Callable) -> tuple[()]:
    return ()


def by_routes(number: int, environ: dict[str, object]) -> NotModified:
    """As many templates, of which the last is for the path."""
    others = {f"/section-{place}/{{id}}": version for place in range(number - 1)}
    wrapped = NotModified(app, validators={**others, "/articles/{id}": version})
    Server().expect(304, wrapped, environ)
    return wrapped


@condition(etag_func=lambda _request: TAG)
def view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"content")


urlpatterns = [path("articles/7", view)]


def django_site() -> WSGIHandler:
    """Return all of Django that stands between a request and the decorator, without middleware."""
    configure_django([])
    settings.ROOT_URLCONF = __name__
    django.setup()
    return WSGIHandler()


def decorator_alone(environ: dict[str, object]) -> Contender:
    def request_with(environ: dict[str, object]) -> HttpRequest:
        request = HttpRequest()
        request.META, request.method = environ, "GET"
        request.path = "/articles/7"
        return request

    answered = view(request_with(environ)).status_code
    if answered != 304:
        msg = f"Django's decorator answers {answered}, not 304"
        raise AssertionError(msg)
    names = {"view": view, "request_with": request_with, "environ": environ}
    return Contender(DECORATOR, "view(request_with(environ))", names, over="request_with(environ)")


def measure(effort: Effort) -> Samples:
    site = django_site()
    environ = {**environ_with(if_none_match=TAG), "PATH_INFO": "/articles/7"}
    one, thousand = by_routes(1, environ), by_routes(1000, environ)
    names = {
        "serve": Server().serve,
        "one": one,
        "thousand": thousand,
        "nothing": nothing,
        "site": site,
        "version": version,
        "environ": environ,
    }
    served = Contender(
        OURS, "serve(one, environ)", names, "serve(nothing, environ); version(environ, id='7')"
    )
    Server().expect(304, site, environ)
    whole = Contender(DJANGO, "serve(site, environ)", names, "serve(nothing, environ)")
    more = Contender(OURS, "serve(thousand, environ)", names, "serve(one, environ)")
    return side_by_side(
        [Work("304", [served, whole, decorator_alone(environ)]), Work(THOUSAND, [more])], effort
    )


GROUP = Group(
    "functions",
    "A 304 by a validator function",
    '`validators={"/articles/{id}": function}` with the fields of the 200 known: neither the application nor '
    "a view runs. Ours is less a server that calls nothing and less the function itself; Django's is "
    "WSGIHandler with the decorated view, also less that server, and beside it the decorator alone.",
    measure,
    [Line("304", DJANGO, at_least=15), Line("304", DECORATOR), Line(THOUSAND, limit_ns=2000)],
)
