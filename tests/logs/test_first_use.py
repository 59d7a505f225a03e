"""A real log, as somebody reads it who has never seen the command: from the question to what ends it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from logs.test_command import document_of, logs

if TYPE_CHECKING:
    import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_proposals_are_a_configuration_that_does_what_the_report_says(
    sample: Path,
    tmp_path: Path,
) -> None:
    policies = tmp_path / "notmodified.toml"
    done = logs("--policies", policies, sample)
    said = " ".join(done.stdout.split())
    found = re.search(
        r"would have spared (\d+) requests, (\d+) of them 304s: `--policies OUT.toml` writes", said
    )
    assert found is not None
    assert done.stderr == f"{policies.read_text().count('[[policy]]')} policies written to {policies}\n"
    checked = subprocess.run(
        [sys.executable, "-m", "notmodified", "config", "check", policies],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    simulation = document_of("--simulate", policies, sample)["simulation"]
    before, after = simulation["before"], simulation["after"]
    spared, not_modified = map(int, found.groups())
    assert before["requests"] - after["requests"] >= spared > 200
    # Some 304s take the place of whole responses.
    assert before["not_modified"] - after["not_modified"] >= 0.5 * not_modified > 50
    assert after["bytes"] < before["bytes"]
    assert after["stale"] <= 0.01 * after["from_clients"]


def test_the_readme_shows_what_is_printed(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = re.findall(r"\$ notmodified logs access.log\*\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "access.log").symlink_to(sample)
    monkeypatch.chdir(tmp_path)
    printed = logs("access.log").stdout
    at = 0
    for piece in shown.split("...\n"):
        at = printed.index(piece, at) + len(piece)
    assert printed.startswith(shown.partition("...\n")[0])
