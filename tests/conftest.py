"""What all tests share: how hypothesis runs, the servers under test."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from apps import content
from kit.over_socket import BadFramingError, OverSocket
from kit.servers import IN_PROCESS, KINDS, RunningServer, chosen, start
from kit.tools import CI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.answer import Answer
    from kit.in_process import InProcess

# Deterministic in CI: a red build must mean a change in the code, not a new random example.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if CI else "local")

APPS = ("plain", "flask", "django")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no test hang: a server that never answers is a failure, not a wait."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600 if item.get_closest_marker("long") else 60))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        default="all" if CI else "core",
        help=f"who serves the behaviour suite: core, all (CI's default), or some of {', '.join(KINDS)}",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): only for servers that have these abilities")
    config.addinivalue_line("markers", "apps(*names): only for these sample applications")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `site` for each server that can and each sample application."""
    needs = {need for mark in metafunc.definition.iter_markers("needs") for need in mark.args}
    if "server_kind" in metafunc.fixturenames:
        asked_for = chosen(metafunc.config.getoption("--servers"))
        kinds = [kind for kind in asked_for if not needs & set(kind.lacks)]
        metafunc.parametrize("server_kind", kinds, ids=lambda kind: kind.name, scope="session")
    if "site" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("apps")
        metafunc.parametrize("app", mark.args if mark else APPS, scope="session")


@pytest.fixture(scope="session")
def served_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of the files that the sample applications serve."""
    folder = tmp_path_factory.mktemp("files")
    content.make_files(folder)
    os.environ["NOTMODIFIED_TEST_FILES"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def running(
    served_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RunningServer]]:
    """Give the server of that name, started when first asked for, stopped at the end of the session."""
    servers: dict[str, RunningServer] = {}

    def get(name: str) -> RunningServer:
        if name not in servers:
            servers[name] = start(KINDS[name], tmp_path_factory.mktemp(name), {})
        assert servers[name].process.poll() is None, f"{name} has died:\n{servers[name].log('output.log')}"
        return servers[name]

    yield get
    for server in servers.values():
        server.stop()


@dataclass
class Site:
    """One sample application behind one server; what a test asks."""

    app: str
    server: str
    transport: OverSocket | InProcess
    running: RunningServer | None = None

    def request(
        self,
        method: str,
        target: str,
        *fields: tuple[str, str],
        config: str = "default",
        body: bytes | None = None,
    ) -> Answer:
        return self.transport.request(method, target, f"{self.app}/{config}", fields, body)

    def get(self, target: str, *fields: tuple[str, str], config: str = "default") -> Answer:
        return self.request("GET", target, *fields, config=config)

    def head(self, target: str, *fields: tuple[str, str], config: str = "default") -> Answer:
        return self.request("HEAD", target, *fields, config=config)

    def result(self, answer: Answer) -> str | None:
        """Return the word in environ["notmodified.result"], as the server's own dict holds it."""
        return self.environ(answer).get("notmodified.result")

    def environ(self, answer: Answer) -> dict[str, str]:
        return self.transport.seen(answer.request_id)["environ"]

    def events(self, answer: Answer | BadFramingError, until: str = "") -> list[str]:
        """Return what the application noted; with `until`, once it has noted that.

        A server may close the iterable when the client has its last octet already, hence the wait.
        """
        deadline = time.monotonic() + 5
        while True:
            events = self.transport.seen(answer.request_id)["events"]
            if not until or until in events or time.monotonic() > deadline:
                return events
            time.sleep(0.01)


@pytest.fixture
def site(server_kind, app: str, running, served_files) -> Site:
    """Each sample application behind each server."""
    if server_kind is IN_PROCESS:
        from kit.in_process import InProcess

        return Site(app, server_kind.name, InProcess())
    server = running(server_kind.name)
    return Site(app, server_kind.name, OverSocket(server), server)
