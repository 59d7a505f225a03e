"""Whole requests through a real Gunicorn: one sync worker of each application, all alive, asked in turn."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from comparison import prototypes
from comparison.measure import OURS, PROTOTYPE, Effort, Samples
from comparison.report import Group, Line
from comparison.request import FIELDS, HOSTILE, hostile

if TYPE_CHECKING:
    from collections.abc import Iterator

DJANGO = "Django `ConditionalGetMiddleware`"
DJANGO_ALONE = "Django alone"
BARE = "the bare app"
BENCHES = Path(__file__).parents[1]
STARTS_WITHIN = 30
# Requests under way at once, so that the worker never waits for the client.
UNDER_WAY = 4


@dataclass
class Gunicorn:
    address: tuple[str, int]
    workers: list[int] = field(default_factory=list)

    def send(self, request: bytes) -> socket.socket:
        connection = socket.socket()
        connection.connect(self.address)
        connection.sendall(request)
        return connection

    def ask(self, requests: int, request: bytes, clients: int = UNDER_WAY) -> bytes:
        """So many of the same request, that many under way at once; the last answer. A worker takes them as
        they come, so the oldest is the next to be answered."""
        under_way: deque[socket.socket] = deque()
        answer = b""
        for number in range(requests + clients):
            if number < requests:
                under_way.append(self.send(request))
            if under_way and (number >= clients - 1):
                answer = read_all(under_way.popleft())
        return answer

    def cpu(self) -> int:
        """Nanoseconds that all threads of the workers have been on a CPU."""
        tasks = (task for worker in self.workers for task in Path(f"/proc/{worker}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def timed(self, requests: int, request: bytes, clients: int = UNDER_WAY) -> tuple[float, float]:
        """Nanoseconds a request: elapsed, and of the workers' CPU time."""
        cpu, clock = self.cpu(), time.perf_counter_ns()
        self.ask(requests, request, clients)
        elapsed = time.perf_counter_ns() - clock
        return elapsed / requests, (self.cpu() - cpu) / requests


def read_all(connection: socket.socket) -> bytes:
    pieces = []
    with connection:
        while piece := connection.recv(1 << 18):
            pieces.append(piece)
    return b"".join(pieces)


def children_of(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(process.name))
    return found


def started(master: int, workers: int) -> list[int]:
    """Return its workers, once there are as many."""
    until = time.monotonic() + STARTS_WITHIN
    while len(found := children_of(master)) < workers:
        if time.monotonic() > until:
            msg = f"{len(found)} workers of {workers}"
            raise RuntimeError(msg)
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def gunicorn(application: str, workers: int = 1) -> Iterator[Gunicorn]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "comparison.served", application, str(listener.fileno()), str(workers)],
            cwd=BENCHES,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
        )
        try:
            running = Gunicorn(listener.getsockname())
            answer = running.ask(1, request_for(2048))
            if not answer.startswith(b"HTTP/1.1 200 "):
                msg = f"{application} answers {answer[:300]!r}"
                raise RuntimeError(msg)
            running.workers = started(process.pid, workers)
            yield running
        finally:
            process.terminate()
            process.wait(STARTS_WITHIN)


@contextlib.contextmanager
def all_of(applications: dict[str, str], workers: int = 1) -> Iterator[dict[str, Gunicorn]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(gunicorn(each, workers)) for name, each in applications.items()}


def request_for(size: int, *fields: tuple[str, str]) -> bytes:
    lines = [f"GET /{size} HTTP/1.1", *(f"{name}: {value}" for name, value in (*FIELDS, *fields)), "", ""]
    return "\r\n".join(lines).encode()


def lines_of_hostile(shape: str) -> bytes:
    """As many and as long lines as Gunicorn's defaults let through, beside Host."""
    fields = ["Host: www.example.com", *([f"If-None-Match: {hostile(shape, 8_100)}"] * 95)]
    return "\r\n".join(["GET /2048 HTTP/1.1", *fields, "", ""]).encode()


