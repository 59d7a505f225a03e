"""What httplint, a linter of HTTP messages, has against recorded responses; `notmodified[check]` brings it.

It runs in a process of its own: it was made for honest messages, and takes minutes for some that are not.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time

from notmodified._core import audit_messages

# Seconds for all messages of all parts, those for which `linter` has less included.
LONGEST = 60.0
_START = "import sys; sys.path[:] = sys.argv[1:]; from notmodified.check.linter import main; main()"


class Lint:
    """httplint, for one recording or for all parts of one."""

    def __init__(self, longest: float = LONGEST) -> None:
        """Give it so many seconds for everything."""
        self._longest = longest
        self._left = longest
        self._name: str | None = None
        self._asked = 0
        self._answered = 0

    @property
    def says(self) -> str | None:
        """Its name and version, and how much it left out; None where there is none."""
        name, left = self._name, self._asked - self._answered
        if name is None or left == 0:
            return name
        seconds = f"{self._longest:g} s"
        return f"{name} (stopped after {seconds}: {left} of {self._asked} responses were not looked at)"

    def notes(self, recording: str) -> str | None:
        """Return what it says of a recording's responses, for `audit`; None where it is not installed.

        Raises ValueError if it is no recording.
        """
        if importlib.util.find_spec("httplint") is None:
            return None
        messages = audit_messages(recording)
        written = self._run(messages) if self._left > 0 else b""
        if written is None:
            return None
        # What it was stopped in is no line.
        lines = [json.loads(line) for line in written.split(b"\n")[:-1]]
        self._asked += len(json.loads(messages))
        self._answered += len(lines[1:])
        name: str = lines[0]["linter"] if lines else self._name or "httplint"
        self._name = name
        notes = {str(one["place"]): one["notes"] for one in lines[1:] if one["notes"]}
        return json.dumps({"linter": name, "notes": notes})

    def _run(self, messages: str) -> bytes | None:
        """Return what it writes of messages in the time that is left; None where it can't be started."""
        command = [sys.executable, "-c", _START, *sys.path]
        started = time.monotonic()
        try:
            done = subprocess.run(  # noqa: S603  ourselves
                command, input=messages.encode(), capture_output=True, timeout=self._left, check=False
            )
        except subprocess.TimeoutExpired as error:
            return error.stdout or b""
        else:
            return done.stdout or None
        finally:
            self._left -= time.monotonic() - started
