"""`notmodified demo`, run as its users run it: a process that starts a real Gunicorn."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from kit.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = [sys.executable, "-m", "notmodified", "demo"]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        env=os.environ | environ,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class Serving:
    """`notmodified demo --serve --json`, and where its site is."""

    def __init__(self, tmp_path: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*DEMO, "--serve", "--json", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        )
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, f"it ended with {self.process.wait()}"
            text += line
        told = json.loads(text)
        self.address = urlsplit(told["url"])
        self.scratch = Path(told["access_log"]).parent

    def get(self, path: str, **fields: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=10)
        connection.request("GET", path, headers=fields)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    def is_gone(self) -> bool:
        """Is the port free and the scratch directory removed, within ten seconds?"""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                refused = probe.connect_ex((self.address.hostname, self.address.port)) != 0
            if refused and not self.scratch.exists():
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path)
    yield server
    server.process.kill()
    server.process.wait()
    server.process.stdout.close()
    assert server.is_gone()


@pytest.fixture(scope="module")
def told() -> dict:
    finished = run("--json")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stderr == ""
    return json.loads(finished.stdout)


def test_the_walk_goes_as_expected_and_says_so(told: dict) -> None:
    assert told["ok"]
    assert [step["problems"] for step in told["steps"]] == [[]] * len(told["steps"])


def test_the_walk_shows_each_word_that_a_visitor_can_cause(told: dict) -> None:
    seen = {(step["method"], step["status"], step["result"]) for step in told["steps"]}
    assert seen == {
        ("GET", 200, "unconditional"),
        ("GET", 304, "not-modified"),
        ("GET", 304, "remembered"),
        ("PUT", 200, "bypass"),
        ("GET", 200, "modified"),
        ("HEAD", 200, "unconditional"),
        ("GET", 412, "failed"),
        ("GET", 200, "bypass"),
    }


def test_the_walk_is_answered_by_both_workers(told: dict) -> None:
    assert len({step["worker"] for step in told["steps"]}) == 2


def test_the_savings_are_differences_of_bytes_that_the_client_received(told: dict) -> None:
    received = {(step["path"], step["status"], step["bytes_received"]) for step in told["steps"]}
    assert told["savings"]
    for saving in told["savings"]:
        assert (saving["path"], 200, saving["whole"]) in received
        assert (saving["path"], 304, saving["not_modified"]) in received
        assert saving["saved"] == saving["whole"] - saving["not_modified"] > 0
    assert told["total"]["saved"] == sum(s["saved"] for s in told["savings"])


def test_each_304_is_smaller_than_a_single_packet(told: dict) -> None:
    sizes = [step["bytes_received"] for step in told["steps"] if step["status"] == 304]
    assert len(sizes) >= 4
    assert max(sizes) < 512


def test_the_same_is_told_to_people(tmp_path: Path) -> None:
    finished = run(TMPDIR=str(tmp_path))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for word in ("304 Not Modified  not-modified", "412 Precondition Failed  failed", "not sent"):
        assert word in finished.stdout
    assert list(tmp_path.iterdir()) == [], "the scratch directory is still there"


def test_a_walk_in_which_the_middleware_is_missing_fails(tmp_path: Path) -> None:
    """The walk verifies: without the middleware around the site it must not end well."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'gunicorn' in ' '.join(sys.orig_argv):\n"
        "    import notmodified\n"
        "    notmodified.NotModified = lambda application, config=None, **_: application\n"
    )
    finished = run("--json", PYTHONPATH=str(tmp_path))
    assert finished.returncode == 1, finished.stdout + finished.stderr
    document = json.loads(finished.stdout)
    assert not document["ok"]
    assert any("the answer has no strong entity tag" in step["problems"] for step in document["steps"])


def test_the_served_site_revalidates_until_ctrl_c_ends_it_well(serving: Serving) -> None:
    first = serving.get("/")
    assert first.status == 200
    assert serving.get("/", **{"If-None-Match": first.headers["ETag"]}).status == 304
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(20) == 0
    assert serving.is_gone()


def test_sigterm_ends_the_served_site_well(serving: Serving) -> None:
    serving.process.terminate()
    assert serving.process.wait(20) == 0
    assert serving.is_gone()


def test_no_server_outlives_a_demo_that_is_killed(serving: Serving) -> None:
    assert serving.get("/").status == 200
    serving.process.kill()
    assert serving.is_gone()


def test_ctrl_c_during_the_walk_leaves_nothing_behind(tmp_path: Path) -> None:
    # A shell has what it runs in the background ignore Ctrl-C, and so all that that starts.
    command = ["env", "--default-signal=INT", *DEMO]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert list(tmp_path.iterdir()) == []


def test_the_served_site_can_be_put_on_a_port_of_ones_choice(tmp_path: Path) -> None:
    port = free_port()
    server = Serving(tmp_path, "--port", str(port))
    assert server.address.port == port
    server.process.terminate()
    assert server.process.wait(20) == 0
    server.process.stdout.close()


def test_the_curl_lines_that_are_printed_work(tmp_path: Path) -> None:
    """Each line under the invitation is run by a shell, in order; an edit in between changes the answer."""
    process = subprocess.Popen([*DEMO, "--serve"], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            lines = []
            while not (lines and lines[-1].startswith("tail -f")):
                lines.append(process.stdout.readline().rstrip("\n"))
                assert process.poll() is None
            answers = [
                subprocess.run(
                    ["bash", "-c", line], capture_output=True, text=True, timeout=20, check=True, cwd=tmp_path
                ).stdout
                for line in lines
                if line.startswith("curl")
            ]
        finally:
            process.terminate()
        assert process.wait(20) == 0
    page, again, edited, failed, _, unchanged, events = answers
    assert page.startswith("HTTP/1.1 200 OK")
    assert again.startswith("HTTP/1.1 304 Not Modified")
    assert json.loads(edited)["title"] == "Who decides"
    assert failed.startswith("HTTP/1.1 412 Precondition Failed")
    assert unchanged.strip() == "304"
    assert events.count("event: revisions") == 10


def test_a_port_that_is_taken_is_refused_with_its_number() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = run("--port", str(port))
    assert finished.returncode == 2
    assert f"port {port} on 127.0.0.1 can't be had: Address already in use" in finished.stderr


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_what_is_no_port_is_a_usage_error(port: str) -> None:
    finished = run(f"--port={port}")
    assert finished.returncode == 2
    assert "--port" in finished.stderr


def test_a_gunicorn_that_does_not_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    fake = tmp_path / "gunicorn"
    fake.mkdir()
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text("import sys\nprint('out of luck', file=sys.stderr)\nsys.exit(3)\n")
    finished = run(PYTHONPATH=str(tmp_path))
    assert finished.returncode == 2
    assert "Gunicorn could not be started" in finished.stderr
    assert "out of luck" in finished.stderr


@pytest.mark.parametrize("package", ["flask", "gunicorn", "rich"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(tmp_path: Path, package: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "real = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, *rest: None if name == {package!r} else real(name, *rest)\n"
    )
    finished = run(PYTHONPATH=str(tmp_path))
    assert finished.returncode == 2
    assert finished.stderr == f"notmodified demo: {package} not installed; pip install 'notmodified[demo]'\n"
