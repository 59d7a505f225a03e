"""A server that sends what it is told to, octet for octet, however wrong that is."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True)
class Sent:
    """What is sent for a request, and what becomes of the connection then: `keep`, `close` or `reset`."""

    pieces: Iterable[bytes]
    then: str = "keep"


class RawServer:
    """Listens on a port of its own; each connection has a thread. `heads` is what was asked.

    With `is_rash` it answers whatever comes first, before there is a head.
    """

    def __init__(self, answer: Callable[[bytes], Sent], *, is_rash: bool = False) -> None:
        self._answer = answer
        self._end = b"" if is_rash else b"\r\n\r\n"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.heads: list[bytes] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            unread = b""
            while True:
                while self._end not in unread or not unread:
                    octets = connection.recv(65536)
                    if not octets:
                        return
                    unread += octets
                head, _, unread = unread.partition(self._end or unread)
                self.heads.append(head)
                sent = self._answer(head)
                for piece in sent.pieces:
                    connection.sendall(piece)
                if sent.then == "reset":
                    # Closing without lingering is a reset.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if sent.then != "keep":
                    return

    def stop(self) -> None:
        """Close everything, and wait for all threads."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


@contextlib.contextmanager
def raw_server(answer: Callable[[bytes], Sent], *, is_rash: bool = False) -> Iterator[RawServer]:
    """Serve while the block runs."""
    server = RawServer(answer, is_rash=is_rash)
    accepting = threading.Thread(target=server.run)
    accepting.start()
    try:
        yield server
    finally:
        server.stop()
        accepting.join(10)
