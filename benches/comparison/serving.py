"""Whole requests through a real Gunicorn: one sync worker of each application, all alive, asked in turn."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from comparison.measure import OURS, Effort, Samples
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
    worker: int = 0

    def send(self, request: bytes) -> socket.socket:
        connection = socket.socket()
        connection.connect(self.address)
        connection.sendall(request)
        return connection

    def ask(self, requests: int, request: bytes) -> bytes:
        """So many of the same request; the last answer. The worker takes them as they come, so the oldest
        is the next to be answered."""
        under_way: deque[socket.socket] = deque()
        answer = b""
        for number in range(requests + UNDER_WAY):
            if number < requests:
                under_way.append(self.send(request))
            if under_way and (number >= UNDER_WAY - 1):
                answer = read_all(under_way.popleft())
        return answer

    def cpu(self) -> int:
        """Nanoseconds that all threads of the worker have been on a CPU."""
        tasks = Path(f"/proc/{self.worker}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())

    def timed(self, requests: int, request: bytes) -> tuple[float, float]:
        """Nanoseconds a request: elapsed, and of the worker's CPU time."""
        cpu, clock = self.cpu(), time.perf_counter_ns()
        self.ask(requests, request)
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


@contextlib.contextmanager
def gunicorn(application: str) -> Iterator[Gunicorn]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "comparison.served", application, str(listener.fileno())],
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
            (running.worker,) = children_of(process.pid)
            yield running
        finally:
            process.terminate()
            process.wait(STARTS_WITHIN)


@contextlib.contextmanager
def all_of(applications: dict[str, str]) -> Iterator[dict[str, Gunicorn]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(gunicorn(each)) for name, each in applications.items()}


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
    samples: Samples = {}
    rounds, requests = (6 * effort.rounds, 150) if effort.processes > 1 else (2, 20)
    with all_of(applications) as servers:
        for title, size in {"2 KiB": 2 << 10, "100 KiB": 100 << 10}.items():
            asked = {
                name: conditional(server, size, 200 if name == DJANGO_ALONE else 304)
                for name, server in servers.items()
            }
            elapsed = samples.setdefault(f"{title}, a second elapsed", {name: [] for name in servers})
            cpu = samples.setdefault(
                f"{title}, a second of the worker's CPU time", {name: [] for name in servers}
            )
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
            lines += [Line(work, DJANGO, at_least=more, rate=True), Line(work, DJANGO_ALONE, rate=True)]
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
    "One sync worker, loopback, four requests under way. Gunicorn and Django are most of it: Django alone, "
    "which answers 200 to each, is about what there is to gain.",
    measure_django,
    django_lines(),
    once=True,
)
