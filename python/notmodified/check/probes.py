"""Which requests are sent for a page: what clients and caches send, and what tells who judges them how.

All are safe methods; those of `unsafe` are sent only where the user allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.check.recording import Fields, Response

CODINGS = ("identity", "gzip", "br", "zstd")
# A tag that nobody has, and a date that is none.
OTHER_TAG = '"notmodified-check"'
NO_TAG = "notmodified-check"
NO_DATE = "yesterday"
SOME_DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
_LONGEST_TAG = 1000
# A year of two digits may be so many to come (RFC 9110 §5.6.7): of an older date it would name another one.
_TWO_DIGITS = 50


@dataclass(frozen=True)
class Probe:
    """A request that is sent for something: its word, what it has beside the fields of all."""

    word: str
    fields: Fields = ()
    method: str = "GET"
    # Over a new connection, or over that of the request before and no other.
    connection: str = "any"
    # Without the cookies, or to another path.
    without_cookies: bool = False
    path_suffix: str = ""


def plain(replicas: int) -> Iterator[Probe]:
    """Yield those that follow the first GET, whatever that was answered."""
    yield Probe("repeat")
    for _ in range(replicas):
        yield Probe("replica", connection="new")
    yield Probe("head", method="HEAD")


def conditional(first: Response) -> Iterator[Probe]:
    """Yield the conditional requests for a page that was answered so."""
    tag, date = _tag(first), _date(first)
    yield from _confirming(first)
    if tag is not None:
        yield from _with_tag(tag)
    if date is not None:
        yield from _with_date(first, date, has_tag=tag is not None)
    if tag is not None and date is None:
        yield Probe("ius-undated", (("If-Unmodified-Since", SOME_DATE),))
    if tag is not None and date is not None:
        same, earlier = str(first.get("Last-Modified")), _fixdate(date - timedelta(days=1))
        yield Probe("inm-other-ims-same", (("If-None-Match", OTHER_TAG), ("If-Modified-Since", same)))
        yield Probe("inm-exact-ims-earlier", (("If-None-Match", tag), ("If-Modified-Since", earlier)))
        yield Probe("im-exact-ius-earlier", (("If-Match", tag), ("If-Unmodified-Since", earlier)))


def other(first: Response, *, has_cookies: bool) -> Iterator[Probe]:
    """Yield what else is asked of a page: its ranges, and what it depends on."""
    tag, date = _tag(first), _date(first)
    two = ("Range", "bytes=0-1")
    yield Probe("range", (two,))
    yield Probe("range-one", (("Range", "bytes=3-3"),))
    yield Probe("range-overlapping", (("Range", "bytes=0-,0-,0-"),))
    yield Probe("range-unit", (("Range", "pages=1-2"),))
    yield Probe("range-empty", (("Range", "bytes=-0"),))
    yield Probe("range-head", (two,), method="HEAD")
    if tag is not None:
        yield Probe("range-inm", (two, ("If-None-Match", tag)))
        yield Probe("if-range-other", (two, ("If-Range", OTHER_TAG)))
        yield Probe("if-range-weak", (two, ("If-Range", _weak(tag))))
        if not tag.startswith("W/"):
            # A server may leave a range alone: only all of them say something.
            yield from [Probe("if-range-exact", (two, ("If-Range", tag)))] * 3
    if date is not None:
        yield Probe("if-range-earlier", (two, ("If-Range", _fixdate(date - timedelta(days=1)))))
        yield Probe("if-range-later", (two, ("If-Range", _fixdate(date + timedelta(seconds=1)))))
        if tag is None:
            # Where there is a tag, a client must not send a date (RFC 9110 §13.1.5).
            yield from [Probe("if-range-date", (two, ("If-Range", str(first.get("Last-Modified")))))] * 3
    yield Probe("language", (("Accept-Language", "de, fr;q=0.5"),))
    yield Probe("cookied", (("Cookie", "notmodified_check=1"),))
    if has_cookies:
        yield Probe("cookieless", without_cookies=True)
    yield Probe("missing", path_suffix="notmodified-check-nothing-here")
    yield Probe("missing-star", (("If-None-Match", "*"),), path_suffix="notmodified-check-nothing-here")
    # Of the page: `OPTIONS *` asks about a server, of which nothing is kept.
    yield Probe("options-star", (("If-None-Match", "*"),), method="OPTIONS")
    yield Probe("options-other", (("If-Match", OTHER_TAG),), method="OPTIONS")


def of_a_coding(first: Response) -> Iterator[Probe]:
    """Yield what is asked of a page in a content coding, beside the plain ones."""
    yield from _confirming(first)


def unsafe(first: Response) -> Iterator[Probe]:
    """Yield what may change something, if the server is as bad as can be."""
    if _tag(first) is None:
        return
    empty = ("Content-Length", "0")
    yield Probe("put-other", (("If-Match", OTHER_TAG), empty), method="PUT")
    yield Probe("put-garbage", (("If-Match", NO_TAG), empty), method="PUT")
    yield Probe("put-star", (("If-None-Match", "*"), empty), method="PUT")
    yield Probe("after-put")


def star(word: str) -> Probe:
    """Return the probe of an answer that is no 2xx, which nothing but 2xx is judged for."""
    return Probe(word, (("If-None-Match", "*"),))


def _confirming(first: Response) -> Iterator[Probe]:
    """Yield what should get a 304, and what is asked over the connection of that."""
    tag, date = _tag(first), _date(first)
    if tag is not None:
        yield Probe("inm-exact", (("If-None-Match", tag),))
    elif date is not None:
        yield Probe("ims-same", (("If-Modified-Since", str(first.get("Last-Modified"))),))
    if tag is not None or date is not None:
        yield Probe("after-304", connection="same")


def _with_tag(tag: str) -> Iterator[Probe]:
    yield Probe("head-inm", (("If-None-Match", tag),), method="HEAD")
    yield Probe("inm-weak", (("If-None-Match", _weak(tag)),))
    yield Probe("inm-list", (("If-None-Match", f"{OTHER_TAG},{tag},"),))
    yield Probe("inm-lines", (("If-None-Match", OTHER_TAG), ("If-None-Match", tag)))
    yield Probe("inm-tabs", (("If-None-Match", f"{OTHER_TAG}\t,\t,{tag}"),))
    yield Probe("inm-comma", (("If-None-Match", f'"notmodified,check", {tag}'),))
    yield Probe("inm-star", (("If-None-Match", "*"),))
    yield Probe("inm-other", (("If-None-Match", OTHER_TAG),))
    yield Probe("inm-quoted-star", (("If-None-Match", '"*"'),))
    yield Probe("im-exact", (("If-Match", tag),))
    yield Probe("im-other", (("If-Match", OTHER_TAG),))
    if not tag.startswith("W/"):
        yield Probe("im-weak", (("If-Match", _weak(tag)),))
    yield Probe("im-garbage", (("If-Match", NO_TAG),))
    yield Probe("im-star", (("If-Match", "*"),))


def _with_date(first: Response, date: datetime, *, has_tag: bool) -> Iterator[Probe]:
    same = str(first.get("Last-Modified"))
    earlier, later = _fixdate(date - timedelta(days=1)), _fixdate(date + timedelta(seconds=1))
    if has_tag:
        yield Probe("ims-same", (("If-Modified-Since", same),))
    yield Probe("ims-earlier", (("If-Modified-Since", earlier),))
    yield Probe("ims-later", (("If-Modified-Since", later),))
    if date.year > datetime.now(timezone.utc).year - _TWO_DIGITS:
        yield Probe("ims-rfc850", (("If-Modified-Since", _rfc850(date)),))
    yield Probe("ims-asctime", (("If-Modified-Since", _asctime(date)),))
    yield Probe("ims-garbage", (("If-Modified-Since", NO_DATE),))
    yield Probe("ims-zone", (("If-Modified-Since", same.replace("GMT", "+0000")),))
    yield Probe("ims-lines", (("If-Modified-Since", same), ("If-Modified-Since", same)))
    yield Probe("ius-same", (("If-Unmodified-Since", same),))
    yield Probe("ius-earlier", (("If-Unmodified-Since", earlier),))
    yield Probe("ius-garbage", (("If-Unmodified-Since", NO_DATE),))


def _tag(response: Response) -> str | None:
    """Return the tag, if it is one that can be asked for."""
    tag = response.get("ETag")
    opaque = (tag or "").removeprefix("W/")
    is_quoted = len(opaque) > 1 and opaque[0] == opaque[-1] == '"'
    return tag if is_quoted and len(opaque) <= _LONGEST_TAG else None


def _weak(tag: str) -> str:
    return tag if tag.startswith("W/") else f"W/{tag}"


def _date(response: Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(response.get("Last-Modified") or "")
        # At the edge there is no day before, or none in UTC.
        _ = date - timedelta(days=2), date + timedelta(days=2)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo is not None else None


def _fixdate(date: datetime) -> str:
    return format_datetime(date.astimezone(timezone.utc), usegmt=True)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _rfc850(date: datetime) -> str:
    # Not by strftime, whose names are those of a locale.
    _, day, month, year, clock, _ = _fixdate(date).split()
    weekday = _DAYS[date.astimezone(timezone.utc).weekday()]
    return f"{weekday}, {day}-{month}-{year[2:]} {clock} GMT"


def _asctime(date: datetime) -> str:
    weekday, day, month, year, clock, _ = _fixdate(date).split()
    return f"{weekday[:3]} {month} {int(day):2} {clock} {year}"
