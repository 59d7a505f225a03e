"""Proxies in front of Gunicorn, each started by the tests from what Debian has.

One process of each program serves all of its roles, each on a port of its own. What a role is stands in the
program's configuration in `tests/proxies/`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.answer import Answer, new_id
from kit.over_socket import Connection
from kit.ports import free_port
from kit.servers import TESTS, RunningServer, ServerKind, answers
from kit.tools import require

if TYPE_CHECKING:
    from pathlib import Path

ROLES = {
    "nginx": (
        "nginx",
        "nginx-gzip",
        "nginx-sub_filter",
        "nginx-cache",
        "nginx-cache-revalidate",
        "nginx-cache-forward",
    ),
    "apache2": ("apache", "apache-deflate", "apache-deflate-nochange", "apache-brotli"),
    "varnishd": (
        "varnish",
        "varnish-pass",
        "varnish-gzip",
        "varnish-esi",
        "varnish-esi-untagged",
        "varnish-grace",
        "varnish-cdn",
    ),
}
PROGRAM_OF = {role: program for program, roles in ROLES.items() for role in roles}
ORIGIN = ServerKind("origin", ("origin",))
STARTS_WITHIN = 20
LOGS_WITHIN = 5
PLACE = re.compile("@([a-z_-]+)@")
PAIR = re.compile(r' (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
LINE = re.compile(r'\S+ - \S+ \[[^]]+\] "(?P<method>\S+) (?P<target>\S+) [^"]*" (?P<status>\d{3}) ')
APACHE_MODULES = "/usr/lib/apache2/modules"
# Started by root, a program must be told whom to become; the tests' folder is for root alone to read.
AS_ROOT = {"nginx": "user root;", "apache2": "User nobody\nGroup nogroup"}


@dataclass(frozen=True)
class Seen:
    """A request as the origin's access log has it."""

    method: str
    status: int
    result: str
    if_none_match: str | None
    if_modified_since: str | None
    if_match: str | None
    peer: str  # the port at the other end of the connection: another connection, another port


@dataclass(frozen=True)
class Origin:
    server: RunningServer

    @property
    def address(self) -> tuple[str, int]:
        return self.server.address

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def edit(self, slug: str) -> str:
        """Give an article of the sample site a new title, and return that."""
        title = f"As of {new_id()}"
        change = json.dumps({"title": title}).encode()
        with Connection(self.address) as connection:
            connection.send("PUT", f"/api/articles/{slug}", [("Content-Type", "application/json")], change)
            answer = connection.read_head("PUT")
            connection.read_body(answer)
        assert answer.status == 200
        return title

    def seen(self, target: str, count: int = 0) -> list[Seen]:
        """Return the requests for a target, once so many are logged and all that came before now."""
        mark = f"/{new_id()}"
        with Connection(self.address) as connection:
            connection.send("GET", mark, [("X-Stack", "control")])
            connection.read_body(connection.read_head("GET"))
        deadline = time.monotonic() + LOGS_WITHIN
        while True:
            found = []
            lines = self.server.log("access.log").splitlines(keepends=True)
            for line in lines:
                head = LINE.match(line)
                if head and head["target"] == target and line.endswith("\n"):
                    found.append(seen(head, line))
            if len(found) >= count and any(f" {mark} " in line for line in lines):
                return found
            if time.monotonic() > deadline:
                msg = f"{target} was asked for {len(found)} times and not {count}: {found}"
                raise AssertionError(msg)
            time.sleep(0.01)


def seen(head: re.Match[str], line: str) -> Seen:
    pairs = {name: quoted.replace('\\"', '"') or plain for name, quoted, plain in PAIR.findall(line)}
    asked = {name: None if pairs[name] == "-" else pairs[name] for name in pairs}
    return Seen(
        head["method"],
        int(head["status"]),
        pairs["result"],
        asked["if_none_match"],
        asked["if_modified_since"],
        asked["if_match"],
        pairs["peer"],
    )


@dataclass(frozen=True)
class Proxy:
    """One role of a proxy; what a test asks through it."""

    role: str
    address: tuple[str, int]
    origin: Origin

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def ask(
        self,
        method: str,
        target: str,
        *fields: tuple[str, str],
        stack: str | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Ask a stack of the sample applications, or the sample site; check that the connection serves on."""
        request_id = new_id()
        if stack:
            fields = (("X-Stack", stack), ("X-Request-Id", request_id), *fields)
        with Connection(self.address) as connection:
            connection.send(method, target, fields, body)
            answer = connection.read_head(method, request_id)
            connection.read_body(answer)
            connection.check()
        return answer


@dataclass
class RunningProxy:
    process: RunningServer
    roles: dict[str, tuple[str, int]]

    def stop(self) -> None:
        self.process.stop()


def start(program: str, folder: Path, origin: Origin) -> RunningProxy:
    """Start all roles of a program, and wait until each of them answers with what the origin says."""
    path = require(program)
    token = about(origin)
    last = ""
    for _ in range(3):  # somebody else may take a port in between
        roles = {role: ("127.0.0.1", free_port()) for role in ROLES[program]}
        configuration = configure(program, folder, origin, roles)
        process = launch(folder, path, *ARGUMENTS[program](folder, configuration, roles))
        ports = [RunningServer(ServerKind(role), roles[role], process, folder) for role in roles]
        if all(answers(port, token) for port in ports):
            return RunningProxy(ports[0], roles)
        ports[0].stop()
        last = ports[0].log("output.log")[-3000:] + ports[0].log("error.log")[-3000:]
    msg = f"{program} does not start:\n{last}"
    raise RuntimeError(msg)


def launch(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """Start a program that ends when the tests end."""
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "apps.serve", "0", "program", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def about(origin: Origin) -> str:
    with Connection(origin.address) as connection:
        connection.send("GET", "/", [("X-Stack", "control")])
        answer = connection.read_head("GET")
        connection.read_body(answer)
    return json.loads(answer.body)["server"]


CONFIGURATIONS = {"nginx": "nginx.conf", "apache2": "apache.conf", "varnishd": "varnish.vcl"}


def configure(program: str, folder: Path, origin: Origin, roles: dict[str, tuple[str, int]]) -> Path:
    """Write the program's configuration, with its addresses."""
    host, port = origin.address
    places = {"origin": f"{host}:{port}", "origin-host": host, "origin-port": str(port)}
    places |= {role: f"{host}:{port}" for role, (host, port) in roles.items()}
    return fill_in(TESTS / "proxies" / CONFIGURATIONS[program], program, folder, places)


def fill_in(template: Path, program: str, folder: Path, places: dict[str, str]) -> Path:
    """Write a configuration into the folder: with what is particular to it, its folder, whom to run as."""
    places = {
        "folder": str(folder),
        "user": AS_ROOT.get(program, "") if os.geteuid() == 0 else "",
        "modules": APACHE_MODULES,
        **places,
    }
    written = folder / template.name
    written.write_text(PLACE.sub(lambda place: places[place[1]], template.read_text()))
    return written


ARGUMENTS = {
    "nginx": lambda folder, file, _: ("-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")),
    "apache2": lambda _, file, __: ("-DFOREGROUND", "-f", str(file)),
    "varnishd": lambda folder, file, roles: (
        *("-F", "-j", "none", "-n", str(folder / "varnish"), "-f", str(file), "-T", "none"),
        *("-s", "malloc,8m", "-l", "2m", "-p", "thread_pools=1", "-p", "thread_pool_min=5"),
        *(part for role, (host, port) in roles.items() for part in ("-a", f"{role}={host}:{port}")),
    ),
}
