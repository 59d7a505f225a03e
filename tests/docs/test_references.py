"""The documents name tests and files: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED_TEST = re.compile(r"`((?:tests|src)/[\w/.-]+\.(?:py|rs))::(?:\w+::)?(\w+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    for file, name in NAMED_TEST.findall(document.read_text(encoding="utf-8")):
        assert re.search(
            rf"^\s*(?:def|fn) {name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
        ), f"{file}::{name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        file = (document.parent / target).resolve() if target else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def test_the_behaviour_reference_names_a_test_in_each_row() -> None:
    for line in (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("|") and not line.startswith(("| §", "| PEP", "| |", "| ---")):
            assert NAMED_TEST.search(line), line


def test_the_readme_says_which_rust_and_python_are_needed() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rust = re.search(r'^rust-version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    python = re.search(r'^requires-python = ">=(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[
        1
    ]
    assert f"Rust {rust} or later" in readme
    assert f"CPython {python} or later" in readme
