"""What the documents say of REDbot is what `make compare-redbot` wrote, in all of them the same."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| \[`([a-z0-9-]+)`\]\(findings/\1\.md\) \| ([^|]+) \| (\d+) \| (\d+) \|", re.MULTILINE)


def between_the_marks(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    (found,) = re.findall(r"<!-- redbot -->\n\n(.*?)\n\n<!-- /redbot -->", text, re.DOTALL)
    return found


def test_the_sums_are_those_of_the_rows_and_the_readme_says_them() -> None:
    table = between_the_marks("docs/check.md")
    rows = [(stacks.split(", "), int(ours), int(redbots)) for _, stacks, ours, redbots in ROW.findall(table)]
    assert len(rows) > 15
    for stacks, ours, redbots in rows:
        assert redbots <= ours <= len(stacks) == len(set(stacks))
    found, told = sum(ours for _, ours, _ in rows), sum(redbots for *_, redbots in rows)
    assert f"| all | | {found} | {told} | |" in table
    stacks = re.search(r"; (\d+) stacks\. ", table)[1]
    kinds = sum(redbots > 0 for *_, redbots in rows)
    assert between_the_marks("README.md").splitlines()[2:] == [
        f"| defects in the {stacks} stacks of the gallery | {found} | {told} |",
        f"| kinds of defects | {len(rows)} | {kinds} |",
    ]


def test_the_version_is_that_which_is_pinned() -> None:
    pinned = (ROOT / "requirements" / "redbot.txt").read_text(encoding="utf-8")
    versions = re.search(r"REDbot ([\d.]+), httplint ([\d.]+);", between_the_marks("docs/check.md"))
    assert f"redbot=={versions[1]} " in pinned
    assert f"httplint=={versions[2]} " in pinned
