"""`notmodified check` as it is run by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notmodified.check.document import Document


def check(*arguments: str) -> tuple[int, Document]:
    """Return the exit status and the report, when nothing was said beside."""
    done = subprocess.run(
        [sys.executable, "-m", "notmodified", "check", "--json", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=50,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)
