"""Contenders timed side by side: short batches in turn, CPU time, many rounds.

A machine that slows down, or a neighbour that wakes up, then hits all of them alike. Each is timed next to
what it stands on (a bare app, the making of a request, an empty loop), and what counts is the difference.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from timeit import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of each work, of each contender: nanoseconds, one figure a round.
Samples = dict[str, dict[str, list[float]]]

OURS = "notmodified"
PROTOTYPE = "prototype"


@dataclass(frozen=True)
class Effort:
    """How long to measure. Each process starts afresh, with its own hash seed and layout of memory."""

    processes: int = 8
    rounds: int = 12
    batch_ns: int = 1_500_000


FULL = Effort()
QUICK = Effort(processes=1, rounds=2, batch_ns=100_000)


@dataclass(frozen=True)
class Contender:
    """A statement to be timed, over another one that is subtracted."""

    name: str
    statement: str
    names: Mapping[str, object] = field(default_factory=dict)
    over: str = "pass"


@dataclass(frozen=True)
class Work:
    """What all contenders do, each in its way. `per` makes it a figure a byte."""

    title: str
    contenders: Sequence[Contender]
    per: int = 1


class Timed:
    """A contender, and how often its statements are run in one batch. The garbage collector runs as it would
    in a server: without it frameworks that leave cycles behind pay for ever new memory instead."""

    def __init__(self, contender: Contender, batch_ns: int) -> None:
        self.name = contender.name
        self.timers = [
            (timer, repetitions(timer, batch_ns))
            for timer in (
                Timer(statement, "gc.enable()", time.process_time_ns, {**contender.names, "gc": gc})
                for statement in (contender.statement, contender.over)
            )
        ]

    def once(self) -> float:
        statement, over = (timer.timeit(number) / number for timer, number in self.timers)
        return statement - over


def repetitions(timer: Timer, batch_ns: int) -> int:
    number = 1
    while (taken := timer.timeit(number)) < batch_ns / 4:
        number = number * 2 if taken <= 0 else max(number * 2, int(number * batch_ns / taken / 2))
    # The quickest of a few: if the garbage collector ran meanwhile, a batch would be one cold repetition.
    taken = min(taken, *(timer.timeit(number) for _ in range(3)))
    return max(1, int(number * batch_ns / taken))


def side_by_side(works: Sequence[Work], effort: Effort) -> Samples:
    timed = {
        work.title: [Timed(contender, effort.batch_ns) for contender in work.contenders] for work in works
    }
    samples: Samples = {title: {each.name: [] for each in all_} for title, all_ in timed.items()}
    for number in range(effort.rounds):
        for work in works:
            contenders = timed[work.title]
            first = number % len(contenders)
            for contender in contenders[first:] + contenders[:first]:
                samples[work.title][contender.name].append(contender.once() / work.per)
    return samples
