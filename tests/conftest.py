"""What all tests share: how hypothesis runs, what a missing tool means, the servers under test."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

CI = os.environ.get("CI") == "true"

# Deterministic in CI: a red build must mean a change in the code, not a new random example.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if CI else "local")


def require(tool: str) -> str:
    """Return the path of an outside program; without it skip, but fail where CI must have it."""
    path = shutil.which(tool)
    if path is None:
        reason = f"`{tool}` is not installed (Debian: apt-get install {tool})"
        if CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no test hang: a server that never answers is a failure, not a wait."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600 if item.get_closest_marker("long") else 60))
