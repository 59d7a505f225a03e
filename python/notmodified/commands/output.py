"""Files that a command is asked to write: there whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(file: str) -> None:
    """Raise OSError if it can't be written: better before the work than after."""
    path = Path(file)
    if path.is_dir():
        raise _error(errno.EISDIR, file)
    if path.exists():
        if not os.access(path, os.W_OK):
            raise _error(errno.EACCES, file)
    elif not path.parent.is_dir():
        raise _error(errno.ENOTDIR if path.parent.exists() else errno.ENOENT, file)
    if (not path.exists() or path.is_file()) and not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise _error(errno.EACCES, file)


def write(file: str, content: str) -> None:
    """Write a file as `writing` does."""
    with writing(file) as out:
        out.write(content)


@contextlib.contextmanager
def writing(file: str) -> Iterator[TextIO]:
    """Give what writes a file so that whoever reads it finds the old content or, after the block, the new.

    What is no regular file, such as a pipe, is written to as it is. Raises OSError if it can't be.
    """
    path = Path(file)
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8") as out:
                yield out
        else:
            with _replacing(path.resolve()) as out:
                yield out
    except OSError as error:
        # The user knows the file by this name.
        raise _error(error.errno or errno.EIO, file) from error


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    beside = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with beside.open("x", encoding="utf-8") as out:
            if target.exists():
                os.fchmod(out.fileno(), stat.S_IMODE(target.stat().st_mode))
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _error(number: int, file: str) -> OSError:
    return OSError(number, os.strerror(number), file)
