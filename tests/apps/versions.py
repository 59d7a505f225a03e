"""Pages whose content is a number in a file, which others may change: for tests that watch for stale ones.

A GET reads the number and takes its time before it answers, so that what it says may be out of date by then.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FOLDER = Path(os.environ.get("VERSIONS_FOLDER", "."))
SETTINGS = {
    "store": "host",
    "store_path": str(FOLDER / "store"),
    "store_size": 2**20,
    "release": "test",
    "cache_status": True,
}
if "VERSIONS_SETTINGS" in os.environ:
    SETTINGS = json.loads(os.environ["VERSIONS_SETTINGS"])


def content(number: int) -> bytes:
    return b"version %d\n" % number


def read(page: str) -> int:
    return int((FOLDER / page).read_bytes())


def write(page: str, number: int) -> None:
    """Put the number in place of the old one in one step."""
    with tempfile.NamedTemporaryFile(dir=FOLDER, prefix=".", delete=False) as file:
        file.write(b"%d" % number)
    Path(file.name).replace(FOLDER / page)


def pages(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    page = environ["PATH_INFO"].strip("/")
    if environ["REQUEST_METHOD"] == "PUT":
        write(page, int(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start_response("204 No Content", [("Cache-Group-Invalidation", f'"{page}"')])
        return []
    if page == "pid":
        start_response("200 OK", [])
        return [b"%d" % os.getpid()]
    number = read(page)
    time.sleep(random.random() / 200)
    fields = [
        ("Cache-Control", "no-cache"),
        ("Notmodified-Cache-Control", "max-age=3600"),
        ("Cache-Groups", f'"{page}"'),
    ]
    start_response("200 OK", fields)
    return [content(number)]


def make() -> NotModified:
    """Make the application: only in a server, for whoever imports this may be none."""
    return NotModified(pages, SETTINGS)
