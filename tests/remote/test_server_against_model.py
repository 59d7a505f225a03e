"""Random histories on a server that is also flushed, loses its stamps and restarts from old snapshots."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from cache.history import FEW, History


class OnAServer(History):
    """The model of a store that forgets: what it forgot any of is a miss, all of it."""

    server = None

    def __init__(self) -> None:
        self.restarts = 0
        super().__init__()
        self.server.command("FLUSHALL")
        self.makes_a_snapshot()

    def forgets(self, held):
        """See that nothing of this is remembered any more."""
        self.stored.clear()
        for page, version in held.items():
            self.revalidate(page, self.versions[page] - version)

    @rule()
    def is_flushed(self):
        self.server.command("FLUSHALL")
        self.forgets(self.stored.copy())

    @rule()
    def loses_its_stamps(self):
        self.server.command("DEL", "{notmodified}:1:state")
        self.forgets(self.stored.copy())

    @rule()
    def makes_a_snapshot(self):
        self.server.command("SAVE")
        self.saved = self.stored.copy()

    @precondition(lambda self: self.restarts < 2)
    @rule()
    def restarts_from_the_snapshot(self):
        """Another instance asks then: this one would not for a while, as the server was gone."""
        self.restarts += 1
        del self.application
        self.server.kill()
        self.server.start()
        self.application = self.wrap(self.app)
        self.forgets(self.saved)


@pytest.fixture
def machine(own):
    return type("Machine", (OnAServer,), {"server": own, "store": own.socket_url})


def test_the_store_does_what_a_model_that_forgets_does(machine):
    run_state_machine_as_test(machine, settings=settings(FEW, max_examples=20))


@pytest.mark.long
def test_nor_does_it_remember_more_in_long_histories(machine):
    run_state_machine_as_test(machine, settings=settings(FEW, max_examples=200, stateful_step_count=80))
