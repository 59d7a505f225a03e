"""Where the host's store is and is not: what whoever invalidates as the wrong user has to hear.

The usual place depends on the user, so that root's shell does not see what a server of www-data's stores.
"""

from __future__ import annotations

import fcntl
import os
import pwd
from pathlib import Path

from notmodified._core import StoreError

_FOLDER = "notmodified-"


class NoStoreError(StoreError):
    """The host's store is not there, nor is another user's: nothing to forget, so far as can be seen.

    The server has stored nothing yet, or it runs in another container, or with another `store_path`.
    """


def absent(file: Path) -> StoreError:
    """Return the error that says that a store is not there, where it was looked for, and whose are."""
    user = _user(os.geteuid())
    looked = f"there is no store at {Path.cwd() / file}, where it was looked for as user {user}"
    others = _others(file)
    if others:
        return StoreError(f"{looked}, and so nothing was forgotten; {_theirs(others)}")
    return NoStoreError(
        f"{looked}: nothing to forget, if the server has stored nothing yet; else it runs as another user, "
        "in another container or with another store_path"
    )


def doubt(file: Path) -> str | None:
    """Return what makes it doubtful that a store is the server's: it lies idle, and others have one."""
    others = _others(file)
    if not others or _is_used(file):
        return None
    user = _user(os.geteuid())
    return f"no other process has {file} open, the store of user {user}; {_theirs(others)}"


def _theirs(others: dict[int, Path]) -> str:
    stores = ", ".join(f"{_user(user)} ({path})" for user, path in others.items())
    user = next(iter(others))
    sudo = _user(user) if _user(user) != str(user) else f"'#{user}'"
    return f"other users have stores: {stores}. Run it as the user of the server: sudo -u {sudo} ..."


def _others(file: Path) -> dict[int, Path]:
    """Return the stores of other users by their numbers, if this is the place of this user's."""
    folder = file.parent
    if folder.name != f"{_FOLDER}{os.geteuid()}":
        return {}
    found = {}
    for other in folder.parent.glob(f"{_FOLDER}*"):
        number = other.name.removeprefix(_FOLDER)
        if number.isascii() and number.isdigit() and int(number) != os.geteuid():
            user, store = int(number), other / file.name
            if _is_owned(other, user) and _may_exist(store):
                found[user] = store
    return dict(sorted(found.items()))


def _is_owned(path: Path, user: int) -> bool:
    try:
        return path.lstat().st_uid == user
    except OSError:
        return False


def _may_exist(path: Path) -> bool:
    try:
        path.lstat()
    except PermissionError:  # the folder is its owner's alone
        return True
    except OSError:
        return False
    return True


def _is_used(file: Path) -> bool:
    """Tell whether another process has a store open; true where that can't be told.

    Whoever is attached to it holds a shared lock. So do we here: where ours is not listed, nobody's is.
    """
    try:
        with file.open("rb") as ours:
            fcntl.flock(ours, fcntl.LOCK_SH | fcntl.LOCK_NB)
            status, locks = os.fstat(ours.fileno()), Path("/proc/locks").read_text(encoding="ascii")
    except (OSError, ValueError):
        return True
    at = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    # A line is "1: FLOCK ADVISORY READ 4711 00:1a:42 0 EOF"; one that waits has "->" after its number.
    rows = [line.split() for line in locks.splitlines()]
    holders = {row[4] for row in rows if row[1] == "FLOCK" and row[5] == at}
    return holders != {str(os.getpid())}


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
