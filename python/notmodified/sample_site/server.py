"""The sample site under a real Gunicorn, for as long as a `with` block lasts."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 30.0
_LOG_SECONDS = 5.0
_TAIL_LINES = 15
_PAIR = re.compile(r' (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')


class ServerError(Exception):
    """Gunicorn could not be started, or did not answer."""


@dataclass(frozen=True)
class Server:
    """A running Gunicorn."""

    host: str
    port: int
    access_log: Path

    @property
    def url(self) -> str:
        """The site's address, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def logged(self, step: str) -> dict[str, str]:
        """Return the `name=value` pairs that Gunicorn logged for the request sent with `X-Demo-Step: step`.

        Gunicorn writes the line after the last byte of the answer, so it may be a moment away.
        """
        deadline = time.monotonic() + _LOG_SECONDS
        while True:
            for line in self.access_log.read_text(encoding="utf-8", errors="replace").splitlines():
                pairs = {name: quoted or plain for name, quoted, plain in _PAIR.findall(line)}
                if pairs.get("step") == step:
                    return pairs
            if time.monotonic() > deadline:
                return {}
            time.sleep(0.01)


@contextmanager
def serve(port: int = 0) -> Iterator[Server]:
    """Start the sample site on a loopback port (0: any free one), and end it with the block."""
    with socket.socket() as listener, tempfile.TemporaryFile() as log:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except (OSError, OverflowError) as error:
            msg = f"port {port} on 127.0.0.1 can't be had: {getattr(error, 'strerror', None) or error}"
            raise ServerError(msg) from None
        scratch = Path(tempfile.mkdtemp(prefix="notmodified-demo-"))
        host, port = listener.getsockname()
        server = Server(host, port, scratch / "access.log")
        server.access_log.touch()
        keeper = _start(scratch, listener, log)
        # Ours would keep the port open after Gunicorn is gone.
        listener.close()
        try:
            _wait_until_it_answers(server, keeper, log)
            yield server
        finally:
            if keeper.stdin is not None:
                keeper.stdin.close()
            keeper.wait()


def _start(scratch: Path, listener: socket.socket, log: BinaryIO) -> subprocess.Popen[bytes]:
    fd = listener.fileno()
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:notmodified.sample_site.gunicorn_conf"]
    gunicorn += ["--bind", f"fd://{fd}", "--access-logfile", str(scratch / "access.log")]
    keeper = [sys.executable, "-I", str(Path(__file__).with_name("keeper.py")), str(scratch), str(fd)]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GUNICORN_")}
    return subprocess.Popen(  # noqa: S603 - our own command line
        keeper + gunicorn,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        pass_fds=[fd],
        start_new_session=True,
        env=environ | {"NOTMODIFIED_DEMO_DATA": str(scratch / "site")},
    )


def _wait_until_it_answers(server: Server, keeper: subprocess.Popen[bytes], log: BinaryIO) -> None:
    deadline = time.monotonic() + START_SECONDS
    problem = "it did not answer"
    while time.monotonic() < deadline:
        if keeper.poll() is not None:
            problem = "it ended at once"
            break
        connection = http.client.HTTPConnection(server.host, server.port, timeout=5)
        try:
            connection.request("HEAD", "/")
            status = connection.getresponse().status
        except OSError:
            time.sleep(0.05)
            continue
        finally:
            connection.close()
        if status == http.client.OK:
            return
        problem = f"the front page answered {status}"
        break
    log.seek(0)
    tail = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    msg = f"Gunicorn could not be started: {problem}. The end of its log:\n" + "\n".join(
        f"  {line}" for line in tail
    )
    raise ServerError(msg)
