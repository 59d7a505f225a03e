"""An answer as a client sees it, whichever way it came."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_numbers = itertools.count(1)


def new_id() -> str:
    """Return an id for a request, unlike any other of this run."""
    return f"{os.getpid()}-{next(_numbers)}"


@dataclass
class Answer:
    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes
    request_id: str
    method: str
    # Each piece of the body as it came; over a socket only where the answer is chunked.
    pieces: list[bytes] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Return the values of each of the field's lines."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        """Return the value of a field that is there exactly once."""
        (value,) = self.all(name)
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    def compared(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return the fields in a form to compare: a server may sort them and spell their names anew."""
        left = ((name.lower(), value) for name, value in self.fields)
        return sorted((field for field in left if field[0] not in without), key=lambda field: field[0])

    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.fields}
