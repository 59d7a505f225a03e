"""A fault at any step of a read leaves the application's own response as it is.

Each step of ours is made to fail in turn, once by an exception and once by a panic, for each shape that a
body can have. What goes out is compared with what the bare application says.
"""

from __future__ import annotations

import io
import logging
import tempfile
from dataclasses import dataclass, field
from wsgiref.util import FileWrapper

import pytest

from notmodified import ASK_APP, EntityTag, NotModified, _core

ALL_STEPS, _ = _core.inject_fault()
# Nobody is asked for a validator here: test_fail_closed.py has that.
STEPS = [step for step in ALL_STEPS if step != "Validator"]
CONTENT = b"content " * 100
# After these the response is what it would be without a fault.
LATE = {"Note", "Restore"}
# Told to be another shape than it is, a body may miss its tag, but no more than that. Without the validator
# cache the application runs.
CACHE = {"LookUp", "Remember", "Invalidate"}
HARMLESS = LATE | CACHE | {"Recognise"}


class ClosingList(list):
    closed = 0

    def close(self):
        self.closed += 1


class Closing:
    """An iterator that knows how often it was closed."""

    def __init__(self, chunks):
        self.chunks = iter(chunks)
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.chunks)

    def close(self):
        self.closed += 1


class WholeResponse(Closing):
    """What a Django response looks like from outside."""

    streaming = False
    content = CONTENT


class ClosingFile(FileWrapper):
    def __init__(self, filelike):
        super().__init__(filelike)
        del self.close  # FileWrapper has put the file's own over ours.
        self.closed = 0

    def close(self):
        self.closed += 1
        self.filelike.close()


def a_file():
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the wrapper closes it)
    file.write(CONTENT)
    file.seek(0)
    return ClosingFile(file)


SHAPES = {
    "list": lambda: ClosingList([CONTENT[:300], CONTENT[300:]]),
    "declared": lambda: Closing([CONTENT[:300], CONTENT[300:]]),
    "stream": lambda: Closing([CONTENT[:300], CONTENT[300:]]),
    "whole": lambda: WholeResponse([CONTENT]),
    "file": a_file,
}


@dataclass
class Seen:
    status: str = ""
    headers: list = field(default_factory=list)
    body: bytes = b""
    closed: int = 0
    environ: dict = field(default_factory=dict)
    heads: int = 0


def application(shape):
    """Return an application with such a body, and the list of the bodies that it has handed out."""
    bodies = []

    def app(environ, start_response):
        body = SHAPES[shape]()
        bodies.append(body)
        headers = [("Content-Type", "text/plain"), ("X-Method", environ["REQUEST_METHOD"])]
        if shape != "stream":
            headers.append(("Content-Length", str(len(CONTENT))))
        start_response("200 OK", headers)
        return body

    return app, bodies


def ask(app, bodies, method="GET", **fields):
    seen = Seen()
    seen.environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/",
        "wsgi.file_wrapper": ClosingFile,
        "wsgi.errors": io.StringIO(),
        **fields,
    }

    def start_response(status, headers, exc_info=None):
        seen.status, seen.headers = status, headers
        seen.heads += 1

    result = app(seen.environ, start_response)
    try:
        seen.body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    seen.closed = bodies[-1].closed
    return seen


@pytest.fixture(autouse=True)
def disarmed():
    yield
    _core.inject_fault()


def armed_still():
    _, still = _core.inject_fault()
    return still


