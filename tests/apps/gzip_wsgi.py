"""WSGI middleware that compresses, as one puts it around an application: no padding, and Vary."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Gzip:
    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        head: list = []

        def hold(status: str, fields: list[tuple[str, str]], exc_info: object = None) -> None:
            head[:] = [status, fields]

        returned = self.application(environ, hold)
        body = b"".join(returned)
        if hasattr(returned, "close"):
            returned.close()
        status, fields = head
        fields = [*fields, ("Vary", "Accept-Encoding")]
        if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") and status.startswith("200"):
            body = gzip.compress(body, mtime=0)
            weakened = {"ETag": lambda tag: tag if tag.startswith("W/") else f"W/{tag}"}
            fields = [
                (name, weakened.get(name, str)(value)) for name, value in fields if name != "Content-Length"
            ]
            fields += [("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))]
        start_response(status, fields)
        return [body]
