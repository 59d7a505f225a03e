"""Assertions about a page's caching. Each audits the page, and its message is the audit's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NoReturn

from notmodified import CacheControl
from notmodified._core import finding_kinds
from notmodified.check import text
from notmodified.pytest.subjects import audit, get, subject_of
from notmodified.severity import is_at_least, level

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from notmodified.check.document import Document, Finding, Page
    from notmodified.check.recording import Answer, Response
    from notmodified.check.subject import Subject
    from notmodified.pytest.subjects import ClientOrApp

_OK, _NOT_MODIFIED = 200, 304
# What makes a response that may be used again wrong, or of no use, for all caches and for shared ones.
_SPOILS_REUSE = frozenset({"vary-missing", "freshness-contradicts", "tag-lies"})
_SPOILS_SHARING = frozenset({"vary-useless", "one-tag-for-codings"})


def assert_revalidates(
    client_or_app: ClientOrApp,
    path: str,
    *,
    fail_on: Literal["info", "warning", "error", "never"] = "error",
    ignore: Collection[str] = (),
) -> None:
    """Assert that who has the page gets a 304 while it is unchanged, in each content coding that it has.

    The page is audited as `notmodified check` does it: it is asked for some fifty times, with safe methods
    only. Findings at or above `fail_on` fail too, but for those whose ids are in `ignore`.

    `client_or_app` is a test client of Flask, Django or Werkzeug, whose cookies and fields are sent along, or
    an application of WSGI or ASGI. Raises AssertionError with what was found, TypeError or ValueError if an
    argument is wrong.
    """
    __tracebackhide__ = True
    level(fail_on)
    ignored = known_ids(ignore)
    subject, target = subject_of(client_or_app, path)
    document = audit(subject, [target])
    page = _only_page(document, path)
    codings = [
        coding
        for coding in page["hops"][-1]["codings"]
        if coding["coding"] == "identity" or coding["content_encoding"] is not None
    ]
    no_304 = [coding["coding"] for coding in codings if coding["revalidates"] is not True]
    if no_304:
        _fail(f"GET {path} does not revalidate: its validator gets no 304 ({', '.join(no_304)})", document)
    found = failing(page, fail_on, ignored)
    if found:
        _fail(f"GET {path} revalidates, but not rightly: {_named(found)}", document)


def assert_cacheable(
    client_or_app: ClientOrApp, path: str, *, shared: bool = False, at_least: int = 1
) -> None:
    """Assert that a browser, or with `shared` any cache between, may use the page without asking.

    And that for `at_least` seconds from when it is sent; with 0 it is enough that it may be kept, and asked
    about before each use. What caches guess where nothing is said does not count. A Vary that misses what the
    page depends on, and directives that contradict themselves, fail too.

    Raises AssertionError with what was found, TypeError or ValueError if an argument is wrong.
    """
    __tracebackhide__ = True
    if at_least < 0:
        msg = f"at_least is 0 or more seconds, not {at_least}"
        raise ValueError(msg)
    subject, target = subject_of(client_or_app, path)
    document = audit(subject, [target])
    page = _only_page(document, path)
    cache = "shared cache" if shared else "browser"
    use = next(use for use in page["freshness"] if use["cache"] == cache)
    lifetime = f"max-age={at_least}" if at_least else "no-cache"
    line = f"Cache-Control: {'public' if shared else 'private'}, {lifetime}"
    if use["is_guess"] and at_least:
        _fail(f"Nothing is said of how long GET {path} may be used: a {cache} {use['says']}", document, line)
    if not use["stores"] or use["fresh_for"] < at_least:
        wanted = f"use it for {at_least} s without asking" if at_least else "keep it"
        _fail(f"A {cache} should {wanted}, but of GET {path} it {use['says']}", document, line)
    spoils = _SPOILS_REUSE | _SPOILS_SHARING if shared else _SPOILS_REUSE
    found = [finding for finding in page["findings"] if finding["id"] in spoils]
    if found:
        _fail(f"GET {path} may be used again, but not rightly: {_named(found)}", document)


def assert_never_stale(
    client_or_app: ClientOrApp, path: str, change: Callable[[], object] | None = None
) -> None:
    """Assert that no cache may use the page without asking, and that who asks is told of a change.

    The first: whoever keeps the page, browser, shared cache or CDN, must ask before each use, and nothing is
    left to guess (`no-cache`, `no-store`, `max-age=0`, without `stale-while-revalidate` and
    `stale-if-error`).

    The second, with `change`, a callable that makes the page another one: after it the validators from
    before get no 304, neither at once nor from memory, and the page has other ones. A `change` that leaves
    the page as it was fails, since it would show nothing.

    Raises AssertionError with what was found, TypeError or ValueError if an argument is wrong.
    """
    __tracebackhide__ = True
    subject, target = subject_of(client_or_app, path)
    document = audit(subject, [target])
    page = _only_page(document, path)
    before = get(subject, target)
    reasons = list(_stale_uses(page, before))
    if reasons:
        _fail(
            f"GET {path} may be used when it is stale: {'; '.join(reasons)}",
            document,
            "Cache-Control: no-cache",
        )
    if change is not None:
        change()
        wrong = _told_of_change(subject, target, before)
        if wrong is not None:
            _fail(f"GET {path}: {wrong}", document)


def known_ids(ids: Collection[str]) -> frozenset[str]:
    """Return ids of findings; raises ValueError if there is none of that name."""
    if isinstance(ids, str):
        msg = f"give several ids, not the text {ids!r}"
        raise TypeError(msg)
    known = {kind["id"] for kind in json.loads(finding_kinds())["check"]}
    for unknown in set(ids) - known:
        msg = f"there is no finding {unknown!r}; there are {', '.join(sorted(known))}"
        raise ValueError(msg)
    return frozenset(ids)


def failing(page: Page, fail_on: str, ignored: Collection[str]) -> list[Finding]:
    """Return the findings at a page that are not let pass."""
    return [
        finding
        for finding in page["findings"]
        if finding["id"] not in ignored and is_at_least(finding["severity"], fail_on)
    ]


def _only_page(document: Document, path: str) -> Page:
    __tracebackhide__ = True
    (page,) = document["pages"]
    if page["hops"][-1]["codings"][0]["status"] != _OK:
        _fail(f"GET {path} is not answered with 200", document)
    return page


def _stale_uses(page: Page, answer: Answer) -> Iterator[str]:
    for use in page["freshness"]:
        if use["stores"] and use["is_guess"]:
            yield f"nothing is said, so a {use['cache']} {use['says']}"
        elif use["fresh_for"]:
            yield f"a {use['cache']} {use['says']}"
    response = answer.response
    for name in ("Cache-Control", "CDN-Cache-Control"):
        said = None if response is None else CacheControl.parse(", ".join(response.all(name)))
        if said is not None and not said.no_store:
            for directive, seconds in (
                ("stale-while-revalidate", said.stale_while_revalidate),
                ("stale-if-error", said.stale_if_error),
            ):
                if seconds:
                    yield f"{name} has {directive}={seconds}"


def _told_of_change(subject: Subject, target: str, before: Answer) -> str | None:
    """Say what is wrong with how a client is told that the page has changed."""
    old = before.response
    if old is None:
        return "it was not answered"
    tag, date = old.get("ETag"), old.get("Last-Modified")
    fields = [("If-None-Match", tag)] if tag else []
    fields += [("If-Modified-Since", date)] if date else []
    # The question comes first: the plain request might put right what is remembered.
    asked = get(subject, target, *fields)
    after = get(subject, target).response
    if after is not None and _content(after) == _content(old):
        return "the change left its content as it was, so nothing is shown"
    if asked.status == _NOT_MODIFIED:
        hint = "" if tag else "; a date counts seconds: give it an ETag"
        old_one = ", ".join(f"{name}: {value}" for name, value in fields)
        return f"it has changed, and {old_one} still gets a 304{hint}"
    if after is not None and tag and after.get("ETag") == tag:
        return f"it has changed, and its ETag is {tag} as before"
    return None


def _content(response: Response) -> object:
    return response.status, response.body.as_json()


def _named(found: list[Finding]) -> str:
    return ", ".join(finding["id"] for finding in found)


def _fail(what: str, document: Document, line: str | None = None) -> NoReturn:
    __tracebackhide__ = True
    lines = [what, "", *text.lines(document)]
    if line is not None:
        lines.append(f"Fix: {line}")
    raise AssertionError("\n".join(lines))
