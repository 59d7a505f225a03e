"""The command line: one program with subcommands.

Exit status of every subcommand: 0 fine, 1 findings, 2 usage or input error.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from notmodified import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


_COMMANDS = ("demo", "logs", "check", "config", "assets", "invalidate")


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of the command line; each subcommand adds its own part.

    Where it is known which one was called the others are left out: they take longer to import than it does.
    """
    top = argparse.ArgumentParser(
        prog="notmodified",
        description="HTTP caching of Python web apps: right, cheap and visible.",
    )
    top.add_argument("--version", action="version", version=f"notmodified {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in (command,) if command in _COMMANDS else _COMMANDS:
        importlib.import_module(f"notmodified.commands.{name}").add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser(argv[0] if argv else None).parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has enough, as `head` does: say no more, when Python ends neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


if __name__ == "__main__":
    sys.exit(main())
