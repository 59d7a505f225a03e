"""What the sample applications serve, so that all of them serve the same."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ("<!doctype html><title>Page</title>" + "<p>Dunes, d\u00fcnn, du lac.</p>\n" * 60).encode()
DATA = json.dumps({"articles": [{"id": n, "title": f"Article {n}"} for n in range(20)]}).encode()
CHUNKS = [b"first chunk\n", b"second chunk\n" * 30, b"x", b"the last chunk\n"]
WHOLE = b"".join(CHUNKS)
ENCODED = gzip.compress(PAGE, mtime=0)
EVENTS = [b"data: one\n\n", b"data: two\n\n"]

OWN = '"own-v1"'
OWN_WEAK = 'W/"own-v1"'
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
EXPIRES = "Sun, 06 Nov 2033 08:49:37 GMT"

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

# The fields of a response that has some of everything: what a 304 keeps and what it drops.
KEPT = {
    "Cache-Control": "max-age=60, stale-while-revalidate=30",
    "CDN-Cache-Control": "max-age=600",
    "Content-Location": "/headers.en",
    "Expires": EXPIRES,
    "Vary": "Accept-Language, Origin",
    "Access-Control-Allow-Origin": "https://client.example",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "ETag",
    "Content-Security-Policy": "default-src 'self'",
    "Content-Security-Policy-Report-Only": "img-src 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "Link": "</style.css>; rel=preload",
    "Cross-Origin-Resource-Policy": "same-site",
    "X-Custom": "kept",
}
DROPPED = {
    "Content-Language": "en",
    "Content-Disposition": 'inline; filename="page.html"',
    "Content-Encoding": "identity-of-a-kind",
    "Content-MD5": "Q2hlY2sgSW50ZWdyaXR5IQ==",
}

# What all sample applications answer alike: the path, the whole body, fields, and the status.
PAGES: list[tuple[str, bytes, list[tuple[str, str]], int]] = [
    ("/empty", b"", [], 200),
    ("/etag", PAGE, [("ETag", OWN)], 200),
    ("/etag-weak", PAGE, [("ETag", OWN_WEAK)], 200),
    ("/etag-unquoted", PAGE, [("ETag", "own-v1")], 200),
    ("/last-modified", PAGE, [("Last-Modified", DATE)], 200),
    ("/etag-and-date", PAGE, [("ETag", OWN), ("Last-Modified", DATE)], 200),
    ("/no-store", PAGE, [("Cache-Control", "no-store")], 200),
    ("/no-store-etag", PAGE, [("Cache-Control", "private, No-Store"), ("ETag", OWN)], 200),
    ("/no-transform", PAGE, [("Cache-Control", "no-transform"), ("ETag", OWN)], 200),
    ("/broken", PAGE, [("ETag", OWN)], 500),
    ("/created", PAGE, [], 201),
    ("/own-412", PAGE, [], 412),
    ("/headers", PAGE, [*KEPT.items(), *DROPPED.items()], 200),
    ("/cache-control", PAGE, [("Cache-Control", "private, max-age=5")], 200),
    ("/expires", PAGE, [("Expires", EXPIRES)], 200),
    ("/vary", PAGE, [("Vary", "accept-language, Cookie")], 200),
    ("/vary-star", PAGE, [("Vary", "*")], 200),
    ("/identity", PAGE, [("Vary", "Accept-Encoding")], 200),
    ("/gzip", ENCODED, [("Vary", "Accept-Encoding"), ("Content-Encoding", "gzip")], 200),
    ("/partial", PAGE[:10], [("ETag", OWN), ("Content-Range", f"bytes 0-9/{len(PAGE)}")], 206),
    ("/partial-without-tag", PAGE[:10], [("Content-Range", f"bytes 0-9/{len(PAGE)}")], 206),
]
# The same in pieces: the path, those, fields, and the media type.
STREAMS: list[tuple[str, list[bytes], list[tuple[str, str]], str]] = [
    ("/events", EVENTS, [("Cache-Control", "no-cache")], "text/event-stream"),
    ("/stream", CHUNKS, [], TEXT),
    ("/stream-etag", CHUNKS, [("ETag", OWN)], TEXT),
    ("/stream-date", CHUNKS, [("Last-Modified", DATE)], TEXT),
    ("/declared", CHUNKS, [("Content-Length", str(len(WHOLE)))], TEXT),
]


def files() -> Path:
    """Return the folder of the files to serve; whoever runs the tests has made it."""
    return Path(os.environ["NOTMODIFIED_TEST_FILES"])


def make_files(folder: Path) -> None:
    """Write the files to serve."""
    (folder / "page.bin").write_bytes(bytes(n * n % 251 for n in range(100_000)))
    (folder / "empty.bin").write_bytes(b"")


SIGNALS = 5
BIG = 2**30
BLOCK = b"0123456789abcdef" * 4096  # 64 KiB


def signalled(name: str) -> Iterator[bytes]:
    """Yield events; each but the first only once the client has shown that it has the one before.

    It does so by making a file, which works whatever worker and however many serve the request.
    """
    for number in range(SIGNALS):
        yield f"data: {number} of {name}\n\n".encode()
        deadline = time.monotonic() + 20
        while not (files() / f"{name}-{number}").exists():
            if time.monotonic() > deadline:
                msg = f"the client has not got event {number}"
                raise TimeoutError(msg)
            time.sleep(0.002)


def signalled_length(name: str) -> int:
    """Return how many octets that comes to."""
    return SIGNALS * len(f"data: 0 of {name}\n\n")


def big() -> Iterator[bytes]:
    """Yield 1 GiB."""
    for _ in range(BIG // len(BLOCK)):
        yield BLOCK


def signalled_fields(shape: str, name: str) -> list[tuple[str, str]]:
    """Return the fields of the shapes in which events are streamed."""
    return {
        "events": [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")],
        "chunks": [("Content-Type", TEXT)],
        "tagged": [("Content-Type", TEXT), ("ETag", OWN)],
        "dated": [("Content-Type", TEXT), ("Last-Modified", DATE)],
        "declared-events": [
            ("Content-Type", "Text/Event-Stream; charset=utf-8"),
            ("Content-Length", str(signalled_length(name))),
        ],
        "declared": [("Content-Type", TEXT), ("Content-Length", str(signalled_length(name)))],
    }[shape]