def measure_hostile(effort: Effort) -> Samples:
    applications = {
        BARE: "plain_app",
        OURS: "plain_with_us",
        DJANGO_ALONE: "django_app",
        DJANGO: "django_with_middleware",
    }
    samples: Samples = {}
    rounds = 2 * effort.rounds if effort.processes > 1 else 1
    with all_of(applications) as servers:
        for shape in HOSTILE:
            request = lines_of_hostile(shape)
            elapsed = samples.setdefault(f"{shape}, elapsed", {})
            cpu = samples.setdefault(f"{shape}, worker's CPU time", {})
            for number in range(rounds):
                for name, server in servers.items():
                    slow = name == DJANGO
                    if slow and number not in {rounds // 3, rounds // 2}:
                        continue
                    taken = server.timed(1, request)
                    elapsed.setdefault(name, []).append(taken[0])
                    cpu.setdefault(name, []).append(taken[1])
    return samples


def measure_django(effort: Effort) -> Samples:
    applications = {OURS: "django_with_us", DJANGO: "django_with_middleware", DJANGO_ALONE: "django_app"}
    if prototypes.BUILT:
        applications[PROTOTYPE] = "django_with_prototype"
    samples: Samples = {}
    # A worker is a few percent faster or slower for as long as it lives, by where its memory happens to lie.
    starts, rounds, requests = (6, effort.rounds, 150) if effort.processes > 1 else (1, 2, 20)
    for _ in range(starts):
        with all_of(applications) as servers:
            for title, size in {"2 KiB": 2 << 10, "100 KiB": 100 << 10}.items():
                asked = {
                    name: conditional(server, size, 200 if name == DJANGO_ALONE else 304)
                    for name, server in servers.items()
                }
                works = (f"{title}, a second elapsed", f"{title}, a second of the worker's CPU time")
                elapsed, cpu = (samples.setdefault(work, {name: [] for name in servers}) for work in works)
                for number in range(rounds):
                    for name in rotated(list(servers), number):
                        taken = servers[name].timed(requests, asked[name])
                        elapsed[name].append(taken[0])
                        cpu[name].append(taken[1])
    return samples


def rotated(names: list[str], number: int) -> list[str]:
    first = number % len(names)
    return names[first:] + names[:first]


def conditional(server: Gunicorn, size: int, status: int) -> bytes:
    """A request that is answered with this status, having the tag that the server gives."""
    head = server.ask(1, request_for(size)).partition(b"\r\n\r\n")[0].decode("latin-1")
    fields = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.splitlines()[1:])
    }
    request = request_for(size, ("If-None-Match", fields.get("etag", '"no tag"')))
    if not server.ask(1, request).startswith(f"HTTP/1.1 {status} ".encode()):
        msg = f"{server} answers a conditional request wrongly"
        raise RuntimeError(msg)
    return request


def hostile_lines() -> list[Line]:
    lines = []
    for shape in HOSTILE:
        for clock in ("elapsed", "worker's CPU time"):
            title = f"{shape}, {clock}"
            lines += [Line(title, BARE, at_most=1.15), Line(title, DJANGO)]
    return lines


def django_lines() -> list[Line]:
    lines = []
    for title, more in {"2 KiB": 1.12, "100 KiB": 1.5}.items():
        for clock in ("a second elapsed", "a second of the worker's CPU time"):
            work = f"{title}, {clock}"
            lines += [
                Line(work, DJANGO, at_least=more, rate=True),
                Line(work, PROTOTYPE, rate=True),
                Line(work, DJANGO_ALONE, rate=True),
            ]
    return lines


HOSTILE_GROUP = Group(
    "gunicorn-hostile",
    "One request with 95 hostile fields through Gunicorn",
    "95 If-None-Match lines of 8,100 B, which Gunicorn's default limits let through, answered with 2 KiB. "
    "Most of it is Gunicorn's parser, which counts all line ends anew after each 8 KiB that it reads.",
    measure_hostile,
    hostile_lines(),
    once=True,
)
DJANGO_GROUP = Group(
    "gunicorn-django",
    "Gunicorn and Django: 304s a second",
    "One sync worker, started six times, loopback, four requests under way. Gunicorn and Django are most "
    "of it: Django alone, which answers 200 to each, and the prototype around it are about what there is to "
    "gain.",
    measure_django,
    django_lines(),
    once=True,
)
