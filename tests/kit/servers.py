"""The servers under test: how each is started, what each cannot do and why."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kit.over_socket import Connection
from kit.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

TESTS = Path(__file__).parents[1]
STARTS_WITHIN = 30


WSGI_APPS = ("plain", "flask", "django", "django-middleware")
ASGI_APPS = ("django-asgi", "django-async")


@dataclass(frozen=True)
class ServerKind:
    """One way to serve. `lacks` names what tests may need and this cannot give, with the reason."""

    name: str
    arguments: tuple[str, ...] = ()
    lacks: Mapping[str, str] = field(default_factory=dict)
    apps: tuple[str, ...] = WSGI_APPS


def gunicorn(name: str, worker: str, *more: str, **lacks: str) -> ServerKind:
    return ServerKind(name, ("gunicorn", "-k", worker, *more), lacks)


IN_PROCESS = ServerKind(
    "in-process",
    lacks={
        "socket": "there is none",
        "access-log": "no server, no log",
    },
)
NO_LOG = {"access-log": "it cannot log what is in the environ"}
NO_SENDFILE = {"sendfile": "it reads files and writes them"}
NO_HEAD_WITHOUT_LENGTH = dict.fromkeys(
    ("head-of-streams", "head-without-length"),
    "it ends a HEAD without Content-Length with the last chunk of a body",
)
NO_WSGI = {
    **NO_LOG,
    **NO_SENDFILE,
    "wsgi": "it speaks ASGI",
    "file-wrapper": "ASGI has none",
}
# Built from source where that is possible, and no requirement: it is tested where it is installed.
UWSGI = shutil.which("uwsgi", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
# What a server lacks it lacks without us too: test_servers.py asks the bare applications.
KINDS = {
    kind.name: kind
    for kind in (
        IN_PROCESS,
        gunicorn("gunicorn-sync", "sync", **{"keep-alive": "it closes after each answer"}),
        gunicorn("gunicorn-gthread", "gthread", "--threads", "4"),
        gunicorn("gunicorn-gevent", "gevent", **NO_SENDFILE),
        gunicorn("gunicorn-gevent_pywsgi", "gevent_pywsgi", **NO_SENDFILE, **NO_HEAD_WITHOUT_LENGTH),
        gunicorn(
            "gunicorn-tornado",
            "tornado",
            **NO_SENDFILE,
            **NO_LOG,
            **{
                "streaming": "it gathers the whole body before it sends the head",
                "head-of-streams": "it takes the empty body's length for a missing Content-Length",
                "head-without-length": "it takes the empty body's length for a missing Content-Length",
                "bare-204": "it adds Content-Length: 0 and a Content-Type",
                "500": "when the application raises, it neither answers nor closes the connection",
                "close-may-fail": "it gathers, closes, and only then sends",
                "late-error": "when the application raises, it neither answers nor closes the connection",
                "values-that-begin-with-a-blank": "it refuses them; Django's Set-Cookie is one",
                "file-wrapper": "it has none",
            },
        ),
        ServerKind(
            "waitress",
            ("waitress",),
            {
                **NO_LOG,
                **NO_SENDFILE,
                **NO_HEAD_WITHOUT_LENGTH,
                "close-may-fail": "it closes before it sends",
                "keep-alive": "it closes after an answer without Content-Length, be it a 304 or a 204",
            },
        ),
        ServerKind(
            "cheroot",
            ("cheroot",),
            {
                **NO_LOG,
                **NO_SENDFILE,
                "file-wrapper": "it has none",
                "500": "when the application raises, it closes the connection without an answer",
                "repeated-dates": "of fields that are no lists it takes the last line",
            },
        ),
        ServerKind(
            "granian",
            ("granian",),
            {
                **NO_LOG,
                **NO_SENDFILE,
                "file-wrapper": "it has none",
                "write": "its start_response returns None",
                "late-error": "it ends the body as if it were whole",
            },
        ),
        ServerKind("uvicorn", ("uvicorn",), NO_WSGI, apps=ASGI_APPS),
        ServerKind("gunicorn-asgi", ("gunicorn_asgi",), NO_WSGI, apps=ASGI_APPS),
        *(
            [
                ServerKind(
                    "uwsgi",
                    ("uwsgi", UWSGI),
                    {
                        **NO_LOG,
                        "keep-alive": "it closes after each answer",
                        "says-when-it-closes": "it sends no Connection: close",
                        "sendfile": "apps.stacks wraps bodies, since it clears the environ",
                        "file-wrapper": "it gives the file back as it is and remembers it aside",
                        "500": "it closes the connection without an answer, or with the head that was meant",
                        "late-error": "without a length a body just ends",
                    },
                )
            ]
            if UWSGI
            else []
        ),
    )
}


# What a sample application cannot show because of what it wears: docs/django.md has these differences.
LACKS = {
    app: {"collected-streams": "the middleware class leaves each StreamingHttpResponse alone"}
    for app in ("django-middleware", "django-asgi", "django-async")
}

# Those that every test run asks; CI and `--servers all` ask each.
CORE = ("in-process", "gunicorn-sync", "gunicorn-gthread", "uvicorn")


def chosen(servers: str) -> list[ServerKind]:
    """Return the kinds that `--servers` names: `core`, `all`, or names with commas between."""
    names = {"core": CORE, "all": tuple(KINDS)}.get(servers) or servers.split(",")
    return [KINDS[name] for name in names]


@dataclass
class RunningServer:
    kind: ServerKind
    address: tuple[str, int]
    process: subprocess.Popen[bytes]
    folder: Path
    worker: int = 0  # its process id, where there is one

    def log(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """End it and all its workers, kindly at first."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def start(kind: ServerKind, folder: Path, environment: Mapping[str, str]) -> RunningServer:
    """Start the server on a free port and wait until it is this one that answers there."""
    last = ""
    for attempt in range(3):  # somebody else may take the port in between
        port = free_port()
        token = f"{os.getpid()}-{kind.name}-{attempt}"
        log = folder / "output.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "apps.serve", str(port), *kind.arguments],
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH")))),
                    "NOTMODIFIED_TEST_SERVER": token,
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        running = RunningServer(kind, ("127.0.0.1", port), process, folder)
        if answers(running, token):
            return running
        running.stop()
        last = running.log("output.log")[-3000:]
    msg = f"{kind.name} does not start:\n{last}"
    raise RuntimeError(msg)


def answers(running: RunningServer, token: str) -> bool:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            with Connection(running.address) as connection:
                connection.send("GET", "/", [("X-Stack", "control")])
                answer = connection.read_head("GET")
                connection.read_body(answer)
                about = json.loads(answer.body) if answer.status == 200 else {}
                if about.get("server") == token:
                    running.worker = about["pid"]
                    return True
        except OSError:
            pass
        time.sleep(0.05)
    return False
