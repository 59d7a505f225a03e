"""Requests put to a WSGI or ASGI application without a server and without a network."""

from __future__ import annotations

import asyncio
import inspect
import io
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes, urlsplit
from wsgiref.util import FileWrapper

from notmodified.check.limits import Limits
from notmodified.check.recording import (
    Answer,
    Body,
    Hop,
    Request,
    Response,
    Timings,
    Trouble,
    is_stream,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from notmodified.check.probes import Probe
    from notmodified.check.recording import Fields, Recording

HOP = Hop("app")
ORIGIN = "http://localhost"


class _TooLateError(Exception):
    """The time allowed is over."""


class InProcess:
    """Puts requests to an application; how it is called is told from what it is."""

    def __init__(
        self,
        application: object,
        limits: Limits,
        *,
        is_asgi: bool | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`application` is one of WSGI or ASGI; where its looks don't tell which, `is_asgi` does.

        What `environ` has a WSGI application finds in the place of what is usual; its HTTP_HOST is the Host
        of all requests.
        """
        self._application = application
        self._limits = limits
        self._own = dict(environ or {})
        self._host = self._own.get("HTTP_HOST", "localhost")
        self._is_asgi = _looks_like_asgi(application) if is_asgi is None else is_asgi

    def close(self) -> None:
        """Nothing is kept open."""

    def ask(self, probe: Probe, target: str, fields: Fields) -> Answer:
        """Put a request to the application; whatever comes of it is in the answer."""
        request = Request(probe.method, target, (("Host", self._host), *fields))
        body = Body(self._limits.kept)
        at, started = time.time_ns() // 1_000_000, time.monotonic()
        response: Response | None = None
        trouble: Trouble | None = None
        try:
            if self._is_asgi:
                status, head = asyncio.run(self._ask_asgi(request, body))
                reason = ""
            else:
                status, reason, head = self._ask_wsgi(request, body)
            body.is_whole = body.length < self._limits.body
            response = Response(status, reason, head, body)
            if not body.is_whole:
                trouble = Trouble("limit", f"more than {self._limits.body} octets")
        except (_TooLateError, asyncio.TimeoutError) as error:
            trouble = Trouble("timeout", str(error) or f"after {self._limits.timeout:g} s")
        except Exception as error:  # noqa: BLE001  whatever the application raises is a finding
            frames = traceback.extract_tb(error.__traceback__)
            place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
            trouble = Trouble("raised", f"{type(error).__name__}: {error}{place}")
        timings = Timings(total=round((time.monotonic() - started) * 1000, 3))
        return Answer(request, at, response, trouble, timings)

    def _ask_wsgi(self, request: Request, body: Body) -> tuple[int, str, Fields]:
        heads: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None, /
        ) -> Callable[[bytes], object]:
            del exc_info
            heads.append((status, headers))
            return body.add

        application = cast("WSGIApplication", self._application)
        deadline = time.monotonic() + self._limits.timeout
        pieces: Iterable[bytes] = application(_environ(request, self._own), start_response)
        try:
            for piece in pieces:
                body.add(piece)
                if self._is_enough(body, heads):
                    break
                if time.monotonic() > deadline:
                    msg = f"after {self._limits.timeout:g} s and {body.length} octets"
                    raise _TooLateError(msg)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        if not heads:
            msg = "the application did not call start_response"
            raise ValueError(msg)
        status, headers = heads[-1]
        return int(status[:3]), status[4:], tuple((str(name), str(value)) for name, value in headers)

    def _is_enough(self, body: Body, heads: Sequence[tuple[object, Iterable[tuple[str, str]]]]) -> bool:
        """Say whether no more content is to be waited for: it is too long, or has no end."""
        return body.length >= self._limits.body or (bool(heads) and _is_stream(heads[-1][1]))

    async def _ask_asgi(self, request: Request, body: Body) -> tuple[int, Fields]:
        sent: list[tuple[int, Fields]] = []
        ended = asyncio.Event()
        is_read = False

        async def receive() -> dict[str, object]:
            nonlocal is_read
            if not is_read:
                is_read = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            await asyncio.sleep(0)
            if message["type"] == "http.response.start":
                sent.append((int(message["status"]), _decoded(message["headers"])))
            elif message["type"] == "http.response.body":
                body.add(message.get("body", b""))
                if not message.get("more_body", False):
                    ended.set()
                elif self._is_enough(body, sent):
                    ended.set()
                    running.cancel()

        application = cast("Callable[..., Awaitable[None]]", self._application)
        running = asyncio.ensure_future(application(_scope(request), receive, send))
        await _end(running, ended, self._limits.timeout)
        if not sent:
            msg = "the application did not send http.response.start"
            raise ValueError(msg)
        return sent[-1]


async def _end(running: asyncio.Future[None], ended: asyncio.Event, seconds: float) -> None:
    """Wait until an application returns, or is let go."""
    try:
        await asyncio.wait_for(running, seconds)
    except asyncio.CancelledError:
        if not ended.is_set():
            raise


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Fields:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _is_stream(headers: Iterable[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-type" and is_stream(value) for name, value in headers)


def _looks_like_asgi(application: object) -> bool:
    # An object's own call, as Python finds it: in its class.
    call = getattr(type(application), "__call__", None)  # noqa: B004  it is not asked whether there is one
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(call)


def _environ(request: Request, own: Mapping[str, str]) -> WSGIEnvironment:
    url = urlsplit(request.target)
    path, mount = unquote_to_bytes(url.path).decode("latin-1"), own.get("SCRIPT_NAME", "")
    if not f"{path}/".startswith(f"{mount}/"):
        mount = ""
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path[len(mount) :],
        "QUERY_STRING": url.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        **own,
        "SCRIPT_NAME": mount,
    }
    environ.pop("HTTP_HOST", None)  # the request has it
    for name, value in request.fields:
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        # Repeated fields as Gunicorn has them.
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _scope(request: Request) -> dict[str, object]:
    url = urlsplit(request.target)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote_to_bytes(url.path).decode("utf-8", "surrogateescape"),
        "raw_path": url.path.encode("latin-1", "replace"),
        "query_string": url.query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in request.fields],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }


def record_app(
    application: object, paths: Iterable[str], *, limits: Limits | None = None, is_asgi: bool | None = None
) -> Recording:
    """Ask a WSGI or ASGI application for paths, in this process, and return what it answered.

    `paths` are targets such as `/articles?page=2`. Only safe methods are used. What the application raises
    is recorded, not raised.
    """
    return joined([HOP], parts_of_app(application, paths, limits=limits, is_asgi=is_asgi))


def parts_of_app(
    application: object, paths: Iterable[str], *, limits: Limits | None = None, is_asgi: bool | None = None
) -> Iterator[Recording]:
    """Return the same in parts of a bounded size, each asked for when it is wanted."""
    from notmodified.check.walk import Asking, in_parts  # noqa: PLC0415  it imports this module

    limits = limits or Limits()
    asker = InProcess(application, limits, is_asgi=is_asgi)
    urls = [ORIGIN + path for path in paths]
    return in_parts(urls, [HOP], lambda _url, _hop: asker, Asking(limits=limits, replicas=0))
