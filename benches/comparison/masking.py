"""What masking volatile regions adds to the tag of a page with forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparison.measure import OURS, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.wrapping import CONTENT_TYPE, around
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

# Of Django 5.2 and Flask-WTF 1.3.
DJANGO = "eUTbmnzEMKBUBEOqMTS5MAMWNhc2IjxpeVVYacpvEDvPxBMpsFmMvo641wCKbODw"
FLASK = "ImZjYmRjNGMyNzFjODg5ODI1ZDgzMzhkMmQ4ZjEwYjZlNWU5NWMxNzEi.arE7gA.BDIafEUhhSrf6ak0LayE6DLItUw"
NONCE = "MTIzNDU2Nzg5MDEyMzQ1Ng=="
LINE = '<li><a href="/articles/4711/a-title">An article, and what it is about</a> 12:30</li>\n'
FORM = (
    f'<form><input type="hidden" name="csrfmiddlewaretoken" value="{DJANGO}">'
    f'<input id="csrf_token" name="csrf_token" type="hidden" value="{FLASK}"></form>'
    f'<script nonce="{NONCE}">run()</script>\n'
)
PRESETS = ["django-csrf", "flask-wtf-csrf", "csp-nonce"]
SIZES = {"100 KiB, 3 forms": (100 << 10, 3), "100 KiB, 100 forms": (100 << 10, 100)}
UNMASKED = "the same, nothing masked"


def page(size: int, forms: int) -> bytes:
    return ((LINE * ((size // forms - len(FORM)) // len(LINE)) + FORM) * forms).encode()


def app(body: bytes) -> WSGIApplication:
    policy = f"script-src 'self' 'nonce-{NONCE}'; object-src 'none'"

    def application(_environ: dict, start_response: Callable) -> list[bytes]:
        fields = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))]
        start_response("200 OK", [*fields, ("Content-Security-Policy", policy)])
        return [body]

    return application


def measure(effort: Effort) -> Samples:
    works = []
    for title, (size, forms) in SIZES.items():
        bare = app(page(size, forms))
        masking = NotModified(bare, etag={"ignore": PRESETS})
        contenders = [around(OURS, masking, bare, 304), around(UNMASKED, NotModified(bare), bare, 304)]
        works.append(Work(title, contenders))
    return side_by_side(works, effort)


GROUP = Group(
    "masking",
    "Volatile regions masked",
    f"A 304 with all presets ({', '.join(PRESETS)}), less the bare application. Each form of the page has a "
    "token of both frameworks and a nonce.",
    measure,
    [Line("100 KiB, 3 forms", UNMASKED, at_most=2.2), Line("100 KiB, 100 forms", UNMASKED)],
)
