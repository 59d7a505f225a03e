"""One request over a connection, with all that a server may do to it bounded.

Connections, proxies and TLS are urllib3's. Requests are written field by field, since some probes have two
lines of a field, and responses are read through a tap that counts octets, knows the time, and keeps what came
after the end.
"""

from __future__ import annotations

import email.errors
import http.client
import io
import re
import select
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from notmodified.check.recording import (
    Answer,
    Body,
    Connection,
    Request,
    Response,
    Timings,
    Trouble,
    is_stream,
)

if TYPE_CHECKING:
    from notmodified.check.limits import Limits
    from notmodified.check.probes import Probe
    from notmodified.check.recording import Fields

_PIECE = 64 * 1024
# How long is waited for octets that should not come, in seconds.
_AFTERWARDS = 0.05
_MOST_LEFT_OVER = 64
# Answers that have no content, and that some servers send with some.
_LOOKED_AFTER = frozenset({"inm-exact", "ims-same", "head", "head-inm"})
_NO_CONTENT, _NOT_MODIFIED, _OK = 204, 304, 200
_MOST_INTERIM = 10
_LONGEST_LINE = 64 * 1024
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
# A line of a field that goes on in the next one is one line (RFC 9112 §5.2).
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]*")


# A head alone is read as a message without content, which one in parts then lacks.
_OF_CONTENT = (
    email.errors.StartBoundaryNotFoundDefect,
    email.errors.CloseBoundaryNotFoundDefect,
    email.errors.MultipartInvariantViolationDefect,
    email.errors.NoBoundaryInMultipartDefect,
)


class _LimitError(Exception):
    """A limit of the checker's is reached."""


class _TooLateError(OSError):
    """The time allowed is over."""


class _Tap(io.RawIOBase):
    """A socket's octets, counted and timed."""

    def __init__(self, sock: socket.socket, deadline: float, most: int) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline
        self.most: int | None = most
        self.count = 0
        self.first_at: float | None = None
        self.is_done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int | None:
        if self.is_done:
            return 0
        if self.most is not None and self.count >= self.most:
            msg = f"the head of the response is longer than {self.most} octets"
            raise _LimitError(msg)
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _TooLateError
        self._sock.settimeout(left)
        count = self._raw.readinto(buffer)  # type: ignore[arg-type]  # a raw stream's stub is narrower
        if self.first_at is None:
            self.first_at = time.monotonic()
        self.count += count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader(io.BufferedReader):
    """The buffered tap, which tells on closing what nobody read."""

    left_over = b""
    last_line: bytes | None = None

    def readline(self, size: int | None = -1, /) -> bytes:
        self.last_line = super().readline(size)
        return self.last_line

    def close(self) -> None:
        if not self.closed:
            tap = cast("_Tap", self.raw)
            tap.is_done = True
            self.left_over = self.peek()[:_MOST_LEFT_OVER]
        super().close()


class _Reply(http.client.HTTPResponse):
    """A response that is read through a tap."""

    def __init__(self, sock: socket.socket, method: str, deadline: float, limits: Limits) -> None:
        super().__init__(sock, method=method)
        self.fp.close()
        self.tap = _Tap(sock, deadline, limits.head)
        self.reader = _Reader(self.tap, _PIECE)
        self.fp = self.reader

    def begin(self) -> None:
        """Read the head; those of interim responses are passed over."""
        for _ in range(_MOST_INTERIM):
            super().begin()
            if self.reader.last_line not in {b"\r\n", b"\n"}:
                msg = "it ended within the head"
                raise http.client.HTTPException(msg)
            if self.status >= _OK or self.status == http.client.SWITCHING_PROTOCOLS:
                self.tap.most = None
                return
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first
        msg = "one interim response after the other"
        raise http.client.HTTPException(msg)

    def _read_next_chunk_size(self) -> int:
        # http.client's takes whatever int() takes: -1, with which it reads without end.
        line = self.reader.readline(_LONGEST_LINE)
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None and line:
            msg = f"{line[:40]!r} is no size of a chunk"
            raise http.client.HTTPException(msg)
        if size is None:
            raise http.client.IncompleteRead(line)
        return int(size[1], 16)


@dataclass(frozen=True)
class Trust:
    """Whose certificates are taken: those of the system's authorities, of one's own, or anybody's."""

    verify: bool = True
    authority: str | None = None

    def context(self) -> ssl.SSLContext:
        """Return how TLS is spoken; raise ValueError where the file of the authority is none."""
        context = urllib3.util.create_urllib3_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authority is None:
            context.load_default_certs()
        else:
            try:
                context.load_verify_locations(self.authority)
            except OSError as error:
                why = "no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
                msg = f"{self.authority}: {why}"
                raise ValueError(msg) from error
        return context


ANYBODY_KNOWN = Trust()


