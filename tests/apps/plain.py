"""The sample application in plain WSGI, with what PEP 3333 lets an application do."""

from __future__ import annotations

import io
import json
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from apps import content, journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTES: dict[str, WSGIApplication] = {}


def route(path: str) -> Callable[[WSGIApplication], WSGIApplication]:
    def register(view: WSGIApplication) -> WSGIApplication:
        ROUTES[path] = view
        return view

    return register


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    journal.note(environ, f"called {environ['REQUEST_METHOD']}")
    return ROUTES[environ["PATH_INFO"]](environ, start_response)


class Body:
    """An iterable that is no list, notes how far it was read and when it was closed."""

    def __init__(self, environ: WSGIEnvironment, chunks: Iterable[bytes]) -> None:
        self.environ = environ
        self.chunks = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if "/big" not in self.environ["PATH_INFO"]:
            journal.note(self.environ, "next")
        return next(self.chunks)

    def close(self) -> None:
        journal.note(self.environ, "close")


class ClosingList(list):
    """A list with a close(), as some middleware returns it."""

    environ: WSGIEnvironment

    def close(self) -> None:
        journal.note(self.environ, "close")


def whole(
    path: str,
    body: bytes,
    *fields: tuple[str, str],
    status: int = 200,
    kind: str | None = content.HTML,
    length: bool = True,
) -> None:
    """Register a view that returns its whole body in a list."""

    def view(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = [] if kind is None else [("Content-Type", kind)]
        if length:
            headers.append(("Content-Length", str(len(body))))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers + list(fields))
        result = ClosingList([body])
        result.environ = environ
        return result

    ROUTES[path] = view


def stream(path: str, chunks: Iterable[bytes], *fields: tuple[str, str], kind: str = content.TEXT) -> None:
    """Register a view that returns its body piece by piece."""

    def view(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", kind), *fields])
        return Body(environ, chunks)

    ROUTES[path] = view


for _path, _body, _fields, _status in content.PAGES:
    whole(_path, _body, *_fields, status=_status)
for _path, _chunks, _fields, _kind in content.STREAMS:
    stream(_path, _chunks, *_fields, kind=_kind)
whole("/page", content.PAGE)
whole("/json", content.DATA, kind="application/json")
whole("/etag-two", content.PAGE, ("ETag", content.OWN), ("ETag", '"own-v2"'))
whole("/missing", content.PAGE, ("ETag", content.OWN), status=404)
whole("/moved", content.PAGE, ("ETag", content.OWN), ("Location", "/page"), status=302)
whole("/no-content", content.PAGE, status=204, kind=None)
whole("/no-content-at-all", b"", status=204, kind=None, length=False)
whole("/own-304", content.PAGE, ("ETag", content.OWN), ("Vary", "Cookie"), status=304)
whole("/cookies", content.PAGE, ("Set-Cookie", "one=1; Path=/"), ("Set-Cookie", "two=2; Path=/; HttpOnly"))
whole("/page-without-length", content.PAGE, length=False)

stream("/declared-short", content.CHUNKS, ("Content-Length", str(len(content.WHOLE) + 10)))
stream("/declared-long", content.CHUNKS, ("Content-Length", str(len(content.WHOLE) - 10)))
stream("/declared-nonsense", content.CHUNKS, ("Content-Length", "several"))
stream("/empty-chunks", [b"", content.WHOLE, b""], ("Content-Length", str(len(content.WHOLE))))


@route("/file")
def file(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a file as the query says: `name`, `seek` (start there), `length` (declare so much)."""
    query = {key: value[-1] for key, value in parse_qs(environ.get("QUERY_STRING", "")).items()}
    opened = (content.files() / query.get("name", "page.bin")).open("rb")
    opened.seek(int(query.get("seek", 0)))
    headers = [("Content-Type", "application/octet-stream")]
    if "length" in query:
        headers.append(("Content-Length", query["length"]))
    start_response("200 OK", headers)
    if "wsgi.file_wrapper" in environ:
        return environ["wsgi.file_wrapper"](opened, 64 * 1024)
    return iter(lambda: opened.read(64 * 1024), b"")


@route("/signalled")
def signalled(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    query = {key: value[-1] for key, value in parse_qs(environ["QUERY_STRING"]).items()}
    start_response("200 OK", content.signalled_fields(query["shape"], query["name"]))
    return Body(environ, content.signalled(query["name"]))


@route("/signalled-late")
def signalled_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    query = {key: value[-1] for key, value in parse_qs(environ["QUERY_STRING"]).items()}
    start_response("200 OK", content.signalled_fields(query["shape"], query["name"]))
    yield from content.signalled(query["name"])


@route("/signalled-written")
def signalled_written(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    query = {key: value[-1] for key, value in parse_qs(environ["QUERY_STRING"]).items()}
    write = start_response("200 OK", content.signalled_fields(query["shape"], query["name"]))
    for chunk in content.signalled(query["name"]):
        write(chunk)
    return []


@route("/big-stream")
def big_stream(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return Body(environ, content.big())


@route("/big-declared")
def big_declared(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(content.BIG))]
    start_response("200 OK", headers)
    return content.big()


@route("/has-file-wrapper")
def has_file_wrapper(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT), ("Content-Length", "1")])
    nothing = io.BytesIO()
    wrapper = environ.get("wsgi.file_wrapper", lambda file: file)
    return [b"0" if wrapper(nothing) is nothing else b"1"]


@route("/echo")
def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Say which method and which conditional fields arrived here."""
    body = json.dumps(
        {
            key: environ[key]
            for key in sorted(environ)
            if key.startswith("HTTP_IF_") or key in ("HTTP_RANGE", "REQUEST_METHOD")
        }
    ).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("ETag", content.OWN)])
    return [body]


