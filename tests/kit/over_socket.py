"""An HTTP/1.1 client that sees everything: each field line, the exact framing, what follows it.

After each answer the connection is tried: if it stays open, another request on it must be
answered; if it is closed, not one octet may be left. That is how an answer with a body that
it must not have, or with a wrong length, shows up.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from kit.answer import Answer, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from kit.servers import RunningServer

TIMEOUT = 5


class BadFramingError(AssertionError):
    """The octets on the connection are no sequence of HTTP/1.1 messages."""

    request_id = ""


class Connection:
    def __init__(self, address: tuple[str, int], *, says_when_it_closes: bool = True) -> None:
        self.socket = socket.create_connection(address, timeout=TIMEOUT)
        self.unread = b""
        self.open = True
        self.says_when_it_closes = says_when_it_closes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def _more(self) -> bool:
        octets = self.socket.recv(65536)
        self.unread += octets
        return bool(octets)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.unread:
            if not self._more():
                msg = f"closed before {mark!r}: {self.unread[:300]!r}"
                raise BadFramingError(msg)
        found, _, self.unread = self.unread.partition(mark)
        return found

    def wait_for(self, mark: bytes) -> None:
        """Wait until these octets have come, whatever the framing; forget what came up to them."""
        self._until(mark)

    def count_to_end(self, length: int | None) -> int:
        """Read so many octets, or all until the server closes, and keep none; return how many came."""
        buffer = bytearray(2**20)
        count, self.unread = len(self.unread), b""
        while length is None or count < length:
            got = self.socket.recv_into(buffer)
            if not got:
                break
            count += got
        return count

    def _exactly(self, length: int) -> bytes:
        while len(self.unread) < length:
            if not self._more():
                msg = f"closed after {len(self.unread)} of {length} octets"
                raise BadFramingError(msg)
        found, self.unread = self.unread[:length], self.unread[length:]
        return found

    def send(
        self,
        method: str,
        target: str,
        fields: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        *,
        version: str = "HTTP/1.1",
    ) -> None:
        lines = [f"{method} {target} {version}", "Host: test.example"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def read_head(self, method: str, request_id: str = "") -> Answer:
        """Read status line and fields; the body is still to come."""
        status_line, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *reason = status_line.split(" ", 2)
        if version not in ("HTTP/1.1", "HTTP/1.0") or len(status) != 3:
            msg = f"no status line: {status_line[:300]!r}"
            raise BadFramingError(msg)
        fields = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                msg = f"no field line: {line!r}"
                raise BadFramingError(msg)
            fields.append((name, value.strip(" \t")))
        answer = Answer(int(status), "".join(reason), fields, b"", request_id, method)
        said = ",".join(answer.all("Connection")).lower()
        self.open = "close" not in said and (version == "HTTP/1.1" or "keep-alive" in said)
        self.open = self.open and self.says_when_it_closes
        return answer

    def next_piece(self) -> bytes | None:
        """Read one chunk of a chunked body; None after the last."""
        size = int(self._until(b"\r\n").split(b";")[0], 16)
        piece = self._exactly(size)
        if self._exactly(2) != b"\r\n":
            msg = "a chunk is longer than it says"
            raise BadFramingError(msg)
        return piece or None

    def read_body(self, answer: Answer) -> None:
        """Read the body that the head promises (RFC 9112 §6.3)."""
        if answer.method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return
        if "chunked" in ",".join(answer.all("Transfer-Encoding")).lower():
            while (piece := self.next_piece()) is not None:
                answer.pieces.append(piece)
            answer.body = b"".join(answer.pieces)
        elif "Content-Length" in answer:
            answer.body = self._exactly(int(answer["Content-Length"]))
        else:
            self.open = False
            while self._more():
                pass
            answer.body, self.unread = self.unread, b""

    def check(self) -> None:
        """Check that nothing but the answer came, and that an open connection serves on."""
        if self.unread:
            msg = f"octets after the answer: {self.unread[:300]!r}"
            raise BadFramingError(msg)
        if not self.open:
            if self._more():
                msg = f"octets after the answer: {self.unread[:300]!r}"
                raise BadFramingError(msg)
            return
        self.send("GET", "/still-there", [("X-Stack", "control")])
        following = self.read_head("GET")
        self.read_body(following)
        if following.status != 200 or json.loads(following.body) != {"events": [], "environ": {}}:
            msg = f"the next request on the connection got {following.status} {following.body[:300]!r}"
            raise BadFramingError(msg)


class OverSocket:
    """Asks a server at an address."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server

    def connect(self) -> Connection:
        says = "says-when-it-closes" not in self.server.kind.lacks
        return Connection(self.server.address, says_when_it_closes=says)

    def request(
        self,
        method: str,
        target: str,
        stack: str,
        fields: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> Answer:
        request_id = new_id()
        with self.connect() as connection:
            named = [("X-Stack", stack), ("X-Request-Id", request_id), *fields]
            connection.send(method, target, named, body)
            try:
                answer = connection.read_head(method, request_id)
                connection.read_body(answer)
                connection.check()
            except BadFramingError as error:
                error.request_id = request_id
                raise
        return answer

    def about(self) -> dict:
        """Return which server and which process answers."""
        return json.loads(self.request("GET", "/", "control").body)

    def seen(self, request_id: str) -> dict:
        """Return what the application noted of this request, and its environ."""
        return json.loads(self.request("GET", f"/{request_id}", "control").body)
