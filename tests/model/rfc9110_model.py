"""RFC 9110 §13 read off the page: which answer a request with preconditions gets.

Written apart from the code under test, to be compared with it: regular expressions and
plain Python, clear and not fast. It knows the five request fields, their grammar and the
order of §13.2.2; it must not import anything of notmodified.

Where the RFC leaves the server a choice, the choice documented for `evaluate()` is taken
and said here. Where even that leaves room (which well-formed tags a broken If-None-Match
still contains, once its quotes no longer pair up), `allowed()` returns both answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCEED = "proceed"
NOT_MODIFIED = "not modified"
PRECONDITION_FAILED = "precondition failed"

# §13.2.1: methods that do not select or modify a representation have no preconditions.
EXEMPT = {"OPTIONS", "TRACE", "CONNECT"}

LONGEST_FIELD = 64 * 1024  # a longer field counts as malformed
SUFFIXES = tuple(mark + coding for mark in ("-", ";", "--") for coding in ("gzip", "br", "zstd", "deflate"))


@dataclass(frozen=True)
class Tag:
    """entity-tag = [ weak ] opaque-tag (§8.8.3)."""

    weak: bool
    opaque: str

    def __str__(self) -> str:
        return ("W/" if self.weak else "") + f'"{self.opaque}"'


def strong_match(one: Tag, other: Tag) -> bool:
    """Both not weak, opaque-tags equal character by character (§8.8.3.2)."""
    return not one.weak and not other.weak and one.opaque == other.opaque


def weak_match(one: Tag, other: Tag) -> bool:
    """Opaque-tags equal, whether weak or not (§8.8.3.2)."""
    return one.opaque == other.opaque


@dataclass(frozen=True)
class State:
    """What the server has: a current representation or none, and its validators."""

    exists: bool = True
    etag: Tag | None = None
    last_modified: int | None = None  # seconds since 1970-01-01T00:00:00Z


@dataclass(frozen=True)
class TagList:
    """What an If-Match or If-None-Match field says."""

    wildcard: bool = False
    malformed: bool = False
    tags: tuple[Tag, ...] = ()  # the well-formed ones, even if the field as a whole is malformed
    unclear: str = ""  # the part of a malformed field whose elements cannot be told apart


# etagc = %x21 / %x23-7E / obs-text ; opaque-tag = DQUOTE *etagc DQUOTE ; weak = %s"W/"
ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
OWS = re.compile(r"[ \t]*")
ELEMENT_END = re.compile(r"[ \t]*(?:,|\Z)")
# An element that is no tag and has no quote in it: where it ends is beyond doubt.
PLAIN_GARBAGE = re.compile(r'[^",]+(?:,|\Z)')


@lru_cache(maxsize=100_000)
def parse_tags(value: str) -> TagList:
    """If-Match = "*" / #entity-tag, and so If-None-Match; #element as of §5.6.1.2."""
    if len(value) > LONGEST_FIELD:
        return TagList(malformed=True, unclear=value)
    value = value.strip(" \t")
    if value == "*":
        return TagList(wildcard=True)
    tags = []
    malformed = False
    at = 0
    while True:
        at = OWS.match(value, at).end()
        if at == len(value):
            return TagList(malformed=malformed, tags=tuple(tags))
        if value[at] == ",":  # an empty element
            at += 1
        elif (tag := ENTITY_TAG.match(value, at)) and (end := ELEMENT_END.match(value, tag.end())):
            tags.append(Tag(bool(tag[1]), tag[2]))
            at = end.end()
        elif garbage := PLAIN_GARBAGE.match(value, at):
            malformed = True
            at = garbage.end()
        else:
            return TagList(malformed=True, tags=tuple(tags), unclear=value[at:])


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
MONTH = f"(?P<month>{'|'.join(MONTHS)})"
TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# §5.6.7; "HTTP-date is case sensitive".
IMF_FIXDATE = re.compile(rf"{DAY}, (?P<day>[0-9]{{2}}) {MONTH} (?P<year>[0-9]{{4}}) {TIME} GMT")
RFC850_DATE = re.compile(rf"{LONG_DAY}, (?P<day>[0-9]{{2}})-{MONTH}-(?P<year>[0-9]{{2}}) {TIME} GMT")
ASCTIME_DATE = re.compile(rf"{DAY} {MONTH} (?P<day>[0-9]{{2}}| [0-9]) {TIME} (?P<year>[0-9]{{4}})")
FIFTY_YEARS = timedelta(days=50 * 365.2425)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@lru_cache(maxsize=100_000)
def parse_date(value: str, now: datetime | None = None) -> int | None:
    """HTTP-date to seconds since 1970, None for anything else."""
    value = value.strip(" \t")
    for form in (IMF_FIXDATE, RFC850_DATE, ASCTIME_DATE):
        if found := form.fullmatch(value):
            break
    else:
        return None
    year = int(found["year"])
    if form is RFC850_DATE:
        now = now or datetime.now(timezone.utc)
        year += now.year - now.year % 100
    moment = moment_of(found, year)
    if form is RFC850_DATE and (moment is None or moment > now + FIFTY_YEARS):
        # "MUST interpret a timestamp that appears to be more than 50 years in the future as
        # representing the most recent year in the past that had the same last two digits."
        moment = moment_of(found, year - 100)
    return None if moment is None else (moment - EPOCH) // timedelta(seconds=1)