@dataclass(frozen=True)
class Target:
    """Where a URL is asked for: its own place or another one, with the URL's name all the same."""

    scheme: str
    host: str
    port: int
    # What Host, SNI and the certificate are to say.
    authority: str
    name: str
    # The scheme that the URL has: what a proxy says to the application.
    asked_scheme: str
    proxy: str | None = None
    trust: Trust = ANYBODY_KNOWN

    @classmethod
    def of(
        cls,
        url: str,
        address: str | None = None,
        *,
        proxy: str | None = None,
        trust: Trust = ANYBODY_KNOWN,
    ) -> Target:
        """Return where a URL is asked for; `address` is a URL whose host and port are asked instead."""
        own = urlsplit(url)
        place = own if address is None else urlsplit(address)
        host, name = place.hostname, own.hostname
        if place.scheme not in {"http", "https"} or not host or not name:
            msg = f"give a URL such as https://example.org/, not {address or url!r}"
            raise ValueError(msg)
        port = place.port or (443 if place.scheme == "https" else 80)
        authority = own.netloc.rpartition("@")[2]
        return cls(place.scheme, host, port, authority, name, own.scheme, proxy, trust)


def proxy_of(url: str) -> tuple[str, int]:
    """Return host and port of a proxy; raise ValueError for the URL of none that can be asked."""
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port or 80
    except ValueError:
        split, host, port = None, None, 0
    if split is None or not host or split.scheme != "http" or split.username is not None:
        msg = f"give a proxy such as http://host:port, not {url!r}"
        raise ValueError(msg)
    return host, port


class Wire:
    """Asks at one place, over a connection that is kept where the server lets it."""

    def __init__(self, target: Target, limits: Limits) -> None:
        """Connect to nothing yet."""
        self._target = target
        self._limits = limits
        self._connection: _Plain | None = None
        self._about = Connection()
        self._before = Connection()
        self._no_status_line = ""
        self._opened = 0

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, probe: Probe, target: str, fields: Fields) -> Answer:
        """Send a request; whatever comes of it is in the answer.

        A connection that has become stale, or out of step by what came after the end of the answer before, is
        replaced. Such octets may come at any time: they are put down to that answer, not to this one.
        """
        if probe.connection == "new":
            self.close()
        before = None if self._connection is None else self._before
        answer = self._ask(probe, target, fields)
        if before is not None and answer.response is None and probe.connection != "same":
            if self._no_status_line:
                before.left_over = self._no_status_line
            if self._no_status_line or (answer.trouble is not None and answer.trouble.kind == "reset"):
                answer = self._ask(probe, target, fields)
        self._before = answer.connection
        return answer

    def _ask(self, probe: Probe, target: str, fields: Fields) -> Answer:
        host = ("Host", self._target.authority)
        own = (host, *fields)
        if self._target.scheme != self._target.asked_scheme:
            own = (*own, ("X-Forwarded-Proto", self._target.asked_scheme))
        request = Request(probe.method, target, own)
        timings = Timings()
        at = time.time_ns() // 1_000_000
        deadline = time.monotonic() + self._limits.timeout
        response: Response | None = None
        trouble: Trouble | None = None
        self._no_status_line = ""
        try:
            connection = self._connected(timings, deadline)
            response, trouble = self._exchange(connection, request, timings, deadline)
            if trouble is None and probe.word in _LOOKED_AFTER and self._connection is not None:
                self._look_after(cast("socket.socket", connection.sock))
        except Exception as error:  # noqa: BLE001  whatever a server provokes is a finding, not a crash
            trouble = _trouble(error)
            # A RemoteDisconnected is a BadStatusLine too, of no octets.
            if isinstance(error, http.client.BadStatusLine) and trouble.kind == "malformed":
                self._no_status_line = str(error)[:_MOST_LEFT_OVER]
        if trouble is not None:
            self.close()
        about = self._about
        self._about = Connection(about.number, about.served + 1)
        if self._connection is None:
            self._about = Connection()
        return Answer(request, at, response, trouble, timings, about)

    def _connected(self, timings: Timings, deadline: float) -> _Plain:
        if self._connection is not None:
            return self._connection
        connection = self._new()
        self._opened += 1
        self._about = Connection(self._opened)
        started = time.monotonic()
        # Looked up once before, so that its time is known apart.
        socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
        timings.dns = _milliseconds(started)
        connection.timeout = max(0.001, deadline - time.monotonic())
        started = time.monotonic()
        connection.connect()
        spent = _milliseconds(started)
        timings.connect = connection.connected_within
        if isinstance(connection, _Secure):
            timings.tls = spent - connection.connected_within
        self._connection = connection
        return connection

    def _new(self) -> _Plain:
        target = self._target
        host, port = target.host, target.port
        if target.proxy is not None:
            host, port = proxy_of(target.proxy)
        connection: _Plain
        if target.scheme == "https":
            connection = _Secure(
                host,
                port,
                ssl_context=target.trust.context(),
                server_hostname=target.name,
                cert_reqs=None if target.trust.verify else "CERT_NONE",
            )
            if target.proxy is not None:
                connection.set_tunnel(target.host, target.port)
        else:
            connection = _Plain(host, port)
        return connection

    def _exchange(
        self, connection: _Plain, request: Request, timings: Timings, deadline: float
    ) -> tuple[Response, Trouble | None]:
        target = request.target
        if self._target.proxy and self._target.scheme == "http":
            target = f"http://{self._target.authority}{target}"
        sock = cast("socket.socket", connection.sock)
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        started = time.monotonic()
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.fields:
            connection.putheader(name, value)
        connection.endheaders()
        reply = _Reply(sock, request.method, deadline, self._limits)
        try:
            reply.begin()
        finally:
            timings.first_byte = None if reply.tap.first_at is None else _between(started, reply.tap.first_at)
            timings.total = _milliseconds(started)
        body = Body(self._limits.kept)
        trouble = self._read(reply, request.method, body)
        timings.total = _milliseconds(started)
        defects = [defect for defect in reply.msg.defects if not isinstance(defect, _OF_CONTENT)]
        if trouble is None and defects:
            trouble = Trouble("malformed", f"the head makes no sense: {defects[0]}")
        fields = tuple((name, _FOLD.sub(" ", value)) for name, value in reply.msg.items())
        will_close = reply.will_close
        reply.close()
        if body.is_whole:
            self._about.left_over = reply.reader.left_over.decode("latin-1")
        if will_close or self._about.left_over:
            self.close()
        # http.client waits for the response that was read here in its place.
        connection._HTTPConnection__state = "Idle"  # type: ignore[attr-defined]  # noqa: SLF001
        return Response(reply.status, reply.reason, fields, body), trouble

    def _read(self, reply: _Reply, method: str, body: Body) -> Trouble | None:
        """Read the content, where there should be some."""
        if method == "HEAD" or reply.status in {_NO_CONTENT, _NOT_MODIFIED} or reply.status < _OK:
            body.is_whole = True
            return None
        if is_stream(reply.msg.get("Content-Type")):
            # What has come of it is enough, and the rest would be in the way of the next answer.
            self.close()
            return None
        trouble: Trouble | None = None
        try:
            while body.length < self._limits.body and (piece := reply.read1(_PIECE)):
                body.add(piece)
            if body.length >= self._limits.body:
                trouble = Trouble("limit", f"more than {self._limits.body} octets")
            elif reply.length:
                trouble = Trouble("truncated", f"{reply.length} octets of the promised are missing")
        except http.client.IncompleteRead as error:
            body.add(error.partial)
            trouble = Trouble("truncated", f"it ended after {body.length} octets")
        except _TooLateError:
            trouble = Trouble("timeout", f"after {self._limits.timeout:g} s and {body.length} octets")
        except (OSError, ValueError, http.client.HTTPException) as error:
            trouble = _trouble(error)
        body.is_whole = trouble is None
        return trouble

    def _look_after(self, sock: socket.socket) -> None:
        """Wait for what comes after the end of an answer: nothing should."""
        readable, _, _ = select.select([sock], [], [], _AFTERWARDS)
        if not readable:
            return
        try:
            sock.settimeout(_AFTERWARDS)
            self._about.left_over = sock.recv(_MOST_LEFT_OVER).decode("latin-1")
        except OSError:
            pass
        self._about.closed = not self._about.left_over
        self.close()


