"""Two Gunicorn masters on one server, while that is killed, stopped and failed over.

Once an invalidation has returned, no answer of either server may confirm what was there before. Nothing may
answer 5xx, and no answer may take longer than the time-out and what the machine needs.
"""

from __future__ import annotations

import contextlib
import functools
import json
import random
import signal
import time

import pytest

from cache.watched import PAGES, TESTS, Watch, ask, is_remembered, prepare, read, see_that_it_works, write
from gunicorn_config.command import Gunicorn
from kit.redis_server import wait_until

TIMEOUT = 0.25
READERS = 6


class Slowest:
    """How long answers took, by the second in which they were asked for."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, float]] = []

    def reads(self, address, watch):
        while not watch.done.is_set():
            start = time.monotonic()
            if ask(address, "GET", random.choice(PAGES), **{"If-None-Match": '"x"'}) is None:
                watch.wrong.append("no answer")
            self.taken.append((start, time.monotonic() - start))
            time.sleep(0.005)


def kill_and_restore(first, _second, watch):
    """Have it start again from a snapshot that is older than some invalidations."""
    first.command("SAVE")
    time.sleep(0.7)
    first.kill()
    time.sleep(random.random())
    first.start()
    watch.count("restored")


def stop(first, _second, watch):
    first.signal(signal.SIGSTOP)
    time.sleep(1.0 + random.random())
    first.signal(signal.SIGCONT)
    watch.count("stopped")


def fail_over(first, second, watch):
    """Make a replica, let it lag behind, and put it in the primary's place; then go back."""
    port = str(first.port)
    second.command("REPLICAOF", "127.0.0.1", port)
    wait_until(lambda: second.command("INFO", "replication")["master_link_status"] == "up")
    second.command("REPLICAOF", "127.0.0.1", "1")  # What it does not hear of any more is lost.
    time.sleep(0.4)
    # The address is a name for whoever is the primary now: a port, which the other one takes.
    first.kill()
    second.command("REPLICAOF", "NO", "ONE")
    second.command("CONFIG", "SET", "port", port)
    watch.count("failed over")
    time.sleep(1.0)
    # The first starts empty and becomes the replica of the other, as Sentinel would have it.
    second.command("CONFIG", "SET", "port", "0")
    with second.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    first.start()


def run(start_server, folder, monkeypatch, at_least):
    """Do each harm once, and again for at least so many seconds."""
    prepare(folder, monkeypatch)
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(start_server(folder / name)) for name in ("first", "second"))
        settings = {"store": first.url, "store_timeout": TIMEOUT, "release": "shell"}
        servers = []
        for release, kind in (("one", ["gthread", "--threads", "3"]), ("other", ["sync"])):
            place = folder / release
            place.mkdir()
            own = {**settings, "release": release, "cache_status": True}
            monkeypatch.setenv("VERSIONS_SETTINGS", json.dumps(own))
            arguments = ["--pythonpath", str(TESTS), "--workers", "2", "-k", *kind]
            server = stack.enter_context(Gunicorn(place, *arguments, "apps.versions:make()"))
            server.wait_for("Booting worker")
            is_remembered(server.address, PAGES[0])
            servers.append(server)
        watch, slowest = Watch(), Slowest()
        tasks = [functools.partial(read, servers[n % 2].address, watch) for n in range(READERS)]
        tasks += [functools.partial(write, watch, page, settings) for page in PAGES]
        tasks += [functools.partial(slowest.reads, server.address, watch) for server in servers]
        with watch.over(tasks):
            end = time.monotonic() + at_least
            while not watch.answers["stopped"] or time.monotonic() < end:
                for harm in (kill_and_restore, fail_over, stop):
                    time.sleep(1.0)
                    harm(first, second, watch)
            time.sleep(1.0)
        assert watch.answers["not told"] > 0, watch.answers
        taken = sorted(time_taken for _, time_taken in slowest.taken)
        # Most of the time nobody waits for what is gone; nobody waits much longer than the time-out.
        assert taken[len(taken) // 2] < TIMEOUT, taken[-20:]
        assert taken[-1] < 4 * TIMEOUT + 5, taken[-20:]
        # All is as before once the server is there again.
        for server in servers:
            see_that_it_works(server.address, settings)
    return watch


def test_nothing_stale_is_confirmed_while_a_server_is_killed_stopped_and_failed_over(
    start_server, tmp_path, monkeypatch
):
    run(start_server, tmp_path, monkeypatch, 0)


@pytest.mark.long
def test_nor_in_a_minute_of_it(start_server, tmp_path, monkeypatch):
    print(run(start_server, tmp_path, monkeypatch, 60).answers)
