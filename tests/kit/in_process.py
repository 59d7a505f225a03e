"""A server that is a function: calls the application as PEP 3333 says, under wsgiref.validate."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

from apps import journal, stacks
from kit.answer import Answer, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


def environ_of(
    method: str, target: str, fields: Iterable[tuple[str, str]] = (), body: bytes | None = None
) -> WSGIEnvironment:
    """Make an environ as Gunicorn does, repeated fields joined with a bare comma."""
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body or b""),
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": FileWrapper,
    }
    if body is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in fields:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    setup_testing_defaults(environ)
    return environ


class Server:
    """The server's side of one request; what came of it is in `answer`."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.head: tuple[str, list[tuple[str, str]]] | None = None
        self.sent: tuple[str, list[tuple[str, str]]] | None = None
        self.pieces: list[bytes] = []

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        if exc_info:
            if self.sent:
                raise exc_info[1].with_traceback(exc_info[2])
        elif self.head:
            msg = "start_response called again, without exc_info"
            raise AssertionError(msg)
        assert type(status) is str
        assert type(headers) is list
        for header in headers:
            assert type(header) is tuple
            assert [type(part) for part in header] == [str, str]
        self.head = (status, headers)
        return self.write

    def write(self, piece: bytes) -> None:
        assert type(piece) is bytes
        if self.head is None:
            msg = "octets before start_response"
            raise AssertionError(msg)
        self.sent = self.sent or (self.head[0], list(self.head[1]))
        self.pieces.append(piece)

    def run(self, application: WSGIApplication, *, pieces: int | None = None) -> None:
        """Serve the request; with `pieces`, lose the client after so many."""
        result = application(self.environ, self.start_response)
        try:
            for piece in result:
                if piece:
                    self.write(piece)
                if pieces is not None and len(self.pieces) >= pieces:
                    return
            if not self.sent:
                self.write(b"")
        finally:
            if hasattr(result, "close"):
                result.close()

    def answer(self, request_id: str) -> Answer:
        assert self.sent is not None
        status, headers = self.sent
        method = self.environ["REQUEST_METHOD"]
        body = b"".join(self.pieces)
        answer = Answer(int(status[:3]), status[4:], headers, body, request_id, method)
        answer.pieces = [piece for piece in self.pieces if piece]
        # What a server may need to be told, since not all of them mend it.
        if method == "HEAD" or answer.status in (204, 304):
            assert body == b"", f"a body on {method} {status}"
        if answer.status in (204, 304):
            assert not answer.names() & {"content-length", "content-type", "transfer-encoding"}, headers
        elif "Content-Length" in answer and method != "HEAD":
            assert int(answer["Content-Length"]) == len(body)
        return answer


class InProcess:
    """Asks the sample applications without a server."""

    def request(
        self,
        method: str,
        target: str,
        stack: str,
        fields: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> Answer:
        request_id = new_id()
        named = [("X-Stack", stack), ("X-Request-Id", request_id), *fields]
        environ = environ_of(method, target, named, body)
        server = Server(environ)
        server.run(validator(stacks.application))
        return server.answer(request_id)

    def seen(self, request_id: str) -> dict:
        """Return what the application noted of this request, and its environ."""
        return journal.of(request_id)