def moment_of(found: re.Match[str], year: int) -> datetime | None:
    """Return the moment that a date names; None if there is no such day or time."""
    try:
        return datetime(
            year,
            MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"]),
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None


def if_match(value: str, state: State) -> bool:
    """§13.1.1. A malformed field is false: a write it guarded must not go through."""
    field = parse_tags(value)
    if field.wildcard:
        return state.exists
    if field.malformed or not state.exists or state.etag is None:
        return False
    return any(strong_match(tag, state.etag) for tag in field.tags)


def same_but_for_the_coding(requested: Tag, current: Tag) -> bool:
    """Weak comparison, and a proxy may have added the content coding to the tag."""
    return weak_match(requested, current) or any(
        requested.opaque == current.opaque + suffix for suffix in SUFFIXES
    )


def if_none_match(value: str, state: State) -> frozenset[bool]:
    """§13.1.2. More than one outcome only where a malformed field cannot be told apart."""
    field = parse_tags(value)
    if not state.exists:
        return frozenset([True])
    if field.wildcard:
        return frozenset([False])
    if state.etag is None:
        return frozenset([True])
    if any(same_but_for_the_coding(tag, state.etag) for tag in field.tags):
        return frozenset([False])
    if any(f'"{state.etag.opaque}{suffix}"' in field.unclear for suffix in ("", *SUFFIXES)):
        return frozenset([True, False])
    return frozenset([True])


def if_modified_since(value: str, state: State) -> bool:
    """§13.1.3. True, which is to say ignored, without a valid date on both sides."""
    date = parse_date(value)
    if date is None or not state.exists or state.last_modified is None:
        return True
    return state.last_modified > date


def if_unmodified_since(value: str, state: State) -> bool:
    """§13.1.4. True, which is to say ignored, without a valid date on both sides."""
    date = parse_date(value)
    if date is None or not state.exists or state.last_modified is None:
        return True
    return state.last_modified <= date


def first_two_steps_pass(fields: Mapping[str, str], state: State) -> bool:
    """Steps 1 and 2: If-Match, and only without it If-Unmodified-Since."""
    if (value := fields.get("If-Match")) is not None:
        return if_match(value, state)
    value = fields.get("If-Unmodified-Since")
    return value is None or if_unmodified_since(value, state)


def allowed(method: str, fields: Mapping[str, str], state: State) -> frozenset[str]:
    """The answers that §13.2.2 allows; one, but for fields that are broken beyond telling."""
    if method in EXEMPT:
        return frozenset([PROCEED])
    if not first_two_steps_pass(fields, state):
        return frozenset([PRECONDITION_FAILED])
    # Steps 3 and 4: If-None-Match, and only without it If-Modified-Since.
    reading = method in ("GET", "HEAD")
    verdicts = {True}
    if (value := fields.get("If-None-Match")) is not None:
        broken = not reading and parse_tags(value).malformed
        verdicts = {False} if broken else if_none_match(value, state)
    elif reading and (value := fields.get("If-Modified-Since")) is not None:
        verdicts = {if_modified_since(value, state)}
    otherwise = NOT_MODIFIED if reading else PRECONDITION_FAILED
    # Steps 5 and 6: range_applies() says which of the two.
    return frozenset(PROCEED if verdict else otherwise for verdict in verdicts)


def if_range(value: str, state: State, *, date_is_strong: bool = True) -> bool:
    """§13.1.5. A date counts only if it is a strong validator and exactly the current one."""
    value = value.strip(" \t")
    if tag := ENTITY_TAG.fullmatch(value):
        return state.etag is not None and strong_match(Tag(bool(tag[1]), tag[2]), state.etag)
    date = parse_date(value)
    return date is not None and date_is_strong and date == state.last_modified


def range_applies(
    method: str, fields: Mapping[str, str], state: State, *, date_is_strong: bool = True
) -> bool:
    """Step 5 of §13.2.2: whether the Range field of a request that proceeds is honoured."""
    if method != "GET" or "Range" not in fields or not state.exists:
        return False
    value = fields.get("If-Range")
    return value is None or if_range(value, state, date_is_strong=date_is_strong)
