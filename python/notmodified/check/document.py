"""The JSON document of `notmodified check --json`, as types: schema 1.

What servers sent is in it as text of one character an octet; whoever shows it must escape it.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Line(TypedDict):
    """A line that ends a finding, and where it is written."""

    place: str
    text: str


class Difference(TypedDict):
    """A place at which two contents differ; `line` counts from 1, `length` is in bytes."""

    offset: int
    length: int
    line: int
    what: str
    # What would leave it out of the tag: an element of etag.ignore.
    ignore: str | None
    first: str
    second: str
    before: str
    after: str


class Noted(TypedDict):
    """What a linter of messages says: its name and version, what it calls this, a paragraph a line."""

    linter: str
    id: str
    text: str


class Evidence(TypedDict):
    """An exchange that shows a finding, by its place in the recording."""

    exchange: int
    what: str
    hop: str
    coding: str
    request: str
    response: str | None
    length: int
    trouble: str | None


class Finding(TypedDict):
    """Something wrong or wasteful at a page. The id never changes."""

    id: str
    severity: Literal["info", "warning", "error"]
    title: str
    # What it means for this page.
    says: str
    # What it means in general.
    meaning: str
    section: str
    fix: str
    lines: list[Line]
    # Where a linter said it.
    noted: Noted | None
    # The innermost hop at which it is seen, and those further out.
    hop: str
    also_at: list[str]
    codings: list[str]
    evidence: list[Evidence]
    differences: list[Difference]


class Coding(TypedDict):
    """What a hop answers where a coding is asked for."""

    coding: str
    status: int | None
    content_encoding: str | None
    etag: str | None
    last_modified: str | None
    cache_control: str | None
    vary: str | None
    length: int
    revalidates: bool | None


class Timings(TypedDict):
    """Medians in milliseconds."""

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None
    total: float | None


class Hop(TypedDict):
    """A place at which a page was asked for."""

    name: str
    address: str | None
    requests: int
    codings: list[Coding]
    timings: Timings


class Use(TypedDict):
    """What a kind of cache may do with a page, `fresh_for` in seconds."""

    cache: Literal["browser", "shared cache", "CDN"]
    stores: bool
    fresh_for: int
    is_guess: bool
    says: str


class Page(TypedDict):
    """A page: what matters most, and everything else."""

    url: str
    found_on: str | None
    is_asset: bool
    verdict: str
    severity: Literal["info", "warning", "error"] | None
    hops: list[Hop]
    freshness: list[Use]
    findings: list[Finding]


class Totals(TypedDict):
    """Numbers of requests and of findings."""

    requests: int
    error: int
    warning: int
    info: int


class Document(TypedDict):
    """Everything."""

    schema: int
    # Who linted the responses, name and version; None if nobody did.
    linter: str | None
    pages: list[Page]
    totals: Totals
