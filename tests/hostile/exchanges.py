"""Requests and applications as no specification foresees them, and what a server sees of an exchange."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TAGS = [
    '"a"',
    'W/"a"',
    '"a,b"',
    '"*"',
    '""',
    "*",
    '"a-gzip"',
    '"\xfc"',
    '"a',
    "a",
    '"a" x',
    '"\x00"',
    '"a"\r\n',
]
DATES = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Fri, 31 Dec 9999 23:59:59 GMT",
]
SURROGATES = ["\ud800", "\udcff", '"\udc80"']

# Characters that a WSGI server can put into a field (PEP 3333: octets), and those that it cannot.
octets = st.text(st.characters(max_codepoint=255), max_size=30)
anything = st.text(st.characters(), max_size=10)
members = st.lists(st.sampled_from(TAGS), max_size=8).map(",".join)
texts = st.one_of(
    st.sampled_from(TAGS + DATES + SURROGATES),
    members,
    octets,
    anything,
    st.integers(0, 70_000).map(lambda count: "," * count),
    st.integers(0, 20_000).map(lambda count: '"x",' * count + '"a"'),
)


class Text(str):
    """A str that is none by the letter of PEP 3333."""

    __slots__ = ()


def not_text() -> st.SearchStrategy[object]:
    return st.sampled_from([None, 7, 2.5, b'"a"', ["a"], ("a",), {}, object(), True])


CONDITIONAL = ["HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"]
ranges = st.sampled_from(
    [
        "bytes=0-",
        "bytes=1-1",
        "bytes=-2",
        "bytes=3-3,0-1",
        "Bytes=0-0,-1",
        "bytes=-0",
        "bytes=99-",
        "bytes=2-1",
    ]
)
methods = st.one_of(
    st.sampled_from(["GET", "GET", "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "get", ""]),
    st.sampled_from(SURROGATES),
    not_text(),
)


@st.composite
def environs(draw: st.DrawFn, values: st.SearchStrategy[object] | None = None) -> dict[str, Any]:
    """Make an environ; each key may be missing, each value may be what it must not be."""
    value = st.one_of(texts, texts, texts, not_text(), texts.map(Text)) if values is None else values
    optional = {
        "REQUEST_METHOD": methods,
        "PATH_INFO": st.one_of(st.sampled_from(["/", "/a/b", "", "\xe9"]), texts, not_text()),
        "HTTP_RANGE": st.one_of(value, ranges),
        "HTTP_IF_RANGE": value,
        "notmodified.result": st.sampled_from(["not-modified", "nonsense"]),
        **dict.fromkeys(CONDITIONAL, value),
    }
    environ = draw(st.fixed_dictionaries({}, optional=optional))
    return {
        "SERVER_NAME": "test.example",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": FileWrapper,
        **environ,
    }


class ApplicationError(Exception):
    """Raised by an application."""


class ApplicationExit(BaseException):
    """Raised by an application that wants out."""


@dataclass
class Log:
    """What happened to the iterable of an application."""

    returned: bool = False
    closed: int = 0
    closes: bool = False


class Stream:
    """An iterable with a close(); raises where it is told to."""

    def __init__(self, log: Log, chunks: list[object], raises: object, before: Callable[[], object]) -> None:
        self.log = log
        self.chunks = iter(chunks)
        self.raises = raises
        self.before = before
        log.closes = True

    def __iter__(self) -> Iterator[object]:
        if self.raises == "iter":
            raise ApplicationError
        return self

    def __next__(self) -> object:
        self.before()
        self.before = lambda: None
        if self.raises == "next":
            raise ApplicationError
        if self.raises == "exit":
            raise ApplicationExit
        try:
            return next(self.chunks)
        except StopIteration:
            if self.raises == "end":
                raise ApplicationError from None
            raise

    def close(self) -> None:
        self.log.closed += 1
        if self.raises == "close":
            raise ApplicationError


class ClosingList(list):
    """A list with a close()."""

    def __init__(self, chunks: list[object], log: Log) -> None:
        super().__init__(chunks)
        self.log = log
        log.closes = True

    def close(self) -> None:
        self.log.closed += 1


class Mimic(Stream):
    """Looks like a framework's response at a glance."""

    def __init__(self, *arguments: Any, streaming: object, content: object, callbacks: object) -> None:
        super().__init__(*arguments)
        self.streaming = streaming
        self._content = content
        self._callbacks = callbacks
        self.is_sequence = True
        self.response = content

    @property
    def content(self) -> object:
        if self._content is ApplicationError:
            raise ApplicationError
        return self._content


