"""However much is streamed, the worker's memory stays what it is without the middleware."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps import content
from kit.over_socket import Connection
from kit.servers import KINDS, start

pytestmark = pytest.mark.long

ALLOWED = 32 * 1024  # KiB
MEDIUM = 60 * 2**20  # below max_file: this one is hashed


@pytest.fixture(scope="module")
def big_files(served_files):
    """Make files that take no room on the disk: 1 GiB, and as much as is just hashed."""
    for name, size in (("big.bin", content.BIG), ("medium.bin", MEDIUM)):
        with (served_files / name).open("wb") as sparse:
            sparse.truncate(size)
    yield
    for name in ("big.bin", "medium.bin"):
        (served_files / name).unlink()


def peak(worker):
    """Return the most memory that the process has had, in KiB."""
    for line in Path(f"/proc/{worker}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError


def peak_while_serving(kind, folder, stack, target, size, method="GET"):
    """Return the worker's peak, of a server that has done nothing else, over its state before."""
    folder.mkdir()
    server = start(kind, folder, {"NOTMODIFIED_TEST_FILES": os.environ["NOTMODIFIED_TEST_FILES"]})
    try:
        for path, length in (("/page", 1), (target, size)):
            if path == target:
                before = peak(server.worker)
            with Connection(server.address) as connection:
                fields = [("X-Stack", stack), ("X-Request-Id", "big"), ("Connection", "close")]
                connection.send(method, path, fields)
                answer = connection.read_head(method)
                assert answer.status == 200
                assert connection.count_to_end(None) >= (length if method == "GET" else 0)
        return peak(server.worker) - before
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("target", "size"),
    [
        ("/big-stream", content.BIG),
        ("/big-declared", content.BIG),
        ("/file?name=big.bin", content.BIG),
        ("/file?name=medium.bin", MEDIUM),
    ],
)
@pytest.mark.parametrize("application", ["plain", "flask", "django"])
@pytest.mark.parametrize("kind", ["gunicorn-sync", "gunicorn-gthread"])
def test_a_gibibyte_leaves_the_workers_memory_alone(kind, application, target, size, big_files, tmp_path):
    bare = peak_while_serving(KINDS[kind], tmp_path / "bare", f"{application}/bare", target, size)
    ours = peak_while_serving(KINDS[kind], tmp_path / "ours", f"{application}/default", target, size)
    assert ours - bare <= ALLOWED


@pytest.mark.parametrize("target", ["/big-stream", "/big-declared", "/file?name=big.bin"])
def test_nor_does_head_run_it(target, big_files, tmp_path):
    kind = KINDS["gunicorn-sync"]
    grown = peak_while_serving(kind, tmp_path / "ours", "plain/default", target, 0, "HEAD")
    assert grown <= ALLOWED
