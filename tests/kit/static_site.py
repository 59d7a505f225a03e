"""A folder of static files, and an application that serves them by their own names."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from kit.answer import new_id
from kit.in_process import Server, environ_of
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILES = {
    "css/app.css": b"@import 'base.css'; h1 { background: url(../img/logo.svg) }",
    "css/base.css": b"body { color: #222 }",
    "img/logo.svg": b"<svg/>",
    "img/grüße.txt": b"hello",
    "js/app.js": b"import './part.js'",
    "js/part.js": b"export const part = 1",
    "LICENSE": b"free",
    ".htaccess": b"secret",
}
LONG_AGO = time.time() - 3600


def write(folder: Path, name: str, content: bytes, *, settled: bool = True) -> Path:
    """Write a file; one that is settled looks as if it had been there for long, but for its ctime."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if settled:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return path


class StaticSite:
    """The folder at /static/, served by the application itself unless `assets` says otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[str] = []
        self.application: NotModified
        self.cache_control: str | None = None
        self.fields: list[tuple[str, str]] = []

    def start(
        self, *, policy: Sequence[object] = (), tag_key: str | None = None, **assets: object
    ) -> StaticSite:
        self.application = NotModified(
            self.serve, assets={"/static/": str(self.folder), **assets}, policy=policy, tag_key=tag_key
        )
        return self

    def serve(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.seen.append(path)
        name = path.encode("latin-1").decode().removeprefix("/static/")
        file = self.folder / name
        fields = [*self.fields, *([("Cache-Control", self.cache_control)] if self.cache_control else [])]
        if not path.startswith("/static/") or not file.is_file() or environ["REQUEST_METHOD"] == "POST":
            start_response("404 Not Found", [("Content-Type", "text/plain"), *fields])
            return [b"none"]
        start_response("200 OK", [("Content-Type", "application/octet-stream"), *fields])
        return environ["wsgi.file_wrapper"](file.open("rb"))

    def get(self, target, *fields, method="GET"):
        environ = environ_of(method, target, fields)
        before = dict(environ)
        server = Server(environ)
        server.run(self.application)
        assert environ["PATH_INFO"] == before["PATH_INFO"], "the environ is not as before"
        return server.answer(new_id())

    def url(self, name):
        url = self.application.assets.url(name)
        assert url is not None, name
        return url
