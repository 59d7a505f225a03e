"""pytest's face of notmodified: assertions about caching, and an audit of what a suite asks for.

    from notmodified.pytest import assert_cacheable, assert_never_stale, assert_revalidates

    def test_front_page(client):
        assert_revalidates(client, "/")

`pytest --caching-audit` audits each page that the tests' clients of Flask, Django and Werkzeug got. pytest
knows the option and the fixture `caching_audit` as soon as notmodified is installed; neither costs anything
unless used. The assertions work under unittest too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notmodified.pytest.assertions import assert_cacheable, assert_never_stale, assert_revalidates
    from notmodified.pytest.audits import CachingAudit

__all__ = ["CachingAudit", "assert_cacheable", "assert_never_stale", "assert_revalidates"]


def __getattr__(name: str) -> object:
    # pytest imports this package at each start, for its entry point: what is not used is not loaded.
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    where = "audits" if name == "CachingAudit" else "assertions"
    found: object = getattr(import_module(f"{__name__}.{where}"), name)
    return found
