"""The process that `lint` starts: reads messages, has httplint look at each, writes its notes.

The first line that it writes is `{"linter": "httplint 1.2.3"}`, each further one is of a message:
`{"place": 7, "notes": [...]}`. What a note is says `src/audit/lint.rs`.
"""

from __future__ import annotations

import base64
import html
import json
import re
import signal
import sys
from typing import TYPE_CHECKING, TypedDict

import httplint
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from httplint import Note

# Seconds for one message: for some values of fields it takes time that grows with the square of their length.
_LONGEST = 2.0
_MOST_SUMMARY, _MOST_TEXT = 300, 4000
# What httplint calls bad breaks a rule; nobody looked what comes of it, so it is no error.
_SEVERITIES = {levels.BAD: "warning", levels.WARN: "info"}
# What is not told, and why.
_CONTRADICTED = {
    # For requests with Authorization it is (RFC 9111 §3.5), and for caches that go by cookies, as ours does.
    "STORE_PUBLIC_UNNECESSARY",
    # Without Last-Modified no cache is known to guess; with it, `nothing-said` tells for how long.
    "FRESHNESS_HEURISTIC",
    # Some requests are odd on purpose: what a server makes of them is judged here.
    "STATUS_BAD_REQUEST",
}
# Findings beside which a note says nothing new; of some only those on one subject.
_SAME: dict[tuple[str, str | None], tuple[str, ...]] = {
    ("BAD_SYNTAX", "field-etag"): ("ill-formed-tag",),
    ("SINGLE_HEADER_REPEAT", "field-etag"): ("ill-formed-tag",),
    ("CC_CONFLICTING", None): ("freshness-contradicts",),
    ("CC_WRONG_MESSAGE", None): ("freshness-contradicts",),
    ("STORE_PRIVATE_PUBLIC_CONFLICT", None): ("freshness-contradicts",),
    ("FRESHNESS_NO_CACHE_NO_VALIDATOR", None): (
        "no-validator",
        "unstable-tag",
        "head-differs",
        "tag-stripped",
    ),
    ("HEADER_SHOULD_NOT_BE_IN_304", None): ("content-fields-in-304", "length-in-304"),
    ("NO_DATE_304", None): ("fields-missing-in-304",),
    ("CONTENT_NOT_ALLOWED", None): ("content-in-304",),
    ("CL_INCORRECT", None): ("truncated-body", "not-http"),
    ("STATUS_416_WITHOUT_RANGE", None): ("range-wrong", "range-not-ignored"),
    ("STATUS_416_WITHOUT_CONTENT_RANGE", None): ("range-wrong",),
    ("PARTIAL_NOT_REQUESTED", None): ("range-wrong", "range-not-ignored"),
    ("PARTIAL_WITHOUT_RANGE", None): ("range-wrong",),
    ("VARY_ASTERISK", None): ("vary-useless",),
    ("VARY_USER_AGENT", None): ("vary-useless",),
}
_TAG = re.compile(r"<[^<>]*>")
_ENDS = re.compile(r"</(?:p|li|ul|ol|pre|blockquote|h\d)>|<br */?>")


class Message(TypedDict):
    """A response and its request, as `audit_messages` has them."""

    exchange: int
    at: int
    method: str
    url: str
    asked: list[tuple[str, str]]
    status: int
    reason: str
    fields: list[tuple[str, str]]
    content: str | None


class Told(TypedDict):
    """A note."""

    id: str
    severity: str
    summary: str
    text: str
    same_as: list[str]


class _TooSlowError(Exception):
    """The time for one message is over."""


def main() -> None:
    """Look at each message of standard input."""
    signal.signal(signal.SIGALRM, _give_up)
    _say({"linter": f"httplint {httplint.__version__}"})
    messages: list[Message] = json.load(sys.stdin)
    for message in messages:
        _say({"place": message["exchange"], "notes": within(message, _LONGEST)})


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    # What was said counts if the rest is stopped.
    sys.stdout.flush()


def _give_up(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _TooSlowError


def within(message: Message, seconds: float) -> list[Told]:
    """Return what is to be told of a message; that it can't be read is a note too."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return list(told(_notes(message)))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TooSlowError:
        return [_stumbled(f"It did not come to its end with this response within {seconds:g} s.")]
    except Exception as error:  # noqa: BLE001  what a server sends must not end the whole
        return [_stumbled(f"It could not read this response: {type(error).__name__}.")]


def _stumbled(says: str) -> Told:
    return Told(id="UNREADABLE", severity="info", summary=says, text="", same_as=[])


def _notes(message: Message) -> Iterable[Note]:
    started = message["at"] / 1000
    request = HttpRequestLinter(start_time=started)
    # The whole URL: whether it is https matters, and which target stands for it does not.
    request.process_request_topline(message["method"].encode(), message["url"].encode(), b"HTTP/1.1")
    request.process_headers(_octets(message["asked"]))
    request.finish_content(complete=True)
    content = message["content"]
    response = HttpResponseLinter(start_time=started, _related=request, no_content=content is None)
    response.is_head_response = message["method"] == "HEAD"
    response.process_response_topline(
        b"HTTP/1.1", str(message["status"]).encode(), message["reason"].encode("latin-1", "replace")
    )
    response.process_headers(_octets(message["fields"]))
    if content is not None:
        response.feed_content(base64.b64decode(content))
    response.finish_content(complete=True)
    return response.notes


def _octets(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in fields]


def told(notes: Iterable[Note]) -> Iterator[Told]:
    """Yield what is to be told of notes."""
    for note in notes:
        name = type(note).__name__
        if note.level not in _SEVERITIES:
            yield from told(note.subnotes)
        elif name not in _CONTRADICTED:
            summary = str(note.summary)
            same_as = _SAME.get((name, None)) or _SAME.get((name, note.subject), ())
            yield Told(
                id=name,
                severity=_SEVERITIES[note.level],
                summary=summary if len(summary) <= _MOST_SUMMARY else summary[: _MOST_SUMMARY - 1] + "…",
                text="\n".join(_paragraphs(note))[:_MOST_TEXT],
                same_as=list(same_as),
            )


def _paragraphs(note: Note) -> Iterator[str]:
    """Yield what a note says, as plain text; then the notes below it."""
    # It is HTML in which what came over the network is escaped: what looks like an element is httplint's.
    text = _ENDS.sub("\n", str(note.detail).replace("\n", " "))
    for line in html.unescape(_TAG.sub("", text)).split("\n"):
        if line.strip():
            yield " ".join(line.split())
    for below in note.subnotes:
        yield str(below.summary)
        yield from _paragraphs(below)
