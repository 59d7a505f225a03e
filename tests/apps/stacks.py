"""Every sample application under every configuration, behind one WSGI entrance.

A request names what it wants in X-Stack, `flask/default` for instance; `bare` is the
application itself. `control/…` answers about what has been: no middleware is involved.
"""

from __future__ import annotations

import importlib
import json
import os
from functools import cache
from typing import TYPE_CHECKING

from apps import journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "sixteen octets or more"

# Options of NotModified by the name that tests use.
CONFIGS: dict[str, Mapping[str, object]] = {
    "default": {},
    "small": {"max_body": 50, "max_file": 1000},
    "keyed": {"tag_key": KEY},
    "head-as-head": {"head_as_get": False},
    "exact-tags": {"tag_suffixes": False},
    "etag-off": {"policy": [{"path": "/**", "etag": "off"}]},
    "etag-weak": {"policy": [{"path": "/**", "etag": "weak"}]},
    "etag-content": {"policy": [{"path": "/**", "etag": "content"}]},
    "take-over": {"policy": [{"path": "/**", "take_over": True}]},
    "lasting": {
        "policy": [
            {
                "path": "/**",
                "cache_control": {"public": True, "max_age": 60},
                "expires": 60,
                "vary": ["Accept-Language", "cookie"],
            }
        ]
    },
    "shared": {"policy": [{"cache_control": {"max_age": 0, "s_maxage": "10m"}}]},
    "private": {"policy": [{"preset": "private"}]},
    "cdn": {"policy": [{"preset": "page", "targeted": {"CDN-Cache-Control": {"max_age": "10m"}}}]},
    "vendors": {
        "policy": [
            {"preset": "page", "fields": {"X-Accel-Expires": "600", "Surrogate-Control": "max-age=600"}}
        ]
    },
    "validators": {"validators": {"/{page}": "apps.validators:current"}},
    "validators-require": {
        "validators": {"/{page}": "apps.validators:current"},
        "policy": [{"path": "/**", "require": True}],
    },
    "validators-weakened": {
        "validators": {"/{page}": "apps.validators:current"},
        "accept_weakened": True,
    },
    "validators-override": {
        "validators": {"/{page}": "apps.validators:current"},
        "policy": [
            {"path": "/page", "cache_control": "public, max-age=60", "vary": "Accept", "override": True},
            {"path": "/json", "media_type": "text/html", "cache_control": "max-age=3", "override": True},
            {"path": "/json", "cache_control": "max-age=4", "override": True},
            {"path": "/etag", "cache_control": "max-age=5"},
        ],
    },
    "get": {"policy": [{"path": "/**", "preconditions": "get"}]},
    "get-weakened": {"policy": [{"path": "/**", "preconditions": "get"}], "accept_weakened": True},
    "get-require": {"policy": [{"path": "/**", "preconditions": "get", "require": True}]},
    "require": {"policy": [{"path": "/**", "require": True}]},
    "brief": {"policy": [{"path": "/**", "cache_control": "max-age=1"}]},
    "override": {
        "policy": [
            {"path": "/**", "cache_control": "public, max-age=60", "expires": 60, "override": True},
        ]
    },
    "selective": {
        "policy": [
            {"path": "/page", "media_type": "image/*", "cache_control": "max-age=1"},
            {"path": "/page", "method": ["HEAD"], "cache_control": "max-age=2"},
            {"path": ["/p*", "/json"], "media_type": "text/html", "cache_control": "max-age=3"},
            {"path": "/json", "cache_control": "max-age=4"},
            {"path": "/missing", "status": [404], "cache_control": "max-age=5"},
            {"path": "/**", "cache_control": "max-age=6"},
        ]
    },
}


# Those of an instance inside another one, which has none.
NESTED: dict[str, Mapping[str, object]] = {
    "nested": {},
    "nested-validators": CONFIGS["validators"],
    "nested-require": CONFIGS["validators-require"],
    "nested-get": CONFIGS["get"],
}

MODULES = {
    "plain": "apps.plain",
    "flask": "apps.flask_app",
    "django": "apps.django_app",
    "django-middleware": "apps.django_app",
}


@cache
def stack(name: str) -> WSGIApplication:
    """Return the application under the configuration, made once a process."""
    app, _, config = name.partition("/")
    if app == "django-middleware" and not config.startswith("bare"):
        return wearing_the_middleware_class(config)
    inner: WSGIApplication = importlib.import_module(MODULES[app]).application
    if config == "bare":
        return inner
    if config == "bare-without-head-bodies":
        return without_head_bodies(inner)
    from notmodified import NotModified

    if config.startswith("nested"):
        return NotModified(NotModified(inner, **NESTED[config]))
    return NotModified(inner, **CONFIGS[config])


def wearing_the_middleware_class(config: str) -> WSGIApplication:
    """Return Django with our middleware class among its own, in place of a wrapper around all of it."""
    from django.core.handlers.wsgi import WSGIHandler

    from apps.django_app import handler
    from notmodified import NotModified

    if config.startswith("nested"):
        return NotModified(handler(WSGIHandler, NESTED[config], times=2))
    return handler(WSGIHandler, CONFIGS[config])


def without_head_bodies(inner: WSGIApplication) -> WSGIApplication:
    """Answer HEAD with no body, as the simplest correct application does."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = inner(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return body
        if hasattr(body, "close"):
            body.close()
        return []

    return application


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    name = environ["HTTP_X_STACK"]
    if name == "control":
        return control(environ, start_response)
    journal.arrived(environ)
    # The very object goes to the server: file wrappers are recognised by what they are.
    body = stack(name)(environ, start_response)
    return Watched(environ, body) if "uwsgi.version" in environ else body


class Watched:
    """The body under uWSGI, which clears the environ when it is done; that is noted just before."""

    def __init__(self, environ: WSGIEnvironment, body: Iterable[bytes]) -> None:
        self.environ = environ
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.body)

    def close(self) -> None:
        try:
            if hasattr(self.body, "close"):
                self.body.close()
        finally:
            journal.left(self.environ)


def control(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Tell what is known of the request whose id is the path; without one, which server this is."""
    request_id = environ["PATH_INFO"].removeprefix("/")
    me = {"server": os.environ.get("NOTMODIFIED_TEST_SERVER"), "pid": os.getpid()}
    known = journal.of(request_id) if request_id else me
    body = json.dumps(known).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
