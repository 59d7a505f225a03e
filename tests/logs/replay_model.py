"""What the replay says of one URL, written as plainly as can be: no tables, no threads, no sampling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logs.writing import Line

LIFETIMES = [10, 60, 300, 600, 3600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000]
ENOUGH = 20


@dataclass
class Curve:
    """Requests that each lifetime would have saved: all, 304s, outdated uses."""

    unchanged: int = 0
    changed: int = 0
    points: dict[int, list[int]] = field(default_factory=lambda: {life: [0, 0, 0] for life in LIFETIMES})
    # Returns by the first lifetime that is longer than the time away: unchanged, changed.
    gaps: dict[int | None, list[int]] = field(
        default_factory=lambda: {life: [0, 0] for life in [*LIFETIMES, None]}
    )


def curve(lines: list[Line]) -> Curve:
    """Replay the requests of browsers for one URL, each client by itself, in the order of their time."""
    result = Curve()
    for client in {line.client for line in lines}:
        own = sorted((line for line in lines if line.client == client), key=lambda line: line.at)
        _client(own, result)
    return result


def _client(own: list[Line], result: Curve) -> None:
    # What the client has, by tag or size; None if nothing.
    version: object = None
    fetched: dict[int, tuple[float, bool]] = {}
    asked = 0.0
    for line in own:
        said = line.etag if line.etag != "-" else line.size if line.size not in {0, "-"} else None
        if line.status == 304:
            same = True
            known = version is not None
        elif line.status == 200:
            same = said == version
            known = version not in {None, "unnamed"} and said is not None
        else:
            continue
        if not known:
            fetched = dict.fromkeys(LIFETIMES, (line.at, False))
        else:
            result.unchanged += same
            result.changed += not same
            away = line.at - asked
            result.gaps[next((life for life in LIFETIMES if away < life), None)][not same] += 1
            for life in LIFETIMES:
                since, outdated = fetched[life]
                outdated |= not same
                if line.at - since < life:
                    point = result.points[life]
                    point[0] += 1
                    point[1] += line.status == 304
                    point[2] += outdated
                    fetched[life] = (since, outdated)
                else:
                    fetched[life] = (line.at, False)
        asked = line.at
        if line.status == 200:
            version = said
        elif version is None:
            version = (
                said if line.etag != "-" else "unnamed" if line.if_none_match == "-" else line.if_none_match
            )


def lifetime(result: Curve, risk: float, span: float) -> int | None:
    """Return the shortest lifetime that saves nine tenths of what the best allowed one does."""
    if result.unchanged + result.changed < ENOUGH:
        return None
    allowed = []
    for life, (saved, _, stale) in result.points.items():
        if life > int(span) // 2 or not saved:
            continue
        if stale / saved > risk:
            break
        allowed.append((life, saved))
    most = max((saved for _, saved in allowed), default=0)
    return next((life for life, saved in allowed if saved >= 0.9 * most), None) if most else None
