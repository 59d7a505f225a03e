"""A store on a Redis server: a 304 by a look-up, and what a page costs that the server has no part in."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from comparison.functions import TAG
from comparison.measure import OURS, Effort, Samples
from comparison.remembering import cached_app, of_path, remembered
from comparison.report import Group, Line
from comparison.request import environ_with
from comparison.served import STORE
from comparison.serving import STARTS_WITHIN, gunicorn, request_for, rotated
from comparison.wrapping import Server
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "redis-server"
LOOK_UP = "a 304 by a look-up, elapsed"
GET = "a bare `GET` by the same client"
UNSTORABLE = "a page known to be unstorable"
DEAD = "a page while the server refuses connections"
WITHOUT = "the middleware without a store"
CPU, ELAPSED = ", worker's CPU time", ", a second elapsed"
NOBODY = "redis://127.0.0.1:1/0"


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [PROGRAM, "--port", "0", "--unixsocket", "socket", "--save", ""],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + STARTS_WITHIN
            while not (Path(folder) / "socket").exists():
                if process.poll() is not None or time.monotonic() > until:
                    msg = f"{PROGRAM} does not start"
                    raise RuntimeError(msg)
                time.sleep(0.01)
            yield f"unix://{folder}/socket"
        finally:
            process.kill()
            process.wait()


def look_up(url: str, rounds: int) -> Samples:
    environ = of_path(environ_with(if_none_match=TAG), "/articles/7")
    server = Server()
    with redis.Redis.from_url(url) as client:
        application = NotModified(cached_app, store=client, release="1")
        remembered(application, environ)
        (key,) = client.keys("{notmodified}:1:entry:*")
        contenders = {OURS: lambda: server.serve(application, environ), GET: lambda: client.get(key)}
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(rounds):
            for name in rotated(list(contenders), number):
                start = time.perf_counter_ns()
                for _ in range(10):
                    contenders[name]()
                taken[name].append((time.perf_counter_ns() - start) / 10)
    return {LOOK_UP: taken}


def served(url: str, rounds: int, requests: int, samples: Samples) -> None:
    """Start servers, and add their figures to the samples."""
    with contextlib.ExitStack() as stack:
        servers = {WITHOUT: stack.enter_context(gunicorn("private_alone"))}
        for work, store in ((UNSTORABLE, url), (DEAD, NOBODY)):
            os.environ[STORE] = store
            servers[work] = stack.enter_context(gunicorn("private_with_store"))
        for number in range(rounds):
            for name in rotated(list(servers), number):
                elapsed, cpu = servers[name].timed(requests, request_for(2048))
                for work in (UNSTORABLE, DEAD) if name == WITHOUT else (name,):
                    who = WITHOUT if name == WITHOUT else OURS
                    samples.setdefault(work + CPU, {}).setdefault(who, []).append(cpu)
                    samples.setdefault(work + ELAPSED, {}).setdefault(who, []).append(elapsed)


def measure(effort: Effort) -> Samples:
    full = effort.processes > 1
    starts, rounds, requests = (6, 10, 100) if full else (1, 1, 20)
    with redis_server() as url:
        samples = look_up(url, 1200 if full else 5)
        # A worker is a few percent faster or slower for as long as it lives, by where its memory lies.
        for _ in range(starts):
            served(url, rounds, requests, samples)
    return samples


GROUP = Group(
    "redis",
    "A store on a Redis server",
    "A server on the same machine by a socket, redis-py. First a 304 by a look-up beside one bare command; "
    "then 200s of 2 KiB through Gunicorn, one sync worker each, started six times, for which the server is "
    "not asked: the page is known to be private, or the server is known to be gone.",
    measure,
    [
        Line(LOOK_UP, GET, at_most=1.6),
        Line(UNSTORABLE + CPU, WITHOUT, at_most=1.05),
        Line(UNSTORABLE + ELAPSED, WITHOUT, rate=True),
        Line(DEAD + CPU, WITHOUT, at_most=1.05),
        Line(DEAD + ELAPSED, WITHOUT, at_least=0.95, rate=True),
    ],
    once=True,
    needs=PROGRAM,
)