@route("/environ")
def mark_environ(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Leave a word in the environ for whoever is outside, an access log for instance."""
    environ["sample.user"] = "alice"
    start_response("200 OK", [("Content-Type", content.TEXT)])
    return [b"hello"]


@route("/tuple")
def as_tuple(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT)])
    return tuple(content.CHUNKS)


@route("/list")
def as_list(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT)])
    return list(content.CHUNKS)


@route("/nothing")
def nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT), ("Content-Length", "0")])
    return []


@route("/generator")
def generator(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Be a generator: start_response is called at the first iteration, not before."""
    try:
        start_response("200 OK", [("Content-Type", content.TEXT)])
        yield from content.CHUNKS
    finally:
        journal.note(environ, "close")


@route("/generator-with-length")
def generator_with_length(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    try:
        start_response(
            "200 OK", [("Content-Type", content.TEXT), ("Content-Length", str(len(content.WHOLE)))]
        )
        yield from content.CHUNKS
    finally:
        journal.note(environ, "close")


@route("/generator-with-etag")
def generator_with_etag(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    try:
        start_response("200 OK", [("Content-Type", content.TEXT), ("ETag", content.OWN)])
        yield from content.CHUNKS
    finally:
        journal.note(environ, "close")


@route("/write")
def write_all(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response(
        "200 OK", [("Content-Type", content.TEXT), ("Content-Length", str(len(content.WHOLE)))]
    )
    for chunk in content.CHUNKS:
        write(chunk)
    return []


@route("/write-then-iterate")
def write_then_iterate(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [("Content-Type", content.TEXT), ("ETag", content.OWN)])
    for chunk in content.CHUNKS[:2]:
        write(chunk)
    return Body(environ, content.CHUNKS[2:])


@route("/write-nothing")
def write_nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [("Content-Type", content.TEXT)])
    write(b"")
    return Body(environ, content.CHUNKS)


STALE = [
    ("Content-Type", content.HTML),
    ("Content-Length", "3"),
    ("ETag", '"stale"'),
    ("Cache-Control", "max-age=31536000"),
    ("Set-Cookie", "stale=1"),
]


def fail(start_response: StartResponse, body: bytes = b"it broke") -> Iterable[bytes]:
    """Answer with an error page, as PEP 3333 wants it once start_response has been called."""
    start_response(
        "500 Internal Server Error",
        [("Content-Type", content.TEXT), ("Content-Length", str(len(body)))],
        sys.exc_info(),
    )
    return [body]


class SampleError(Exception):
    """What the sample application raises."""


def oops() -> None:
    raise SampleError


@route("/error-page")
def error_page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", STALE)
    try:
        oops()
    except SampleError:
        return fail(start_response)


@route("/error-page-of-a-generator")
def error_page_of_a_generator(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", STALE)
    try:
        oops()
    except SampleError:
        yield from fail(start_response)


@route("/error-page-twice")
def error_page_twice(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", STALE)
    try:
        oops()
    except SampleError:
        fail(start_response, b"once")
        return fail(start_response, b"and again")


@route("/error-page-that-recovers")
def error_page_that_recovers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """End with a 200 after all: it is that one which is judged."""
    start_response("500 Internal Server Error", STALE)
    try:
        oops()
    except SampleError:
        start_response("200 OK", [("Content-Type", content.TEXT)], sys.exc_info())
        return [content.WHOLE]


@route("/error-too-late")
def error_too_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Fail when the head has gone out: start_response must raise the error again."""

    def chunks() -> Iterable[bytes]:
        yield content.CHUNKS[0]
        try:
            oops()
        except SampleError:
            journal.note(environ, "restart")
            yield from fail(start_response)

    start_response("200 OK", [("Content-Type", content.TEXT)])
    return Body(environ, chunks())


@route("/start-twice")
def start_twice(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT)])
    start_response("200 OK", [("Content-Type", content.TEXT)])
    return [b"never"]


@route("/start-never")
def start_never(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return [b"never"]


@route("/raise-at-once")
def raise_at_once(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    raise SampleError


@route("/raise-after-start")
def raise_after_start(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", STALE)
    raise SampleError


def breaking(path: str, good: int, *fields: tuple[str, str]) -> None:
    """Register a stream that raises after some chunks."""

    def chunks() -> Iterable[bytes]:
        yield from content.CHUNKS[:good]
        raise SampleError

    def view(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", content.TEXT), *fields])
        return Body(environ, chunks())

    ROUTES[path] = view


breaking("/raise-first", 0)
breaking("/raise-middle", 2)
breaking("/raise-middle-of-declared", 2, ("Content-Length", str(len(content.WHOLE))))
breaking("/raise-middle-with-etag", 2, ("ETag", content.OWN))


class Stubborn(Body):
    """A body that cannot be closed."""

    def close(self) -> None:
        super().close()
        raise SampleError


@route("/raise-in-close")
def raise_in_close(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT), ("ETag", content.OWN)])
    return Stubborn(environ, content.CHUNKS)


@route("/raise-in-close-of-nothing")
def raise_in_close_of_nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", content.TEXT), ("Content-Length", "0")])
    return Stubborn(environ, [])
