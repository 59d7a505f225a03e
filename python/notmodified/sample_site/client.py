"""A visitor to the sample site: an HTTP client that counts what it sends and gets."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsIndex

    from _typeshed import ReadableBuffer, WriteableBuffer

    from notmodified.sample_site.server import Server

_BLOCK = 65536


class _CountingSocket(socket.socket):
    """A socket that knows how many bytes went through it."""

    sent = 0
    received = 0

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        self.sent += memoryview(data).nbytes
        super().sendall(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: SupportsIndex = 0, flags: SupportsIndex = 0) -> int:
        count = super().recv_into(buffer, int(nbytes), int(flags))
        self.received += count
        return count


class _Connection(http.client.HTTPConnection):
    counter: _CountingSocket | None = None

    def connect(self) -> None:
        super().connect()
        self.sock = self.counter = _CountingSocket(fileno=self.sock.detach())
        self.sock.settimeout(self.timeout)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as the client saw them and as Gunicorn logged them."""

    method: str
    path: str
    status: int
    reason: str
    fields: Mapping[str, str]
    body: bytes = field(repr=False)
    bytes_sent: int
    bytes_received: int
    seconds: float
    arrivals: tuple[float, ...]
    result: str | None
    worker: str | None
    server_seconds: float | None

    @property
    def etag(self) -> str:
        """The answer's entity-tag, or nothing."""
        return self.fields.get("etag", "")


class Visitor:
    """A client with one connection that is kept alive."""

    def __init__(self, server: Server) -> None:
        """Prepare to visit `server`; the connection is made with the first request."""
        self._server = server
        self._connection = _Connection(server.host, server.port, timeout=30)
        self._requests = 0

    def close(self) -> None:
        """Hang up; the next request opens another connection, perhaps to another worker."""
        self._connection.close()

    def ask(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Exchange:
        """Send one request and read the answer to its end."""
        self._requests += 1
        step = str(self._requests)
        start = time.perf_counter()
        if self._connection.sock is None:
            self._connection.connect()
        counter = self._connection.counter
        if counter is None:  # connect() has set it
            raise http.client.NotConnected
        sent, received = counter.sent, counter.received
        self._connection.request(method, path, body=body, headers={**(fields or {}), "X-Demo-Step": step})
        response = self._connection.getresponse()
        pieces, arrivals = [], []
        while piece := response.read1(_BLOCK):
            pieces.append(piece)
            arrivals.append(time.perf_counter() - start)
        response.read()  # nothing is left, but only this tells http.client so
        seconds = time.perf_counter() - start
        logged = self._server.logged(step)
        return Exchange(
            method=method,
            path=path,
            status=response.status,
            reason=response.reason,
            fields={name.lower(): value for name, value in response.getheaders()},
            body=b"".join(pieces),
            bytes_sent=counter.sent - sent,
            bytes_received=counter.received - received,
            seconds=seconds,
            arrivals=tuple(arrivals),
            result=logged.get("result"),
            worker=logged.get("worker"),
            server_seconds=int(logged["us"]) / 1e6 if "us" in logged else None,
        )
