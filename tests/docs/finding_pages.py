"""Writes `docs/findings/`, a page for each kind of finding, from the definitions: `make finding-pages`."""

from __future__ import annotations

import json
from pathlib import Path

from notmodified._core import finding_kinds

FOLDER = Path(__file__).parents[2] / "docs" / "findings"
COMMANDS = {"check": "`notmodified check`", "logs": "`notmodified logs`"}


def pages() -> dict[str, str]:
    """Return the files of the folder and what is in them."""
    kinds: dict[str, list[dict]] = json.loads(finding_kinds())
    by_id: dict[str, dict[str, dict]] = {}
    for command in COMMANDS:
        for kind in kinds[command]:
            by_id.setdefault(kind["id"], {})[command] = kind
    written = {f"{name}.md": page(name, told) for name, told in by_id.items()}
    return {"README.md": index(by_id), **written}


def index(by_id: dict[str, dict[str, dict]]) -> str:
    rows = [
        f"| [`{name}`]({name}.md) | {', '.join(told)} | {first['severity']} | {first['title']} |"
        for name, told in by_id.items()
        for first in [next(iter(told.values()))]
    ]
    return "\n".join(
        [
            "# Findings",
            "",
            "What `notmodified check` and `notmodified logs` may tell, the worst first. Made from the",
            "definitions by `make finding-pages`.",
            "",
            "| id | told by | severity | in a few words |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def page(name: str, told: dict[str, dict]) -> str:
    lines = [f"# `{name}`", ""]
    for command, kind in told.items():
        section = f" {kind['section']}." if kind["section"] else ""
        lines += [
            f"## {kind['title']}",
            "",
            f"Told by {COMMANDS[command]} as {kind['severity']}.{section}",
            "",
        ]
        lines += [kind["meaning"], "", f"**What ends it:** {kind['fix']}", ""]
        for line in kind["lines"]:
            language = "toml" if line["place"].endswith(".toml") else "text"
            lines += [f"{line['place']}:", "", f"```{language}", line["text"], "```", ""]
    return "\n".join(lines)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
