"""`--caching-audit`: the audit of all pages that the tests of a run get, in one process or in several."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from notmodified.check.text import finding_lines
from notmodified.pytest.audits import at_the_end, audited, is_still_there
from notmodified.pytest.watch import Key, watching
from notmodified.report.words import clean
from notmodified.severity import SEVERITIES, is_at_least

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from notmodified.check.document import Finding, Page

_OUTPUT = "notmodified_caching_audit"
_PLACES = 5


@dataclass
class Results:
    """What was found, by page."""

    pages: dict[Key, Page] = field(default_factory=dict)
    requests: int = 0
    gone: set[Key] = field(default_factory=set)
    """Pages that could not be got again at the end of a test that got them."""
    broken: list[str] = field(default_factory=list)
    """What the audit itself failed at."""

    def to_json(self) -> str:
        """Return a form that goes from one process to another."""
        return json.dumps([list(self.pages.items()), self.requests, list(self.gone), self.broken])

    def take_in(self, written: str) -> None:
        """Add what another process found, in its JSON form."""
        pages, requests, gone, broken = json.loads(written)
        for key, page in pages:
            self.pages.setdefault(Key(*key), page)
        self.requests += requests
        self.gone.update(Key(*key) for key in gone)
        self.broken += broken

    def by_kind(self) -> list[tuple[Finding, list[tuple[Key, Page, Finding]]]]:
        """Return findings of a kind together, the worst and most frequent first, each with its places."""
        kinds: dict[str, list[tuple[Key, Page, Finding]]] = {}
        for key, page in sorted(self.pages.items()):
            for finding in page["findings"]:
                kinds.setdefault(finding["id"], []).append((key, page, finding))
        worst_first = [(places[0][2], places) for places in kinds.values()]
        worst_first.sort(
            key=lambda kind: (-SEVERITIES.index(kind[0]["severity"]), -len(kind[1]), kind[0]["id"])
        )
        return worst_first


class SuiteAudit:
    """The plugin, where the option is given."""

    def __init__(self, config: pytest.Config) -> None:
        """Remember what lets the run fail."""
        self._fail_on: str = config.getoption("caching_audit_fail_on")
        self._results = Results()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note what is got for a test, by its fixtures too."""
        with watching() as touched:
            item.stash[_TOUCHED] = touched
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Audit it when the test's function is over."""
        return (yield from at_the_end(item, lambda: self._audit(item)))

    def _audit(self, item: pytest.Item) -> None:
        results = self._results
        touched = [one for one in item.stash[_TOUCHED] if one.key not in results.pages]
        try:
            for one, document in audited(touched):
                (page,) = document["pages"]
                results.requests += document["totals"]["requests"]
                if is_still_there(page):
                    results.pages[one.key] = page
                    results.gone.discard(one.key)
                else:
                    results.gone.add(one.key)
        except Exception as error:  # noqa: BLE001  an audit that fails must not let the test fail, and is told
            results.broken.append(f"{item.nodeid}: {type(error).__name__}: {error}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take in what a process of pytest-xdist found."""
        written = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if written is not None:
            self._results.take_in(written)
        elif error is not None:
            self._results.broken.append(f"{node.gateway.id} ended without telling what it had audited")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what was found, or let the run fail by it."""
        output: dict[str, str] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._results.to_json()
        elif session.exitstatus == pytest.ExitCode.OK and self._is_bad():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was found."""
        terminalreporter.section("caching audit")
        for line in self._lines():
            terminalreporter.write_line(line)
        if self._is_bad():
            terminalreporter.write_line(
                f"The run fails by it: --caching-audit-fail-on={self._fail_on}", red=True, bold=True
            )

    def _is_bad(self) -> bool:
        return (bool(self._results.broken) and self._fail_on != "never") or any(
            is_at_least(finding["severity"], self._fail_on)
            for page in self._results.pages.values()
            for finding in page["findings"]
        )

    def _lines(self) -> Iterator[str]:
        results = self._results
        for number, (_, places) in enumerate(results.by_kind(), 1):
            yield from _kind_lines(number, places)
            yield ""
        counts = dict.fromkeys(reversed(SEVERITIES), 0)
        for page in results.pages.values():
            for finding in page["findings"]:
                counts[finding["severity"]] += 1
        found = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items())
        many = len(results.pages)
        asked = f"{results.requests} request{'' if results.requests == 1 else 's'}"
        yield f"{many} page{'' if many == 1 else 's'}, {asked}: {found}"
        gone = sorted(results.gone - set(results.pages))
        if gone:
            yield f"Not audited, for they could not be got again when their test was over: {_named(gone)}"
        yield from (f"The audit itself failed: {clean(broken)}" for broken in results.broken)


_TOUCHED = pytest.StashKey[Any]()


def _kind_lines(number: int, places: list[tuple[Key, Page, Finding]]) -> Iterator[str]:
    """Tell of a finding at one page, and say at which it is too."""
    key, page, finding = places[0]
    yield from finding_lines(number, finding, page)
    yield f"     At {clean(key.url)}"
    if len(places) > 1:
        yield f"     And at {_named([other for other, _, _ in places[1:]])}"


def _named(keys: list[Key]) -> str:
    named = ", ".join(clean(key.url) for key in keys[:_PLACES])
    return named if len(keys) <= _PLACES else f"{named} and {len(keys) - _PLACES} more"
