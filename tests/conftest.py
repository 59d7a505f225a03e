"""What all tests share: how hypothesis runs, the servers under test."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from apps import content
from kit.over_socket import BadFramingError, OverSocket
from kit.proxies import ORIGIN, PROGRAM_OF, Origin, Proxy, RunningProxy
from kit.proxies import start as start_proxy
from kit.servers import IN_PROCESS, KINDS, LACKS, RunningServer, chosen, start
from kit.stores import let_stores_go
from kit.tools import CI
from notmodified._core import has_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.answer import Answer
    from kit.chromium import Chromium
    from kit.in_process import InProcess

# Deterministic in CI: a red build must mean a change in the code, not a new random example.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if CI else "local")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let no test hang: a server that never answers is a failure, not a wait."""
    lacking = [item for item in items if lacks(item)]
    config.hook.pytest_deselected(items=lacking)
    items[:] = [item for item in items if item not in lacking]
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600 if item.get_closest_marker("long") else 60))


def pytest_collection_finish() -> None:
    """Take the tests themselves out of the garbage collector's sight: some collect it after each test."""
    gc.collect()
    gc.freeze()


def lacks(item: pytest.Item) -> bool:
    """Tell whether the test needs something that its sample application cannot show."""
    marks = list(item.iter_markers("needs_of_app"))
    return bool(marks) and any(
        ability in LACKS.get(item.callspec.params["app"], ()) for mark in marks for ability in mark.args
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        default="all" if CI else "core",
        help=f"who serves the behaviour suite: core, all (CI's default), or some of {', '.join(KINDS)}",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): only for servers that have these abilities")
    config.addinivalue_line(
        "markers", "needs_of_app(*abilities): only for sample applications that have these abilities"
    )
    config.addinivalue_line("markers", "apps(*names): only for these sample applications")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `site` for each server that can and each sample application."""
    needs = {need for mark in metafunc.definition.iter_markers("needs") for need in mark.args}
    if "server_kind" not in metafunc.fixturenames:
        return
    asked_for = chosen(metafunc.config.getoption("--servers"))
    kinds = [kind for kind in asked_for if not needs & set(kind.lacks)]
    if "site" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("apps")
        pairs = [(kind, app) for kind in kinds for app in kind.apps if mark is None or app in mark.args]
        ids = [f"{kind.name}-{app}" for kind, app in pairs]
        metafunc.parametrize(("server_kind", "app"), pairs, ids=ids, scope="session")
    else:
        metafunc.parametrize("server_kind", kinds, ids=lambda kind: kind.name, scope="session")


@pytest.fixture(autouse=True)
def _no_store_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Invalidation asks all stores of the process: one that is left and broken would fail other tests."""
    yield
    if has_stores():
        # pytest has these a while longer; and an application may be a cycle, as Flask's are.
        request.node.funcargs.clear()
        let_stores_go()
    assert not has_stores()


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


@pytest.fixture(scope="session")
def origin(served_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Serve what proxies and clients visit."""
    server = start(ORIGIN, tmp_path_factory.mktemp("origin"), {})
    yield Origin(server)
    server.stop()


@pytest.fixture(scope="session")
def proxies(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Proxy]]:
    """Give the proxy in that role; its program is started when it is first asked for."""
    programs: dict[str, RunningProxy] = {}

    def get(role: str) -> Proxy:
        program = PROGRAM_OF[role]
        if program not in programs:
            programs[program] = start_proxy(program, tmp_path_factory.mktemp(program), origin)
        return Proxy(role, programs[program].roles[role], origin)

    yield get
    for program in programs.values():
        program.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Start a browser that tells what happens on its pages."""
    from kit.shown_page import watching

    with watching(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest, document: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report on the module's `document` by its `render`."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(request.module.render(document), encoding="utf-8")
    return file


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