@dataclass
class Application:
    """A WSGI application that does as it is told, the same each time."""

    status: object
    headers: Callable[[], object]
    chunks: list[object]
    shape: str
    written: list[object]
    raises: str
    started: str
    mimicry: dict[str, object]
    log: Log = field(default_factory=Log)

    def __call__(self, environ: dict[str, object], start_response: Callable[..., Any]) -> object:
        self.log = log = Log()

        def start() -> object:
            if self.started == "never":
                return None
            write = start_response(self.status, self.headers())
            if self.started == "twice":
                write = start_response(self.status, self.headers())
            if self.started == "mended":
                try:
                    raise ApplicationError  # noqa: TRY301 - to have it at hand
                except ApplicationError:
                    write = start_response("500 Broken", [("X-Mended", "1")], sys.exc_info())
            for chunk in self.written:
                write(chunk)
            return None

        if self.raises == "before":
            raise ApplicationError
        if self.started == "late":
            body: object = Stream(log, self.chunks, self.raises, start)
        else:
            start()
            if self.raises == "after":
                raise ApplicationError
            body = self.body(log)
        log.returned = True
        return body

    def body(self, log: Log) -> object:
        octets = b"".join(chunk for chunk in self.chunks if type(chunk) is bytes)
        shapes: dict[str, Callable[[], object]] = {
            "list": lambda: list(self.chunks),
            "tuple": lambda: tuple(self.chunks),
            "closing-list": lambda: ClosingList(self.chunks, log),
            "stream": lambda: Stream(log, self.chunks, self.raises, lambda: None),
            "mimic": lambda: Mimic(log, self.chunks, self.raises, lambda: None, **self.mimicry),
            "file": lambda: FileWrapper(io.BytesIO(octets)),
            "iterator": lambda: iter(self.chunks),
            "none": lambda: None,
            "bytes": lambda: b"hello",
            "text": lambda: "hello",
            "number": lambda: 5,
            "dict": lambda: {b"a": 1},
        }
        return shapes[self.shape]()


FIELD_NAMES = (
    *("ETag", "etag", "Last-Modified", "Content-Length", "Content-Type", "Cache-Control", "Vary"),
    *("Content-Encoding", "Set-Cookie", "Content-Range", "Transfer-Encoding", "X-Odd", "", "\xe9", "a\r\nb"),
)
names = st.one_of(st.sampled_from(FIELD_NAMES), anything)
values = st.one_of(
    st.sampled_from(
        ["5", "0", "-1", "99999999999999999999", "text/html", "text/event-stream", "no-store", ""]
    ),
    texts,
)
pairs = st.tuples(names, values)
odd_pairs = st.one_of(
    st.tuples(),
    st.tuples(names),
    st.tuples(names, values, values),
    st.tuples(names, not_text()),
    st.tuples(not_text(), values),
    st.tuples(names.map(Text), values),
    st.lists(names, max_size=2),
    not_text(),
    names,
)
good_headers = st.lists(pairs, max_size=6).map(lambda fields: lambda: list(fields))
odd_headers = st.one_of(
    st.lists(st.one_of(pairs, odd_pairs), max_size=5).map(lambda fields: lambda: list(fields)),
    st.lists(pairs, max_size=3).map(lambda fields: lambda: tuple(fields)),
    st.lists(pairs, max_size=3).map(dict).map(lambda fields: fields.items),
    st.sampled_from([5, "ETag", b"", {}, {"ETag": '"a"'}]).map(lambda headers: lambda: headers),
)
good_statuses = st.sampled_from(
    ["200 OK"] * 5
    + ["200", "201 Created", "204 No Content", "206 Partial", "304 Not Modified", "404 Not Found"]
)
ODD_STATUSES = (
    *("", "OK", "20", "2000 OK", "+12 OK", " 200 OK", "200\tOK", "2\xb2\xb3 OK", "\u0662\u0660\u0660 OK"),
    *("000 X", "099 X", "100 Continue", "600 X", "999 X", "200 \ud800", "200 OK\r\nX-Split: 1"),
)
odd_statuses = st.one_of(st.sampled_from(ODD_STATUSES), anything, not_text())
chunks = st.lists(st.binary(max_size=8), max_size=4)
odd_chunks = st.lists(st.one_of(st.binary(max_size=8), not_text()), max_size=4)


