"""A real log, which is no part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.tools import CI

SAMPLE = Path(__file__).parents[3] / "shared/data/access-sample.log"


@pytest.fixture
def sample() -> Path:
    if not SAMPLE.exists():
        reason = f"{SAMPLE} is not there"
        if CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return SAMPLE
