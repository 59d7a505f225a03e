"""Each kind of finding has its page, and what the page says is what the definition says."""

from __future__ import annotations

from docs.finding_pages import FOLDER, pages


def test_the_pages_are_those_that_the_definitions_make() -> None:
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    assert there == pages(), "make finding-pages writes them anew"
