"""What commands that report have in common: files written, the report shown, the exit status."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Generic, TypeVar

from notmodified.report.words import clean
from notmodified.severity import is_at_least

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

_Document = TypeVar("_Document")


class Reporting(Generic[_Document]):
    """A command that makes a document, a JSON value, and shows it."""

    # No dataclass: importing dataclasses takes longer than a small log does.
    def __init__(  # noqa: PLR0913, PLR0917  a command is no less
        self,
        name: str,
        files: tuple[str, ...],
        make: Callable[[argparse.Namespace], _Document],
        write: Callable[[argparse.Namespace, _Document], Iterator[str]],
        show: Callable[[argparse.Namespace, _Document], None],
        severities: Callable[[_Document], Iterable[str]],
    ) -> None:
        """Take what the command consists of.

        `files` are the options that name a file to be written: known before the work whether it can be.
        `write` writes them and tells of each, `show` shows the document, `severities` are those of all its
        findings.
        """
        self.name, self.files = name, files
        self.make, self.write, self.show, self.severities = make, write, show, severities

    def run(self, arguments: argparse.Namespace) -> int:
        """Return the exit status: 0 fine, 1 findings at or above --fail-on, 2 usage or input error.

        ValueError and OSError are such an error.
        """
        try:
            for file in [file for option in self.files if (file := getattr(arguments, option))]:
                from notmodified.commands import output  # noqa: PLC0415  most write none

                output.check(file)
            document = self.make(arguments)
            told = list(self.write(arguments, document))
        except (ValueError, OSError) as error:
            # Several lines, where the message has several.
            message = "\n".join(clean(line) for line in str(error).split("\n"))
            print(f"notmodified {self.name}: {message}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 130
        if arguments.json:
            print(json.dumps(document, indent=2))
        else:
            self.show(arguments, document)
        for line in told:
            print(line, file=sys.stderr)
        return int(any(is_at_least(severity, arguments.fail_on) for severity in self.severities(document)))


def has_rich() -> bool:
    """Tell whether there is something to show tables, bars and colours with."""
    import importlib.util  # noqa: PLC0415  where nobody looks, nothing is shown

    return importlib.util.find_spec("rich") is not None
