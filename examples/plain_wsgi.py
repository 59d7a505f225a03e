"""A WSGI application without a framework, with an answer of its own about Cache-Control.

gunicorn plain_wsgi
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = f"Hello from {environ['PATH_INFO']}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


application = NotModified(
    hello,
    policy=[
        # What does not change for an hour need not be asked about for an hour.
        {"path": "/archive/**", "cache_control": {"public": True, "max_age": 3600}},
        # All else may be kept, and is asked about before each use.
        {"path": "/**", "cache_control": {"no_cache": True}},
    ],
)
