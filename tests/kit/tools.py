"""Programs from outside that some tests look through."""

from __future__ import annotations

import os
import shutil

import pytest

CI = os.environ.get("CI") == "true"


def require(tool: str) -> str:
    """Return the path of an outside program; without it skip, but fail where CI must have it."""
    path = shutil.which(tool)
    if path is None:
        reason = f"`{tool}` is not installed (Debian: apt-get install {tool})"
        if CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return path
