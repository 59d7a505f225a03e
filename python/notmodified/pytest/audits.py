"""Audits within a test: when its function is over, and what it made is still there."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal
from unittest import TestCase

import pytest

from notmodified.check import text
from notmodified.pytest.assertions import failing, known_ids
from notmodified.pytest.subjects import audit, subject_of
from notmodified.pytest.watch import Touched, watching
from notmodified.severity import level

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator

    from notmodified.check.document import Document, Page
    from notmodified.pytest.subjects import ClientOrApp

_OK = 200


class CachingAudit:
    """What the fixture `caching_audit` is: the audit of the pages that a test gets."""

    def __init__(self) -> None:
        """Let nothing at or above `error` pass."""
        self.fail_on: Literal["info", "warning", "error", "never"] = "error"
        """Findings so bad let the test fail; `never` none."""
        self.ignore: Collection[str] = ()
        """Ids of findings that are let pass."""

    def __call__(self, client_or_app: ClientOrApp, *paths: str) -> Document:
        """Audit paths now, and return the report, which is that of `notmodified check --json`.

        Nothing fails by it. Raises TypeError or ValueError if an argument is wrong.
        """
        subjects = [subject_of(client_or_app, path) for path in paths or ("/",)]
        subject, _ = subjects[-1]
        return audit(subject, [target for _, target in subjects])

    def judge(self, touched: list[Touched]) -> None:
        """Audit pages that were got; fails the test if something is wrong with one."""
        level(self.fail_on)
        ignored = known_ids(self.ignore)
        wrong = [
            document
            for _, document in audited(touched)
            if any(failing(page, self.fail_on, ignored) for page in document["pages"])
        ]
        if wrong:
            lines = [line for document in wrong for line in text.lines(document)]
            many = f"{len(wrong)} page{'' if len(wrong) == 1 else 's'}"
            message = f"the caching audit finds something wrong with {many} that this test got"
            pytest.fail("\n".join([message, "", *lines]), pytrace=False)


def audited(touched: list[Touched]) -> Iterator[tuple[Touched, Document]]:
    """Yield the audit of each page once."""
    seen = set()
    for one in touched:
        if one.key not in seen:
            seen.add(one.key)
            yield one, audit(one.subject(), [one.target])


def is_still_there(page: Page) -> bool:
    """Tell whether a page that was got could be got again: a test may have removed it."""
    return page["hops"][-1]["codings"][0]["status"] == _OK


@contextmanager
def audit_of(item: pytest.Item, audit: CachingAudit) -> Iterator[None]:
    """Audit the pages that are got while this lasts, when the item's function is over."""
    with watching() as touched:
        hook = _ForOne(item, partial(audit.judge, touched))
        item.config.pluginmanager.register(hook)
        try:
            yield
        finally:
            item.config.pluginmanager.unregister(hook)


class _ForOne:
    """Does something at the end of one item."""

    def __init__(self, item: pytest.Item, finish: Callable[[], None]) -> None:
        self._item = item
        self._finish = finish

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        if item is not self._item:
            return (yield)
        return (yield from at_the_end(item, self._finish))


def at_the_end(item: pytest.Item, finish: Callable[[], None]) -> Generator[None, object, object]:
    """Do something when an item's function is over and has not failed.

    For a unittest case that is one of its cleanups, since Django's has rolled back its database by the end of
    the call.
    """
    case = getattr(item, "instance", None)
    if isinstance(case, TestCase):
        case.addCleanup(finish)
        return (yield)
    result = yield
    finish()
    return result
