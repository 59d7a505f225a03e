"""Exchanges, and their JSON form.

Field names and values are text of one character an octet (latin-1). The form is that of
`src/audit/exchange.rs`, and has a number there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from notmodified import __version__
from notmodified._core import audit
from notmodified.check.lint import Lint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from notmodified.check.document import Document

SCHEMA = 1
# Octets that an exchange takes in memory beside those of its heads and its content, about.
_HOLDS = 2048

Fields: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request's head."""

    method: str
    target: str
    fields: Fields


@dataclass
class Body:
    """Content as it was sent, its coding not undone; only the start of it is kept."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    length: int = 0
    is_whole: bool = False
    _digest: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def add(self, piece: bytes) -> None:
        """Take in what came."""
        self.length += len(piece)
        self._digest.update(piece)
        self.kept += piece[: max(0, self.limit - len(self.kept))]

    def as_json(self) -> dict[str, object]:
        """Return the JSON form."""
        kept = bytes(self.kept)
        about = {"length": self.length, "is_whole": self.is_whole, "digest": self._digest.hexdigest()}
        try:
            return {"text": kept.decode(), **about}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(kept).decode(), **about}


def is_stream(content_type: str | None) -> bool:
    """Say whether content of this type is a stream of events."""
    return (content_type or "").partition(";")[0].strip().lower() == "text/event-stream"


@dataclass(frozen=True)
class Response:
    """A response."""

    status: int
    reason: str
    fields: Fields
    body: Body

    def get(self, name: str) -> str | None:
        """Return the value of the first line of a field."""
        return next((value for known, value in self.fields if known.lower() == name.lower()), None)

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events, which has no end, and nothing to be revalidated."""
        return is_stream(self.get("Content-Type"))

    def all(self, name: str) -> list[str]:
        """Return the values of all lines of a field."""
        return [value for known, value in self.fields if known.lower() == name.lower()]


@dataclass(frozen=True)
class Trouble:
    """What went wrong; `kind` is a word of `TroubleKind` in `src/audit/exchange.rs`."""

    kind: str
    says: str


@dataclass
class Timings:
    """Milliseconds; None where it did not happen."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


@dataclass
class Connection:
    """The connection of an exchange; number 0 where there is none."""

    number: int = 0
    served: int = 0
    left_over: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Answer:
    """What came of a request."""

    request: Request
    at: int
    response: Response | None
    trouble: Trouble | None
    timings: Timings = field(default_factory=Timings)
    connection: Connection = field(default_factory=Connection)

    @property
    def status(self) -> int | None:
        """The status, if the response came to its end."""
        return self.response.status if self.response is not None and self.trouble is None else None

    @property
    def octets(self) -> int:
        """How much of heads and content is kept."""
        response = self.response
        fields = self.request.fields + (response.fields if response is not None else ())
        content = len(response.body.kept) if response is not None else 0
        return content + sum(len(name) + len(value) for name, value in fields)

    def as_json(self) -> dict[str, object]:
        """Return the JSON form."""
        response = self.response
        return {
            "at": self.at,
            "request": asdict(self.request),
            "response": None
            if response is None
            else {
                "status": response.status,
                "reason": response.reason,
                "fields": response.fields,
                "body": response.body.as_json(),
            },
            "trouble": None if self.trouble is None else asdict(self.trouble),
            "timings": asdict(self.timings),
            "connection": asdict(self.connection),
        }


@dataclass(frozen=True)
class Exchange:
    """A request that was made for a page, at a hop, in a coding, and what came of it."""

    url: str
    hop: str
    coding: str
    probe: str
    answer: Answer

    def as_json(self) -> dict[str, object]:
        """Return the JSON form."""
        about = {"url": self.url, "hop": self.hop, "coding": self.coding, "probe": self.probe}
        return {**about, **self.answer.as_json()}


@dataclass(frozen=True)
class Hop:
    """A place at which the same URL is asked for; no address is that of the URL."""

    name: str
    address: str | None = None


@dataclass(frozen=True)
class Page:
    """A URL that is looked at."""

    url: str
    found_on: str | None = None
    is_asset: bool = False


@dataclass
class Recording:
    """All that was recorded: hops from the innermost, pages, exchanges in their order."""

    hops: Sequence[Hop]
    pages: list[Page] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)

    def rename(self, old: str, new: str) -> None:
        """Give a page the URL that it redirects to, and its exchanges too."""
        self.pages = [replace(page, url=new) if page.url == old else page for page in self.pages]
        self.exchanges = [replace(one, url=new) if one.url == old else one for one in self.exchanges]

    def octets(self, start: int = 0) -> int:
        """Return how much is kept, from an exchange on: heads, content, and what holds them."""
        return sum(_HOLDS + one.answer.octets for one in self.exchanges[start:])

    def to_json(self) -> str:
        """Return the JSON form: what `notmodified check --record` writes and `--replay` reads."""
        pieces: list[str] = []
        for _ in written([self], pieces.append):
            pass
        return "".join(pieces)


def joined(hops: Sequence[Hop], parts: Iterable[Recording]) -> Recording:
    """Return the recording of which these are parts."""
    whole = Recording(list(hops))
    for part in parts:
        whole.pages += part.pages
        whole.exchanges += part.exchanges
    return whole


def written(parts: Iterable[Recording], write: Callable[[str], object]) -> Iterator[Recording]:
    """Yield the parts of a recording, and write its JSON form meanwhile, piece by piece."""
    pages: list[Page] = []
    between = ""
    for number, part in enumerate(parts):
        if number == 0:
            hops = json.dumps([asdict(hop) for hop in part.hops])
            made_by = f"notmodified {__version__}"
            write(f'{{"schema": {SCHEMA}, "made_by": "{made_by}", "hops": {hops}, "exchanges": [')
        for exchange in part.exchanges:
            write(between + json.dumps(exchange.as_json()))
            between = ", "
        pages += part.pages
        yield part
    write(f'], "pages": {json.dumps([asdict(page) for page in pages])}}}')


def judge(recording: Recording | str, *, linted: bool = False) -> Document:
    """Judge a recording, or the JSON form of one. Raises ValueError if the text is none.

    With `linted` httplint's notes are among the findings, if it is installed.
    """
    return _judged(recording, Lint() if linted else None)


def _judged(recording: Recording | str, lint: Lint | None) -> Document:
    text = recording if isinstance(recording, str) else recording.to_json()
    document = cast("Document", json.loads(audit(text, lint.notes(text) if lint is not None else None)))
    document["linter"] = lint.says if lint is not None else None
    return document


def judge_parts(parts: Iterable[Recording], *, linted: bool = False) -> Document:
    """Judge the parts of a recording, of which there is one at least, and keep none of them.

    The document is that of the whole.
    """
    lint = Lint() if linted else None
    whole: Document | None = None
    before = 0
    for part in parts:
        document = _judged(part, lint)
        before, offset = before + len(part.exchanges), before
        if whole is None:
            whole = document
            continue
        for page in document["pages"]:
            for finding in page["findings"]:
                for shown in finding["evidence"]:
                    shown["exchange"] += offset
        _add(whole, document)
    if whole is None:
        msg = "there is nothing to judge"
        raise ValueError(msg)
    return whole


def _add(whole: Document, part: Document) -> None:
    """Add the document of a later part."""
    whole["pages"] += part["pages"]
    totals, more = whole["totals"], part["totals"]
    totals["requests"] += more["requests"]
    totals["error"] += more["error"]
    totals["warning"] += more["warning"]
    totals["info"] += more["info"]
    # What is said of the later one is said of both.
    whole["linter"] = part["linter"]
