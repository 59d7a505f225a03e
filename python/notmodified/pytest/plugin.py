"""What pytest finds by the entry point: an option and a fixture. What they need is loaded on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.pytest.audits import CachingAudit


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--caching-audit`."""
    group = parser.getgroup("caching-audit", "HTTP caching (notmodified)")
    group.addoption(
        "--caching-audit",
        action="store_true",
        help="audit the caching of each page that the test clients of Flask, Django and Werkzeug get",
    )
    group.addoption(
        "--caching-audit-fail-on",
        choices=("info", "warning", "error", "never"),
        default="error",
        help="let the run fail if the audit finds something so bad (default: error)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Audit the suite, if that is asked for."""
    if config.getoption("caching_audit"):
        from notmodified.pytest.suite import SuiteAudit  # noqa: PLC0415  only if it is used

        config.pluginmanager.register(SuiteAudit(config), "notmodified-caching-audit")


@pytest.fixture
def caching_audit(request: pytest.FixtureRequest) -> Iterator[CachingAudit]:
    """Audit each page that this test's clients get, and fail the test if something is wrong with one.

    The audit is made when the test's function is over and what it made is still there.
    `caching_audit.fail_on` and `caching_audit.ignore` say what is let pass; `caching_audit(client, "/")`
    audits at once and returns the report.
    """
    from notmodified.pytest.audits import CachingAudit, audit_of  # noqa: PLC0415  only if it is used

    audit = CachingAudit()
    with audit_of(request.node, audit):
        yield audit
