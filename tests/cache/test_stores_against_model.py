"""Random histories on the stores of one process and one host, against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from cache.history import FEW, History
from notmodified import NotModified


class OnTheHost(History):
    store = "host"


class LateSequence(History):
    """A mutant: S0 is read after the application ran, for that is when the middleware is asked."""

    def wrap(self, app):
        def late(environ, start_response):
            head = []
            memory = NotModified.__call__
            conditional = "HTTP_IF_NONE_MATCH" in environ

            def replay(environ, start):
                start(*head)
                return body

            if conditional:
                return memory(core, environ, start_response)
            body = app(environ, lambda *args: head.extend(args))
            inner["app"] = replay
            try:
                return memory(core, environ, start_response)
            finally:
                inner["app"] = app

        inner = {"app": app}

        def current(environ, start_response):
            return inner["app"](environ, start_response)

        core = NotModified(current, self.config)
        return late


@pytest.mark.parametrize("machine", [History, OnTheHost], ids=["process", "host"])
def test_the_stores_do_what_the_model_does(machine):
    run_state_machine_as_test(machine, settings=FEW)


def test_a_mutant_that_reads_the_sequence_too_late_is_caught():
    with pytest.raises(AssertionError, match="the model has"):
        run_state_machine_as_test(
            LateSequence, settings=settings(FEW, max_examples=500, phases=[Phase.generate])
        )


@pytest.mark.long
@pytest.mark.parametrize("machine", [History, OnTheHost], ids=["process", "host"])
def test_nor_do_they_in_long_histories(machine):
    run_state_machine_as_test(machine, settings=settings(FEW, max_examples=1000, stateful_step_count=80))
