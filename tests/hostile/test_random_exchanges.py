"""Whatever the request, whatever the application: what it would have done alone is what is done.

`NotModified(app)` is compared with `app` itself. Where there is nothing to judge the two must not differ;
where there is, only in what the documentation says.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile.exchanges import (
    CONDITIONAL,
    Application,
    ApplicationExit,
    Seen,
    applications,
    environs,
    octets,
    serve,
)
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = {
    *("not-modified", "modified", "partial", "unsatisfiable", "failed", "unconditional"),
    *("app", "bypass", "error"),
}
# The framing of a response without content is ours to mend, its validators ours to make.
OURS = {"etag", "content-length", "transfer-encoding"}
CONTENT = {"content-type", "content-encoding", "content-language", "content-range", "content-disposition"}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Failures are logged, each with its traceback: not thousands of them into the report."""
    logging.getLogger("notmodified").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("notmodified").setLevel(logging.NOTSET)


def name_of(field: object) -> str:
    return field[0].lower() if type(field) is tuple and field and isinstance(field[0], str) else ""


def but(headers: object, gone: set[str]) -> object:
    if not isinstance(headers, list):
        return headers
    return [field for field in headers if name_of(field) not in gone]


def compare(application: Application, environ: dict, options: dict, *, strict: bool = False) -> None:
    alone = serve(application, dict(environ), strict=strict)
    wrapped = NotModified(application, **options)
    given_environ = dict(environ)
    unraisable: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", lambda caught: unraisable.append(caught.exc_value))
        with_us = serve(wrapped, given_environ, strict=strict)
    log = application.log
    explain = f"{alone}\n{with_us}\n{given_environ.get('notmodified.result')}"

    # No panic crosses, and nothing else that the application would not have raised.
    assert type(with_us.raised).__name__ != "PanicException", explain
    assert with_us.raised is None or isinstance(with_us.raised, (Exception, ApplicationExit)), explain
    if log.returned and log.closes:
        assert log.closed == 1, explain
    # An iterable that the server never gets is closed by us; what that raises has nowhere else to go.
    assert not unraisable or (application.raises == "close" and with_us.raised is not None), explain

    # The environ is what it was, and a word more.
    word = given_environ.pop("notmodified.result")
    assert word in WORDS, explain
    before = {key: value for key, value in environ.items() if key != "notmodified.result"}
    assert {key: given_environ[key] for key in before} == before
    assert set(given_environ) == set(before)

    stats = wrapped.stats()
    assert stats["requests"] == 1, explain
    counted = [
        stats[name] for name in ("errors", *sorted(WORDS - {"error"} - {"not-modified"} | {"not_modified"}))
    ]
    assert sum(counted) == 1, explain
    assert stats["errors" if word == "error" else word.replace("-", "_")] == 1, explain

    if strict and application.started == "mended" and with_us.status == "500 Broken":
        return  # The server never saw the head that it would have refused.
    judge_the_difference(environ, alone, with_us, explain, strict=strict)


def judge_the_difference(environ: dict, alone: Seen, with_us: Seen, explain: str, *, strict: bool) -> None:
    if with_us.status in ("206 Partial Content", "416 Range Not Satisfiable"):
        judge_our_part(environ, alone, with_us, explain)
        return
    ours = with_us.status in ("304 Not Modified", "412 Precondition Failed")
    if ours and with_us.status != alone.status:
        judge_our_answer(environ, with_us, explain)
        return
    no_content = isinstance(with_us.status, str) and (
        with_us.status[:3] in ("204", "304") or with_us.status[:1] == "1"
    )
    if with_us.raised is None:
        # What is not asked for its content cannot fail at it: a HEAD, a 204.
        assert alone.raised is None or environ.get("REQUEST_METHOD") == "HEAD" or no_content, explain
    elif strict:
        # A head is held back: what the server says to it the application hears after all else.
        assert alone.raised is not None, explain
        return
    else:
        assert type(with_us.raised) is type(alone.raised), explain
    if alone.raised is not None and alone.pieces == [] == with_us.pieces:
        # It failed before anything was sent: then no head need have been, either.
        return
    assert with_us.status == alone.status, explain
    judge_its_answer(environ, alone, with_us, explain, no_content=no_content)


def judge_our_answer(environ: dict, with_us: Seen, explain: str) -> None:
    """Only a read is answered in the application's place, and only where it asked for that."""
    assert environ.get("REQUEST_METHOD", "GET") in ("GET", "HEAD"), explain
    assert any(name in environ for name in CONDITIONAL), explain
    if with_us.status == "304 Not Modified":
        assert not {name_of(field) for field in with_us.headers} & (OURS - {"etag"} | CONTENT), explain
        assert with_us.pieces == [], explain


def judge_our_part(environ: dict, alone: Seen, with_us: Seen, explain: str) -> None:
    """A GET that asks for it gets a part of what it would have got, and never more than that."""
    assert environ.get("REQUEST_METHOD", "GET") == "GET", explain
    assert environ["HTTP_RANGE"].lower().startswith("bytes="), explain
    assert alone.status[:3] == "200", explain
    if with_us.status.startswith("206"):
        lines = [value for name, value in with_us.headers if name == "Content-Range"]
        part = b"".join(with_us.pieces)
        whole = b"".join(alone.pieces)
        first, last, length = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", lines[-1]).groups())
        # What mimics a framework's response may say of its content what it does not send.
        assert part in (whole[first : last + 1], b"hello"[first : last + 1]), explain
        assert len(part) == last + 1 - first <= length, explain


def judge_its_answer(environ: dict, alone: Seen, with_us: Seen, explain: str, *, no_content: bool) -> None:
    """The application's own answer, with a validator more and its framing mended."""
    method = environ.get("REQUEST_METHOD", "GET")
    gone = {"etag", "content-length"} if method in ("GET", "HEAD") else set()
    if no_content:
        gone = OURS | CONTENT
    assert but(with_us.headers, gone) == but(alone.headers, gone), explain
    if method == "HEAD" or no_content:
        assert with_us.pieces in ([], alone.pieces), explain
    elif with_us.raised is None:
        assert with_us.pieces == alone.pieces, explain
    else:
        assert with_us.pieces == alone.pieces[: len(with_us.pieces)], explain


OPTIONS = st.sampled_from(
    [
        {},
        {"head_as_get": False, "tag_suffixes": False, "max_body": 3},
        {"policy": [{"path": "/**", "take_over": True}]},
        {"policy": [{"path": "/**", "etag": "off"}, {"path": "/a/*", "status": 404, "etag": "weak"}]},
    ]
)


@settings(max_examples=300)
@given(environs(octets), applications(odd=False), OPTIONS)
def test_odd_octets_in_a_request_to_a_well_behaved_application(environ, application, options):
    compare(application, environ, options)


@settings(max_examples=300)
@given(environs(), applications(odd=True), OPTIONS, st.booleans())
def test_an_application_that_breaks_the_rules_is_broken_as_it_would_be_alone(
    environ, application, options, strict
):
    compare(application, environ, options, strict=strict)


@settings(max_examples=100)
@given(environs(), applications(odd=True))
def test_two_instances_are_no_worse_than_one(environ, application):
    environ.pop("notmodified.result", None)
    once = serve(NotModified(application), dict(environ))
    twice = serve(NotModified(NotModified(application)), dict(environ))
    assert type(twice.raised) is type(once.raised)
    assert (twice.status, twice.headers, twice.pieces) == (once.status, once.headers, once.pieces)
    log = application.log
    assert log.closed == (log.returned and log.closes)
