"""`benches/compare.py` runs. How fast anything is, is not asked here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARE = Path(__file__).parents[2] / "benches" / "compare.py"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads the worker's CPU time from /proc")


def run(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMPARE), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "PATH": path},
    )


def rows_of(section: str) -> Sequence[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.long
@pytest.mark.parallel_threads(1)
def test_every_row_of_the_comparison_can_be_measured(tmp_path: Path):
    results = tmp_path / "RESULTS.md"
    ran = run("--quick", "--output", str(results))
    assert ran.returncode == 0, ran.stderr
    head, *sections = results.read_text().split("\n## ")
    assert " goals are reached." in head
    assert len(sections) == 16
    for section in sections:
        rows = rows_of(section)
        assert rows, section
        for work, peer, _, ours, _, _, verdict in rows:
            assert work
            # The prototype is built by `make bench` alone.
            if not peer.startswith("prototype") and not verdict.startswith("left out"):
                assert ours, section
                assert verdict != "not measured", section


def test_one_group_is_printed_and_writes_nothing():
    results = COMPARE.parent / "RESULTS.md"
    before = results.stat().st_mtime_ns if results.exists() else None
    ran = run("--quick", "--only", "tags")
    assert ran.returncode == 0, ran.stderr
    assert "## Tags of content" in ran.stdout
    assert "## Import" not in ran.stdout
    assert before == (results.stat().st_mtime_ns if results.exists() else None)


def test_what_needs_a_program_is_left_out_without_it(tmp_path: Path):
    ran = run("--quick", "--only", "redis", path=str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    _, section = ran.stdout.split("\n## ")
    verdicts = [row[-1] for row in rows_of(section)]
    assert len(verdicts) == 5
    assert set(verdicts) == {"left out: no `redis-server` here"}
    assert "0 of 0 goals" in ran.stdout


def test_an_unknown_group_is_a_usage_error():
    ran = run("--only", "nonsense")
    assert ran.returncode == 2
    assert "gunicorn-django" in ran.stderr