def applications(*, odd: bool) -> st.SearchStrategy[Application]:
    """Make applications; `odd` ones do what PEP 3333 forbids, too."""
    shapes = ["list", "tuple", "closing-list", "stream", "iterator", "mimic", "file"]
    raising = ["no"] * 5 + ["before", "after", "iter", "next", "end", "close", "exit"]
    starting = ["once"] * 5 + ["late", "mended"]
    statuses, headers, bodies = good_statuses, good_headers, chunks
    if odd:
        shapes += ["none", "bytes", "text", "number", "dict"]
        starting += ["twice", "never"]
        statuses = st.one_of(statuses, odd_statuses)
        headers = st.one_of(headers, odd_headers)
        bodies = st.one_of(chunks, odd_chunks)
    mimicry = st.fixed_dictionaries(
        {
            "streaming": st.sampled_from([False, True, None, 0]),
            "content": st.sampled_from([b"hello", "hello", None, [b"hello"], ["hello"], ApplicationError]),
            "callbacks": st.sampled_from([None, [], [None, 5], [b"".join], "text"]),
        }
    )
    return st.builds(
        Application,
        status=statuses,
        headers=headers,
        chunks=bodies,
        shape=st.sampled_from(shapes),
        written=st.one_of(st.just([]), st.just([]), bodies),
        raises=st.sampled_from(raising),
        started=st.sampled_from(starting),
        mimicry=mimicry,
    )


@dataclass
class Seen:
    """What a server saw of an exchange."""

    status: object = None
    headers: object = None
    pieces: list[object] = field(default_factory=list)
    raised: BaseException | None = None


class Server:
    """A server that checks the order of things and, if `strict`, their types as Gunicorn does."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.started = self.sent = False
        self.seen = Seen()

    def write(self, piece: object) -> None:
        if not self.started:
            msg = "octets before start_response"
            raise AssertionError(msg)
        if self.strict and not isinstance(piece, bytes):
            raise TypeError(piece)
        self.sent = True
        self.seen.pieces.append(piece)

    def start_response(self, status: Any, headers: Any, exc_info: Any = None) -> object:
        if exc_info:
            if self.sent:
                raise exc_info[1].with_traceback(exc_info[2])
        elif self.started:
            msg = "start_response called again, without exc_info"
            raise AssertionError(msg)
        if self.strict:
            int(status.split(None, 1)[0])
            for name, value in headers:
                if not isinstance(name, str) or not isinstance(value, str):
                    raise TypeError(name)
        self.started = True
        self.seen.status = status
        self.seen.headers = list(headers) if isinstance(headers, list) else headers
        return self.write

    def run(self, application: Callable[..., Any], environ: dict[str, Any]) -> None:
        result = application(environ, self.start_response)
        try:
            for piece in result:
                self.write(piece)
            if not self.started:
                msg = "no start_response"
                raise AssertionError(msg)
        finally:
            if hasattr(result, "close"):
                result.close()


def serve(application: Callable[..., Any], environ: dict[str, Any], *, strict: bool = False) -> Seen:
    server = Server(strict=strict)
    try:
        server.run(application, environ)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is compared
        server.seen.raised = error
    return server.seen
