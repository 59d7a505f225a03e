"""Several workers, forked before or after the application is loaded, replaced while they serve.

What is made before a fork must serve after it; what one worker says another must confirm.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time

import pytest

from apps import content
from kit.over_socket import OverSocket
from kit.servers import gunicorn, start
from notmodified import EntityTag

KINDS = [
    gunicorn("sync-2", "sync", "--workers", "2"),
    gunicorn("sync-2-preload", "sync", "--workers", "2", "--preload"),
    gunicorn("gthread-2", "gthread", "--workers", "2", "--threads", "4"),
    gunicorn("gthread-2-preload", "gthread", "--workers", "2", "--threads", "4", "--preload"),
    gunicorn("gevent-2-preload", "gevent", "--workers", "2", "--preload"),
]
RECYCLING = [
    gunicorn("sync-recycling", "sync", "--workers", "2", "--max-requests", "25"),
    gunicorn("gthread-recycling", "gthread", "--workers", "2", "--threads", "4", "--max-requests", "25"),
]
PAGE_TAG = str(EntityTag.of(content.PAGE))
FILE_TAG = str(EntityTag.of(bytes(n * n % 251 for n in range(100_000))))


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request, served_files, tmp_path_factory):
    running = start(request.param, tmp_path_factory.mktemp(request.param.name), {})
    yield running
    running.stop()


@pytest.fixture(params=RECYCLING, ids=lambda kind: kind.name)
def recycling(request, served_files, tmp_path):
    running = start(request.param, tmp_path, {})
    yield running
    running.stop()


def worker_of(client):
    """Return the process that answers this time."""
    return client.about()["pid"]


def right(client, app):
    """Ask for a page and a file, then whether they are still good."""
    for path, tag in (("/page", PAGE_TAG), ("/file?length=100000", FILE_TAG)):
        answer = client.request("GET", path, f"{app}/default")
        assert answer.status == 200
        assert answer["ETag"] == tag or app != "plain"
        again = client.request("GET", path, f"{app}/default", [("If-None-Match", answer["ETag"])])
        assert again.status == 304
        assert again["ETag"] == answer["ETag"]


@pytest.mark.parametrize("app", ["plain", "flask", "django"])
def test_every_worker_makes_and_knows_the_same_tags(server, app):
    """Requests are asked at once, so that each worker gets some."""
    client = OverSocket(server)
    workers, tags = set(), set()
    errors = []

    def work():
        try:
            for _ in range(10):
                workers.add(worker_of(client))
                right(client, app)
                tags.add(client.request("GET", "/json", f"{app}/default")["ETag"])
        except BaseException as error:  # noqa: BLE001 - it is told below
            errors.append(error)

    deadline = time.monotonic() + 20
    while (len(workers) < 2 or not tags) and not errors and time.monotonic() < deadline:
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors
    assert len(workers) == 2
    assert len(tags) == 1


def test_workers_that_are_replaced_after_some_requests_lose_none(recycling):
    client = OverSocket(recycling)
    workers = set()
    for app in itertools.islice(itertools.cycle(["plain", "flask", "django"]), 12):
        workers.add(worker_of(client))
        right(client, app)
    assert len(workers) > 2


def test_a_reload_under_load_loses_no_request(server):
    client = OverSocket(server)
    before = worker_of(client)
    errors = []
    seen = set()
    done = threading.Event()

    def load(app):
        try:
            while not done.is_set():
                right(client, app)
        except BaseException as error:  # noqa: BLE001 - it is told below
            errors.append(error)

    threads = [threading.Thread(target=load, args=(app,)) for app in ("plain", "flask", "django")]
    for thread in threads:
        thread.start()
    os.kill(server.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 20
    while (before in seen or not seen) and not errors and time.monotonic() < deadline:
        time.sleep(0.1)
        seen = {worker_of(client) for _ in range(8)}
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert before not in seen
