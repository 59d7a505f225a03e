"""Programs from outside that some tests look through."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Where Debian keeps servers; not on everybody's PATH.
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin"))
# The Debian package, where it is not called as the program is.
PACKAGES = {"varnishd": "varnish", "redis-cli": "redis-tools", "valkey-cli": "valkey-tools"}
CI = os.environ.get("CI") == "true"
# What CI was found not to be able to have.
LEFT_OUT = os.environ.get("TESTS_WITHOUT", "").split()


def require(tool: str) -> str:
    """Return the path of an outside program; without it skip, but fail where CI must have it."""
    path = shutil.which(tool, path=PATH)
    if path is None:
        path = _missing(tool, PACKAGES.get(tool, tool))
    return path


def require_file(path: str, package: str) -> str:
    """Return the path if it is there; else as `require`."""
    return path if Path(path).exists() else _missing(path, package)


def _missing(what: str, package: str) -> NoReturn:
    reason = f"`{what}` is not installed (Debian: apt-get install {package})"
    if CI and what not in LEFT_OUT:
        pytest.fail(reason)
    pytest.skip(reason)
