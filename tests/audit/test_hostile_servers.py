"""Servers that do what they must not: the check ends within its limits, and shows nothing raw."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from kit.ports import free_port
from notmodified.check import Limits, judge, text
from notmodified.check.live import Options, record_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMITS = Limits(timeout=0.5, body=200_000)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
TAGGED = OK + b'ETag: "a"\r\nCache-Control: no-cache\r\n'
WHOLE = TAGGED + b"Content-Length: 7\r\n\r\ncontent"
NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nCache-Control: no-cache\r\n'


class Server:
    """Answers each request with what a function makes of its head; None resets the connection."""

    def __init__(self, answer: Callable[[bytes, socket.socket], bytes | None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            unread = b""
            while True:
                while b"\r\n\r\n" not in unread:
                    octets = connection.recv(65536)
                    if not octets:
                        return
                    unread += octets
                head, _, unread = unread.partition(b"\r\n\r\n")
                self.requests.append(head)
                answer = self._answer(head, connection)
                if answer is None:
                    # With a linger of 0 closing is a reset.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return
                connection.sendall(answer)
                if b"Connection: close" in answer:
                    return

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def serving(answer: Callable[[bytes, socket.socket], bytes | None]) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.stop()


def found(answer: Callable[[bytes, socket.socket], bytes | None]) -> tuple[list[str], str]:
    with serving(answer) as server:
        document = judge(record_urls([server.url], Options(limits=LIMITS)))
    (page,) = document["pages"]
    return [finding["id"] for finding in page["findings"]], "\n".join(text.lines(document, verbose=True))


def endless(head: bytes) -> Callable[[bytes, socket.socket], bytes]:
    """Send without end, in pieces of some size."""

    def answer(_: bytes, connection: socket.socket) -> bytes:
        connection.sendall(head)
        while True:
            connection.sendall(b"x" * 65536)

    return answer


def dripping(head: bytes) -> Callable[[bytes, socket.socket], bytes]:
    """Send an octet now and then, without end."""

    def answer(_: bytes, connection: socket.socket) -> bytes:
        connection.sendall(head)
        pause = threading.Event()
        while not pause.wait(0.02):
            connection.sendall(b"x")
        return b""

    return answer


def always(octets: bytes) -> Callable[[bytes, socket.socket], bytes]:
    return lambda _head, _connection: octets


HOSTILE = {
    "an endless body": (endless(OK + b"\r\n"), "large-body"),
    "an endless chunk": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"), "large-body"),
    "an endless head": (endless(OK + b"X-Long: "), "not-http"),
    "an endless status line": (endless(b"HTTP/1.1 200 "), "not-http"),
    "a body that drips": (dripping(OK + b"\r\n"), "too-slow"),
    "a head that drips": (dripping(OK + b"X-Slow: "), "too-slow"),
    "silence": (lambda _head, _connection: b"", "too-slow"),
    "thousands of fields": (always(OK + b"A: b\r\n" * 5000 + b"\r\n"), "not-http"),
    "no status line": (always(b"hello\r\n\r\n"), "not-http"),
    "a status that is no number": (always(b"HTTP/1.1 2OO OK\r\n\r\n"), "not-http"),
    "a chunk size that is none": (
        always(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n"),
        "not-http",
    ),
    "a body that is too short": (
        always(OK + b"Content-Length: 100\r\nConnection: close\r\n\r\nshort"),
        "truncated-body",
    ),
    "interim responses without end": (always(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000), "not-http"),
    "a reset": (lambda _head, _connection: None, "unreachable"),
    "a redirect to itself": (
        always(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
        "redirect-loop",
    ),
    "a redirect to nowhere": (
        always(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"),
        "redirect-loop",
    ),
    "a redirect to a script": (
        always(b"HTTP/1.1 302 Found\r\nLocation: javascript:1\r\nContent-Length: 0\r\n\r\n"),
        "redirect-loop",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_each_ends_with_a_finding(what: str) -> None:
    answer, kind = HOSTILE[what]
    ids, _ = found(answer)
    assert kind in ids


def test_redirects_that_never_repeat_end_too() -> None:
    def answer(head: bytes, _connection: socket.socket) -> bytes:
        path = head.split()[1]
        return b"HTTP/1.1 302 Found\r\nLocation: " + path + b"x\r\nContent-Length: 0\r\n\r\n"

    with serving(answer) as server:
        document = judge(record_urls([server.url], Options(limits=LIMITS)))
        followed = [head for head in server.requests if b"If-None-Match" not in head]
        assert len(followed) == LIMITS.redirects + 1
        assert len(server.requests) <= 2 * len(followed)
    assert [finding["id"] for finding in document["pages"][0]["findings"]] == ["redirect-loop"]


def test_nobody_there_is_told() -> None:
    document = judge(record_urls([f"http://127.0.0.1:{free_port()}/"], Options(limits=LIMITS)))
    assert [finding["id"] for finding in document["pages"][0]["findings"]] == ["unreachable"]
    assert "refused" in document["pages"][0]["verdict"]


def is_conditional(head: bytes) -> bool:
    return b'\r\nIf-None-Match: "a"' in head


def test_a_304_with_content_is_seen() -> None:
    ids, _ = found(lambda head, _: NOT_MODIFIED + b"\r\n<html>more" if is_conditional(head) else WHOLE)
    assert "content-in-304" in ids


def test_content_that_comes_late_after_a_304_is_seen() -> None:
    def answer(head: bytes, connection: socket.socket) -> bytes:
        if not is_conditional(head):
            return WHOLE
        connection.sendall(NOT_MODIFIED + b"\r\n")
        return b"<html>more"

    ids, _ = found(answer)
    assert "content-in-304" in ids


def test_a_connection_that_is_reset_after_a_304_is_seen() -> None:
    was_304: set[int] = set()

    def answer(head: bytes, connection: socket.socket) -> bytes | None:
        if connection.fileno() in was_304:
            was_304.discard(connection.fileno())
            return None
        if is_conditional(head):
            was_304.add(connection.fileno())
            return NOT_MODIFIED + b"\r\n"
        return WHOLE

    ids, _ = found(answer)
    assert "reset-after-304" in ids


def test_a_connection_that_ends_with_each_304_is_seen() -> None:
    ids, _ = found(
        lambda head, _: NOT_MODIFIED + b"Connection: close\r\n\r\n" if is_conditional(head) else WHOLE
    )
    assert "closed-after-304" in ids


CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
NASTY = b"\x1b]0;owned\x07\x1b[2J \xff\xfe \xe2\x80\xae<script>alert(1)</script>"


def test_what_a_server_sends_never_reaches_the_terminal_raw() -> None:
    tags = iter(range(10_000))

    def answer(_head: bytes, _connection: socket.socket) -> bytes:
        number = str(next(tags)).encode()
        content = b"<p id='\x1b[31m'>" + NASTY + number + b"</p>\n"
        return (
            b"HTTP/1.1 200 "
            + NASTY
            + b"\r\nContent-Type: text/html\r\nX-Nasty: "
            + NASTY
            + b'\r\nETag: "'
            + number
            + NASTY.replace(b" ", b"")
            + b'"\r\nContent-Length: '
            + str(len(content)).encode()
            + b"\r\n\r\n"
            + content
        )

    ids, shown = found(answer)
    assert "unstable-tag" in ids
    assert CONTROL.search(shown) is None


def test_the_command_shows_nothing_raw_either() -> None:
    with serving(
        always(OK + b"X: " + NASTY + b'\r\nETag: a"' + NASTY + b"\r\nContent-Length: 0\r\n\r\n")
    ) as server:
        for form in ((), ("--json",), ("--verbose",)):
            command = [sys.executable, "-m", "notmodified", "check", server.url, *form]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 1, done.stderr
            assert CONTROL.search(done.stdout) is None
