"""Content → entity-tag: `EntityTag.of()` and its peers."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.cache import set_response_etag
from werkzeug.http import generate_etag

from comparison import prototypes
from comparison.measure import OURS, PROTOTYPE, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.served import configure_django
from notmodified import EntityTag

SIZES = {"200 B": 200, "2 KiB": 2 << 10, "16 KiB": 16 << 10, "100 KiB": 100 << 10, "1 MiB": 1 << 20}
WERKZEUG = "Werkzeug `generate_etag` (SHA-1)"
DJANGO = "Django `set_response_etag` (MD5)"
CRATE = f"{PROTOTYPE}: the blake3 crate and one call"


def content(size: int) -> bytes:
    return (b"The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


def work(title: str, size: int) -> Work:
    body = content(size)
    names = {
        "body": body,
        "of": EntityTag.of,
        "generate_etag": generate_etag,
        "set_response_etag": set_response_etag,
        "response": HttpResponse(body),
        "tag": prototypes.tag,
    }
    statements = {
        OURS: "of(body)",
        WERKZEUG: "generate_etag(body)",
        DJANGO: "set_response_etag(response)",
    }
    if prototypes.BUILT:
        statements[CRATE] = "tag(body)"
    return Work(title, [Contender(name, statement, names) for name, statement in statements.items()])


def measure(effort: Effort) -> Samples:
    configure_django([])
    return side_by_side([work(title, size) for title, size in SIZES.items()], effort)


def lines() -> list[Line]:
    all_ = []
    for title, size in SIZES.items():
        large = size >= 16 << 10
        all_ += [
            Line(title, WERKZEUG, at_least=3 if large else 1),
            Line(title, DJANGO, at_least=8 if large else None),
            Line(title, CRATE, at_most=1.1),
        ]
    return all_


GROUP = Group(
    "tags",
    "Tags of content",
    "One call on bytes that are there. Django's puts the tag on a response made before.",
    measure,
    lines(),
)