@pytest.mark.parametrize("panic", [False, True], ids=["exception", "panic"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_fault_leaves_the_applications_response_intact(method, step, shape, panic, caplog):
    app, bodies = application(shape)
    bare = ask(app, bodies)
    wrapped = NotModified(app)
    condition = {"HTTP_IF_NONE_MATCH": str(EntityTag.of(CONTENT))}

    _core.inject_fault(step, panic=panic)
    with caplog.at_level(logging.DEBUG, logger="notmodified"):
        seen = ask(wrapped, bodies, method, **condition)
    if armed_still():  # This body does not pass this step.
        assert wrapped.stats()["errors"] == 0
        return

    assert seen.closed == 1
    assert seen.heads == 1
    assert wrapped.stats()["errors"] == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert f"injected at {step}" in caplog.text
    assert seen.environ["REQUEST_METHOD"] == method
    assert seen.environ["HTTP_IF_NONE_MATCH"] == condition["HTTP_IF_NONE_MATCH"]
    if step in HARMLESS:
        assert seen.status in {"200 OK", "304 Not Modified"}
        if step == "Restore":
            assert seen.environ["notmodified.result"] in {"not-modified", "bypass"}
    else:
        assert seen.environ["notmodified.result"] == "error"
        assert seen.status == bare.status
        # Before the environ is changed the application is not asked as for a GET.
        asked = method if step in {"Arrive", "Fields", "Disguise", "Disguised"} else "GET"
        expected = [(name, asked if name == "X-Method" else value) for name, value in bare.headers]
        assert seen.headers == expected
    if seen.status == "200 OK":
        assert seen.body == (b"" if method == "HEAD" and asked_as_get(seen) else CONTENT)


def asked_as_get(seen):
    return dict(seen.headers)["X-Method"] == "GET"


@pytest.mark.parametrize("step", [step for step in STEPS if step not in CACHE])
def test_every_step_is_passed_by_some_body(step):
    for shape in SHAPES:
        app, bodies = application(shape)
        _core.inject_fault(step)
        wrapped = NotModified(app, validators={"/": lambda environ: ASK_APP})
        ask(wrapped, bodies, HTTP_RANGE="bytes=1-2")
        if not armed_still():
            return
    pytest.fail(f"nothing passes {step}")


@pytest.mark.parametrize("panic", [False, True], ids=["exception", "panic"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ranges", ["bytes=10-19", "bytes=0-0,-1", "bytes=-0"])
def test_where_no_range_can_be_cut_out_the_whole_goes_out(ranges, shape, panic, caplog):
    app, bodies = application(shape)
    bare = ask(app, bodies)
    wrapped = NotModified(app)
    _core.inject_fault("Cut", panic=panic)
    with caplog.at_level(logging.CRITICAL, logger="notmodified"):
        seen = ask(wrapped, bodies, HTTP_RANGE=ranges)
    assert seen.closed == 1
    if armed_still():
        assert shape == "stream" or ranges == "bytes=-0"
        return
    assert (seen.status, seen.headers, seen.body) == (bare.status, bare.headers, CONTENT)
    assert seen.environ["notmodified.result"] == "error"


@pytest.mark.parametrize("step", STEPS)
def test_after_a_fault_all_is_as_before(step):
    app, bodies = application("list")
    wrapped = NotModified(app)
    condition = {"HTTP_IF_NONE_MATCH": str(EntityTag.of(CONTENT))}
    _core.inject_fault(step, panic=True)
    ask(wrapped, bodies, **condition)
    _core.inject_fault()
    seen = ask(wrapped, bodies, **condition)
    assert seen.status == "304 Not Modified"
    assert seen.environ["notmodified.result"] == "not-modified"


def test_a_fault_while_the_application_writes_leaves_what_it_writes():
    def app(environ, start_response):
        write = start_response("200 OK", [("ETag", '"v1"')])
        write(b"one ")
        write(b"two")
        return []

    written = []

    def start_response(status, headers, exc_info=None):
        written.append(status)
        return written.append

    _core.inject_fault("Head", panic=True)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_IF_NONE_MATCH": '"v1"'}
    assert list(NotModified(app)(environ, start_response)) == []
    assert written == ["200 OK", b"one ", b"two"]


def cached():
    """Return an application whose page is stored, the bodies that it handed out, and the page's tag."""
    bodies = []

    def app(environ, start_response):
        bodies.append(ClosingList([CONTENT]))
        headers = [("Content-Type", "text/plain"), ("Cache-Control", "public, max-age=60")]
        start_response("200 OK", [*headers, ("Notmodified-Cache-Control", "max-age=60")])
        return bodies[-1]

    return NotModified(app, store="process"), bodies, {"HTTP_IF_NONE_MATCH": str(EntityTag.of(CONTENT))}


@pytest.mark.parametrize("panic", [False, True], ids=["exception", "panic"])
class TestTheCache:
    def test_a_fault_in_asking_it_runs_the_application(self, panic, caplog):
        app, bodies, condition = cached()
        ask(app, bodies)
        assert ask(app, bodies, **condition).environ["notmodified.result"] == "remembered"
        _core.inject_fault("LookUp", panic=panic)
        seen = ask(app, bodies, **condition)
        assert not armed_still()
        assert (seen.status, seen.environ["notmodified.result"]) == ("304 Not Modified", "not-modified")
        assert len(bodies) == 2
        assert app.stats()["errors"] == 1
        assert "injected at LookUp" in caplog.text

    def test_a_fault_in_remembering_leaves_the_response(self, panic, caplog):
        app, bodies, condition = cached()
        _core.inject_fault("Remember", panic=panic)
        seen = ask(app, bodies)
        assert not armed_still()
        assert (seen.status, seen.body, seen.closed) == ("200 OK", CONTENT, 1)
        assert "Notmodified-Cache-Control" not in dict(seen.headers)
        assert app.stats()["errors"] == 1
        assert ask(app, bodies, **condition).environ["notmodified.result"] == "not-modified"

    def test_a_fault_after_an_invalidation_leaves_it_standing(self, panic, caplog):
        app, bodies, condition = cached()
        ask(app, bodies)
        _core.inject_fault("Invalidate", panic=panic)
        seen = ask(app, bodies, "POST")
        assert not armed_still()
        assert (seen.status, seen.body) == ("200 OK", CONTENT)
        assert app.stats()["errors"] == 1
        assert ask(app, bodies, **condition).environ["notmodified.result"] == "not-modified"

    @pytest.mark.parametrize("step", ["Arrive", "Fields", "Disguise", "Head", "Look", "Answer", "Headers"])
    def test_whatever_fails_a_write_still_invalidates_and_the_targeted_field_stays_here(
        self, step, panic, caplog
    ):
        app, bodies, condition = cached()
        ask(app, bodies)
        _core.inject_fault(step, panic=panic)
        seen = ask(app, bodies, "POST")
        assert not armed_still()
        assert (seen.status, seen.body) == ("200 OK", CONTENT)
        assert "Notmodified-Cache-Control" not in dict(seen.headers)
        assert seen.environ["notmodified.result"] == "error"
        assert ask(app, bodies, **condition).environ["notmodified.result"] == "not-modified"
