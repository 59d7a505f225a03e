"""Redis or Valkey as Debian packages them, started for one test: alone, with TLS, as a Cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import redis
import valkey

from kit.ports import free_port
from kit.tools import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

KINDS = ("redis", "valkey")
STARTS_WITHIN = 20


def wait_until(is_so: Callable[[], object], within: float = STARTS_WITHIN) -> None:
    deadline = time.monotonic() + within
    while True:
        with contextlib.suppress(redis.RedisError, valkey.ValkeyError, OSError):
            if is_so():
                return
        assert time.monotonic() < deadline, is_so
        time.sleep(0.05)


class RedisServer:
    """A server in a folder of its own, on a loopback port and a socket there."""

    def __init__(self, folder: Path, *arguments: str, port: int | None = None, kind: str = "redis") -> None:
        self.program = require(f"{kind}-server")
        self.kind = kind
        self.folder = folder
        self.port = port or free_port()
        self.arguments = arguments
        folder.mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
                    *("--unixsocket", "socket", "--repl-diskless-sync-delay", "0", *self.arguments),
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "output").read_text()
        with self.client() as client:
            return bool(client.ping())

    def client(self, **options: object) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.folder / "socket"), **options)

    def command(self, *words: object) -> object:
        with self.client() as client:
            return client.execute_command(*words)

    @property
    def socket_url(self) -> str:
        return f"unix://{self.folder}/socket"

    @property
    def url(self) -> str:
        return f"{self.kind}://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scripts_run(self) -> int:
        """Return how many scripts it has run."""
        with self.client() as client:
            stats = client.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