class _Plain(HTTPConnection):
    """Knows how long it took to connect, in milliseconds, without TLS."""

    connected_within = 0.0

    def _new_conn(self) -> socket.socket:
        started = time.monotonic()
        sock = super()._new_conn()
        self.connected_within = _milliseconds(started)
        return sock


class _Secure(_Plain, HTTPSConnection):
    """The same with TLS."""


def _milliseconds(started: float) -> float:
    return _between(started, time.monotonic())


def _between(started: float, ended: float) -> float:
    return round((ended - started) * 1000, 3)


def _trouble(error: Exception) -> Trouble:
    """Say what kind of trouble an exception is."""
    kind = "other"
    says = str(error) or type(error).__name__
    if isinstance(error, (socket.gaierror, NameResolutionError)):
        kind = "dns"
    elif isinstance(error, ssl.SSLError):
        kind = "tls"
    elif isinstance(error, (TimeoutError, _TooLateError)) or "timed out" in says:
        kind, says = "timeout", "nothing more came"
    elif isinstance(error, NewConnectionError):
        kind, says = "connect", says.rpartition(": ")[2]
    elif isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
        kind = "reset"
    elif isinstance(error, http.client.IncompleteRead):
        kind = "truncated"
    elif isinstance(error, http.client.BadStatusLine):
        kind, says = "malformed", f"{says[:_MOST_LEFT_OVER]!r} is no status line"
    elif isinstance(error, (_LimitError, http.client.HTTPException, ValueError, HTTPError)):
        kind = "malformed"
    elif isinstance(error, OSError):
        kind = "connect"
    return Trouble(kind, says)
