"""Writers and readers of one site under four workers of Gunicorn, of which one is killed each second.

Whoever changes a page says so by a PUT, or by `invalidate()` in another process: its path, its group, all.
Once that has returned no answer may confirm what was there before. Nothing may answer 5xx, and the store must
survive.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import time
from pathlib import Path

import pytest

from apps import versions
from cache.watched import PAGES, TESTS, Watch, is_remembered, prepare, read, see_that_it_works, write
from gunicorn_config.command import Gunicorn

READERS = 8
KINDS = {
    "sync": (),
    "gthread": ("--threads", "4"),
    "gevent": (),
}


def workers_of(master):
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(child) for child in children.split()]


def harm(master, watch, seconds, stopped_for):
    """Kill a worker each second, and stop another one for a while."""
    end = time.monotonic() + seconds
    stopped, until = None, 0.0
    while time.monotonic() < end:
        time.sleep(1)
        others = [worker for worker in workers_of(master) if worker != stopped]
        if stopped is None and not until and others:
            stopped, until = random.choice(others), time.monotonic() + stopped_for
            others.remove(stopped)
            os.kill(stopped, signal.SIGSTOP)
        elif stopped is not None and time.monotonic() >= until:
            os.kill(stopped, signal.SIGCONT)
            stopped = None
        if others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(others), signal.SIGKILL)
            watch.count("killed")
    if stopped is not None:
        os.kill(stopped, signal.SIGCONT)


def run(kind, folder, monkeypatch, seconds, stopped_for):
    prepare(folder, monkeypatch)
    settings = {**versions.SETTINGS, "store_path": str(folder / "store")}
    arguments = [*("--pythonpath", str(TESTS), "-k", kind, *KINDS[kind])]
    arguments += ["--workers", "4", "--graceful-timeout", "2"]
    with Gunicorn(folder, *arguments, "apps.versions:make()") as server:
        server.wait_for("Booting worker")
        is_remembered(server.address, PAGES[0])
        watch = Watch()
        tasks = [functools.partial(read, server.address, watch)] * READERS
        tasks += [functools.partial(write, watch, page, settings, server.address) for page in PAGES]
        with watch.over(tasks):
            harm(server.process.pid, watch, seconds, stopped_for)
        assert watch.answers["killed"] >= seconds // 2, watch.answers
        assert not watch.answers["not told"], watch.answers
        see_that_it_works(server.address, settings)
    assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("kind", "seconds", "stopped_for"), [("gthread", 10, 5), ("sync", 4, 2), ("gevent", 4, 2)]
)
def test_nothing_stale_is_confirmed_while_workers_are_killed_and_stopped(
    kind, seconds, stopped_for, tmp_path, monkeypatch
):
    run(kind, tmp_path, monkeypatch, seconds, stopped_for)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_nor_in_a_minute(kind, tmp_path, monkeypatch):
    run(kind, tmp_path, monkeypatch, 60, 5)
