"""The server still uses sendfile: seen from outside the process, by its system calls."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from kit.tools import require

SIZE = 100_000


class Trace:
    """What a process calls while the block runs."""

    def __init__(self, process, folder):
        self.output = folder / f"trace-{time.monotonic_ns()}"
        self.process = process

    def __enter__(self):
        command = [require("strace"), "-f", "-q", "-e", "trace=sendfile", "-o", self.output]
        self.strace = subprocess.Popen([*command, "-p", str(self.process)], stderr=subprocess.PIPE)
        # It is attached when it says so in the traced process's status.
        deadline = time.monotonic() + 10
        while f"TracerPid:\t{self.strace.pid}" not in self.status():
            assert self.strace.poll() is None, self.strace.stderr.read()
            assert time.monotonic() < deadline, "strace does not attach"
            time.sleep(0.01)
        return self

    def status(self):
        with open(f"/proc/{self.process}/status", encoding="ascii") as status:  # noqa: PTH123
            return status.read()

    def __exit__(self, *exc):
        os.kill(self.strace.pid, signal.SIGINT)
        self.strace.wait(10)
        self.strace.stderr.close()

    def sent(self):
        """Return how many octets the calls have sent."""
        return sum(int(n) for n in re.findall(r"sendfile\(.*= (\d+)", self.output.read_text()))


@pytest.mark.needs("socket", "sendfile")
def test_a_file_goes_out_by_sendfile_with_its_tag(site):
    path = f"/file?length={SIZE}"
    site.get(path)
    with Trace(site.running.worker, site.running.folder) as trace:
        answer = site.get(path)
        assert len(answer.body) == SIZE
        assert "ETag" in answer
    assert trace.sent() == SIZE


@pytest.mark.needs("socket", "sendfile")
def test_not_an_octet_is_sent_with_a_304_or_for_head(site):
    path = f"/file?length={SIZE}"
    tag = site.get(path)["ETag"]
    with Trace(site.running.worker, site.running.folder) as trace:
        assert site.get(path, ("If-None-Match", tag)).status == 304
        assert site.head(path).status == 200
    assert trace.sent() == 0


@pytest.mark.needs("socket", "sendfile")
@pytest.mark.apps("flask")
def test_flasks_own_range_is_left_to_flask(site):
    """It comes wrapped, so that there is no sendfile with or without us."""
    answer = site.get("/send-file", ("Range", "bytes=10-19"))
    assert answer.status == 206
    assert answer["Content-Length"] == "10"
