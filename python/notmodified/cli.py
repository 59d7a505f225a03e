"""The command line: one program with subcommands.

Exit status of every subcommand: 0 fine, 1 findings, 2 usage or input error.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from notmodified import __version__
from notmodified.commands import config, demo

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; each subcommand adds its own part."""
    top = argparse.ArgumentParser(
        prog="notmodified",
        description="HTTP caching of Python web apps: right, cheap and visible.",
    )
    top.add_argument("--version", action="version", version=f"notmodified {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (demo, config):
        command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = parser().parse_args(argv)
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
