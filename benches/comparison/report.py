"""Samples → a table that says for each goal whether it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from comparison.measure import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from comparison.measure import Effort, Samples


@dataclass(frozen=True)
class Line:
    """One comparison. At most one of the goals is set; without one the line is for the reader alone."""

    work: str
    peer: str = ""
    at_least: float | None = None  # times less than the peer
    at_most: float | None = None  # times as much as the peer
    limit_ns: float | None = None  # by itself
    peer_work: str = ""  # the peer's figure is that of another work
    rate: bool = False  # shown as so many a second


@dataclass(frozen=True)
class Group:
    """Works that are measured by the same means."""

    name: str
    title: str
    about: str
    measure: Callable[[Effort], Samples]
    lines: Sequence[Line]
    once: bool = False  # in one process, for it starts others itself
    needs: str = ""  # a program, without which it is left out


@dataclass(frozen=True)
class Judged:
    """A line with its figures."""

    cells: tuple[str, ...]
    reached: bool | None


def time_of(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(nanoseconds) >= size:
            return f"{significant(nanoseconds / size)} {unit}"
    return f"{significant(nanoseconds)} ns"


def significant(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_much(ratio: float) -> str:
    return f"{ratio:.2f}x as much"


def judge(line: Line, medians: Mapping[str, Mapping[str, float]]) -> Judged:
    shown = (lambda value: f"{1e9 / value:,.0f}/s") if line.rate else time_of
    ours = medians.get(line.work, {}).get(OURS)
    peer = medians.get(line.peer_work or line.work, {}).get(line.peer) if line.peer else None
    if ours is None or (line.peer and peer is None):
        return Judged((line.work, line.peer, "", "", "", goal_of(line), "not measured"), reached=None)
    ratio, reached = "", None
    if line.limit_ns is not None:
        reached = ours <= line.limit_ns
    elif peer is not None:
        if line.at_most is not None:
            ratio, reached = as_much(ours / peer), ours <= line.at_most * peer
        elif line.at_least is None and not line.rate and ours > peer:
            ratio = as_much(ours / peer)
        else:
            ratio = f"{significant(peer / ours)}x " + ("more" if line.rate else "less")
            reached = None if line.at_least is None else peer >= line.at_least * ours
    peer_name = line.peer + (f", {line.peer_work}" if line.peer_work else "")
    peer_figure = "" if peer is None else shown(peer)
    verdict = {None: "", True: "reached", False: "**missed**"}[reached]
    return Judged((line.work, peer_name, peer_figure, shown(ours), ratio, goal_of(line), verdict), reached)


def goal_of(line: Line) -> str:
    if line.limit_ns is not None:
        return f"≤ {time_of(line.limit_ns)}"
    if line.at_most is not None:
        return f"≤ {line.at_most:g}x as much"
    if line.at_least is not None:
        return f"≥ {line.at_least:g}x " + ("more" if line.rate else "less")
    return ""


def section(group: Group, samples: Samples) -> tuple[str, list[Judged]]:
    medians = {
        work: {name: median(figures) for name, figures in contenders.items() if figures}
        for work, contenders in samples.items()
    }
    judged = [judge(line, medians) for line in group.lines if line.work in medians]
    if group.needs and not samples:
        left_out = f"left out: no `{group.needs}` here"
        judged = [
            Judged((line.work, line.peer, "", "", "", goal_of(line), left_out), reached=None)
            for line in group.lines
        ]
    rows = (
        ["work", "peer", "peer's", "ours", "ratio", "goal", ""],
        ["---", "---", "--:", "--:", "--:", "---", "---"],
    )
    rows = [*rows, *(each.cells for each in judged)]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
    return f"## {group.title}\n\n{group.about}\n\n{table}\n", judged


def summary(judged: Sequence[Judged]) -> str:
    with_goal = [each for each in judged if each.reached is not None]
    missed = [each for each in with_goal if not each.reached]
    text = f"{len(with_goal) - len(missed)} of {len(with_goal)} goals are reached."
    for each in missed:
        work, peer, _, ours, ratio, goal, _ = each.cells
        text += f"\n- missed: {work}" + (f", {peer}" if peer else "") + f": {ratio or ours}, goal {goal}"
    return text
