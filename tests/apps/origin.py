"""What stands behind the proxies, and what the clients visit.

A request that names a stack in X-Stack gets that (`apps.stacks`). One that names none, from a browser for
instance, gets the sample site; under `/esi/` it gets a page that a proxy makes of parts, under `/gallery/`
and `/gallery-writes/` applications that are wrong (`apps.gallery`, `apps.gallery_writes`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from apps import content, gallery, gallery_writes, stacks
from notmodified import NotModified
from notmodified.sample_site import create_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@cache
def sample_site() -> WSGIApplication:
    return create_app(content.files() / "site")


def page_of_parts(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a page that never changes around a part that is a file's content."""
    if environ["PATH_INFO"] == "/esi/part":
        start_response("200 OK", [("Content-Type", content.HTML), ("Cache-Control", "no-cache")])
        return [(content.files() / "part.html").read_bytes()]
    start_response("200 OK", [("Content-Type", content.HTML)])
    return [b'<!doctype html><title>Parts</title><esi:include src="/esi/part"/>' + b"<p>Around it.</p>" * 20]


parts = NotModified(page_of_parts)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if "HTTP_X_STACK" in environ:
        return stacks.application(environ, start_response)
    if environ["PATH_INFO"].startswith("/esi/"):
        return parts(environ, start_response)
    if environ["PATH_INFO"].startswith(gallery.PREFIX):
        return gallery.application(environ, start_response)
    if environ["PATH_INFO"].startswith(gallery_writes.PREFIX):
        return gallery_writes.application(environ, start_response)
    return sample_site()(environ, start_response)
