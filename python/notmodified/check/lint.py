"""What httplint, a linter of HTTP messages, has against recorded responses; `notmodified[check]` brings it.

It runs in a process of its own: it was made for honest messages, and takes minutes for some that are not.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

from notmodified._core import audit_messages

# Seconds for all messages, those for which `linter` has less included.
LONGEST = 60.0
_START = "import sys; sys.path[:] = sys.argv[1:]; from notmodified.check.linter import main; main()"


def lint(recording: str, *, longest: float = LONGEST) -> str | None:
    """Return what httplint says of a recording's responses, for `audit`; None where it is not installed.

    Raises ValueError if it is no recording.
    """
    if importlib.util.find_spec("httplint") is None:
        return None
    messages = audit_messages(recording)
    command = [sys.executable, "-c", _START, *sys.path]
    try:
        done = subprocess.run(  # noqa: S603  ourselves
            command, input=messages.encode(), capture_output=True, timeout=longest, check=False
        )
    except subprocess.TimeoutExpired as error:
        return _linted(error.stdout or b"", len(json.loads(messages)), longest)
    # It has said nothing where what it needs is not there.
    return _linted(done.stdout, len(json.loads(messages)), longest) if done.stdout else None


def _linted(written: bytes, count: int, longest: float) -> str:
    # What it was stopped in is no line.
    lines = [json.loads(line) for line in written.split(b"\n")[:-1]]
    linter: str = lines[0]["linter"] if lines else "httplint"
    left = count - len(lines[1:])
    if left:
        linter += f" (stopped after {longest:g} s: {left} of {count} responses were not looked at)"
    notes = {str(one["place"]): one["notes"] for one in lines[1:] if one["notes"]}
    return json.dumps({"linter": linter, "notes": notes})
