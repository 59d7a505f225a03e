"""The report on an application's paths, for the command lines of frameworks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from notmodified.check import text
from notmodified.check.recording import judge
from notmodified.severity import is_bad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from notmodified.check.subject import Subject


class NotAPathError(ValueError):
    """What was given is no path of an application's."""


def report(
    subject: Subject, paths: Sequence[str], *, fail_on: str, as_json: bool, verbose: bool
) -> tuple[Iterator[str], bool]:
    """Audit paths, / if there are none; return the report's lines, and whether it is as bad as `fail_on`.

    A path is one as in links: below where the application is mounted. Raises NotAPathError if one is none.
    """
    for path in paths:
        if not path.startswith("/"):
            msg = f"give paths, which start with /, not {path!r}"
            raise NotAPathError(msg)
    document = judge(subject.record(paths or ["/"]), linted=True)
    lines = iter([json.dumps(document, indent=2)]) if as_json else text.lines(document, verbose=verbose)
    return lines, is_bad(document, fail_on)
