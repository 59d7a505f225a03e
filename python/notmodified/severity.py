"""How bad findings are: the words of `--fail-on`, and what they let pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notmodified.check.document import Document

SEVERITIES = ("info", "warning", "error")
FAIL_ON = (*SEVERITIES, "never")


def is_at_least(severity: str, fail_on: str) -> bool:
    """Tell whether a finding so bad is at or above `fail_on`; none is above `never`.

    Raises ValueError if `fail_on` is no such word.
    """
    return SEVERITIES.index(severity) >= level(fail_on)


def level(fail_on: str) -> int:
    """Return how bad `fail_on` is, as a number; raises ValueError if it is no such word."""
    if fail_on not in FAIL_ON:
        msg = f"fail_on is one of {', '.join(FAIL_ON)}, not {fail_on!r}"
        raise ValueError(msg)
    return FAIL_ON.index(fail_on)


def is_bad(document: Document, fail_on: str) -> bool:
    """Tell whether something is found at or above `fail_on`."""
    totals = document["totals"]
    counts = (totals["info"], totals["warning"], totals["error"])
    return any(counts[level(fail_on) :])
