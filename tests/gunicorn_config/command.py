"""Gunicorn as a user starts it: a command line, in a folder, with what it prints."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from kit.over_socket import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from kit.answer import Answer

STARTS_WITHIN = 20


class Gunicorn:
    """`gunicorn ARGUMENTS`, run in `folder` on a port of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.arguments = arguments

    def __enter__(self) -> Self:
        # The socket is ours and is handed on: no port can be taken in between.
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            (self.folder / "output").open("wb") as output,
        ):
            self.address = listener.getsockname()
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--no-control-socket"),
                    *("--bind", f"fd://{listener.fileno()}", *self.arguments),
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("GUNICORN")},
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, method: str, path: str, *fields: tuple[str, str]) -> Answer:
        with Connection(self.address) as connection:
            connection.send(method, path, fields)
            answer = connection.read_head(method)
            connection.read_body(answer)
        return answer

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def line_of(self, target: str) -> str:
        """Return the access-log line of a request; it is written after the answer."""
        return self.wait_for(f'"{target} HTTP/1.1"')

    def wait_for(self, text: str) -> str:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            for line in self.output.splitlines(keepends=True):
                if text in line and line.endswith("\n"):  # One half written is not there yet.
                    return line.rstrip("\n")
            if time.monotonic() > deadline:
                msg = f"{text!r} was never printed:\n{self.output[-3000:]}"
                raise AssertionError(msg)
            time.sleep(0.02)
