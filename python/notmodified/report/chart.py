"""Charts as SVG within a page: drawn here, so that a browser needs nothing to show them.

Each has a title and a description for who does not see it; the page's style sheet colours its shapes by
their class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from notmodified.report.markup import Content, Markup, element
from notmodified.report.words import clean, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WIDTH = 960
# What a letter takes on average, and a line.
_LETTER, _LINE = 6.8, 16
_MINUTE, _DAY = 60, 86_400
_TICKS = 8
# How far apart at least.
_APART = 60
# Distances of marks on an axis of time, in seconds.
_TIMES = (
    *(1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
    *(1_209_600, 2_419_200, 4_838_400, 9_676_800, 31_449_600),
)


@dataclass(frozen=True)
class Series:
    """Numbers of one kind, one for each step or row."""

    name: str
    class_: str
    values: Sequence[float]


@dataclass(frozen=True)
class Measure:
    """A column of bars with a scale of its own."""

    name: str
    class_: str
    values: Sequence[float]
    written: Callable[[float], str]


@dataclass(frozen=True)
class Names:
    """What a chart is called and what it says, for who does not see it. The id is unique in the page."""

    id: str
    title: str
    description: str


def legend(series: Sequence[Series]) -> Markup:
    """Return which colour stands for what."""
    return element("ul", [element("li", one.name, class_=one.class_) for one in series], class_="legend")


def columns(
    names: Names, times: Sequence[datetime], step: int, series: Sequence[Series], unit: str = ""
) -> Markup:
    """Return columns over time, one for each step of so many seconds, the series one upon the other."""
    left, top, bottom, height = 64, 10, 40, 260
    plot = height - top - bottom
    sums = [sum(one.values[place] for one in series) for place in range(len(times))]
    marks = _marks(max(sums, default=0), least=0.1 if unit else 1)
    scale = plot / marks[-1]
    width = (_WIDTH - left - 8) / max(1, len(times))
    drawn: list[Content] = [_grid(marks, left, _WIDTH - 8, height - bottom, scale, unit)]
    for place, time in enumerate(times):
        base, shapes = float(height - bottom), []
        for one in series:
            tall = one.values[place] * scale
            if tall > 0:
                base -= tall
                shapes.append(_rect(left + place * width, base, width, tall, one.class_))
        parts = ", ".join(f"{one.name} {one.values[place]:,.4g}{unit}" for one in series if one.values[place])
        drawn.append(element("g", element("title", f"{_moment(time, step)}: {parts or 'nothing'}"), shapes))
    drawn.append(_time_axis(times, step, left, width, height - bottom))
    return _svg(names, _WIDTH, height, drawn, "wide")


def bars(names: Names, rows: Sequence[str], measures: Sequence[Measure]) -> Markup:
    """Return bars from left to right, a row for each name and a column for each measure."""
    longest = max((len(row) for row in rows), default=0)
    left = min(360.0, longest * _LETTER + 16)
    wide = (_WIDTH - left) / len(measures)
    tall, top = 26, 28
    drawn: list[Content] = []
    for place, row in enumerate(rows):
        label = clean(row, int(left / _LETTER))
        drawn.append(_text(left - 10, top + place * tall + 17, label, "end"))
    for number, measure in enumerate(measures):
        x = left + number * wide
        drawn.append(_text(x, 16, measure.name, "axis"))
        written = [measure.written(value) for value in measure.values]
        room = wide - 24 - _LETTER * max((len(text) for text in written), default=0)
        most = max(measure.values, default=0) or 1
        for place, (value, text) in enumerate(zip(measure.values, written, strict=True)):
            y = top + place * tall
            long = max(room * value / most, 1.5 if value else 0)
            if value:
                drawn.append(_rect(x, y + 4, long, tall - 8, measure.class_))
            drawn.append(_text(x + long + 5, y + 17, text, "axis"))
        drawn.append(_line(x, top, x, top + len(rows) * tall))
    return _svg(names, _WIDTH, top + len(rows) * tall + 4, drawn, "wide")


@dataclass(frozen=True)
class Curve:
    """What each freshness lifetime saves and risks, in one route."""

    lifetimes: Sequence[int]
    # Whole responses and 304s that would have been spared.
    series: Sequence[Series]
    # The share of outdated uses in percent.
    outdated: Sequence[float]
    risk: float
    # The proposed lifetime, and the longest that the log can tell of.
    chosen: int | None
    proven: float


def curve(names: Names, of: Curve) -> Markup:
    """Return what is saved above, and what that risks below, over the same lifetimes."""
    left, width, right = 56, 510, 8
    upper, between, lower = (30, 170), 34, 60
    wide = (width - left - right) / len(of.lifetimes)
    marks = _marks(max(sum(values) for values in zip(*(one.values for one in of.series), strict=True)))
    scale = (upper[1] - upper[0]) / marks[-1]
    floor = upper[1] + between + lower
    risks = _marks(max(*of.outdated, of.risk * 1.25), 2, 1e-3)
    risk_scale = lower / risks[-1]
    drawn: list[Content] = [
        _text(left, 16, "requests saved", "axis"),
        _grid(marks, left, width - right, upper[1], scale),
        _text(left, floor - lower - 10, "outdated uses", "axis"),
        _grid(risks, left, width - right, floor, risk_scale, "%"),
    ]
    mark: list[Content] = []
    for place, lifetime in enumerate(of.lifetimes):
        x, base = left + place * wide + 3, float(upper[1])
        shapes: list[Content] = []
        for one in of.series:
            tall = one.values[place] * scale
            if tall > 0:
                base -= tall
                shapes.append(_rect(x, base, wide - 6, tall, one.class_))
        tall = of.outdated[place] * risk_scale
        if tall > 0:
            shapes.append(_rect(x, floor - tall, wide - 6, tall, "server-error"))
        proven = None if lifetime <= of.proven else "unproven"
        drawn.append(element("g", shapes, class_=proven))
        if lifetime == of.chosen:
            mark = [
                _rect(x, base, wide - 6, upper[1] - base, "chosen"),
                _text(x, base - 6, "proposed", "strong"),
            ]
        drawn.append(_text(x + wide / 2 - 3, floor + 16, duration(lifetime), "axis middle"))
    drawn.append(mark)
    limit = floor - of.risk * risk_scale
    drawn.append(_line(left, limit, width - right, limit, "limit"))
    drawn.append(_text(width - right, limit - 4, f"risk {of.risk:g}%", "limit-text end"))
    return _svg(names, width, floor + 24, drawn)


@dataclass(frozen=True)
class Gaps:
    """How long clients were away, in one route."""

    # Where one span ends and the next begins; the last has no end.
    limits: Sequence[int]
    series: Sequence[Series]
    # The proposed lifetime, one of the limits.
    chosen: int | None


def gaps(names: Names, of: Gaps) -> Markup:
    """Return how many returns there were after how long a time, and where the proposed lifetime ends."""
    left, width, right = 40, 510, 2
    top, floor = 30, 130
    wide = (width - left - right) / (len(of.limits) + 1)
    sums = [sum(values) for values in zip(*(one.values for one in of.series), strict=True)]
    marks = _marks(max(sums), 2)
    scale = (floor - top) / marks[-1]
    drawn: list[Content] = [
        _text(left, 16, "returns", "axis"),
        _grid(marks, left, width - right, floor, scale),
    ]
    for place in range(len(sums)):
        base, shapes = float(floor), []
        for one in of.series:
            tall = one.values[place] * scale
            if tall > 0:
                base -= tall
                shapes.append(_rect(left + place * wide + 1, base, wide - 2, tall, one.class_))
        drawn.append(element("g", shapes))
    for place, limit in enumerate(of.limits, 1):
        x = left + place * wide
        drawn.append(_line(x, floor, x, floor + 5))
        drawn.append(_text(x, floor + 18, duration(limit), "axis middle"))
        if limit == of.chosen:
            drawn += [
                _line(x, top - 8, x, floor, "chosen"),
                _text(x, top - 14, f"proposed: {duration(limit)}", "strong middle"),
            ]
    return _svg(names, width, floor + 24, drawn)


def _svg(names: Names, width: float, height: float, content: Content, class_: str | None = None) -> Markup:
    return element(
        "svg",
        element("title", names.title, id=f"{names.id}-title"),
        element("desc", names.description, id=f"{names.id}-desc"),
        content,
        viewBox=f"0 0 {width} {height:g}",
        role="img",
        aria_labelledby=f"{names.id}-title",
        aria_describedby=f"{names.id}-desc",
        class_=class_,
    )


def _rect(x: float, y: float, width: float, height: float, class_: str) -> Markup:
    return element(
        "rect", x=_place(x), y=_place(y), width=_place(width), height=_place(height), class_=class_
    )


def _line(x1: float, y1: float, x2: float, y2: float, class_: str | None = None) -> Markup:
    return element("line", x1=_place(x1), y1=_place(y1), x2=_place(x2), y2=_place(y2), class_=class_)


def _text(x: float, y: float, text: str, class_: str | None = None) -> Markup:
    return element("text", text, x=_place(x), y=_place(y), class_=class_)


def _place(number: float) -> float:
    return round(number, 2)


def _marks(most: float, count: int = 4, least: float = 1) -> list[float]:
    """Return round numbers, some `count` of them, from 0 to at least the most; not closer than the least."""
    rough = max(most / count, least)
    unit = 10 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * 0.999)
    return [step * number for number in range(max(1, math.ceil(most / step * 0.999)) + 1)]


def _grid(  # noqa: PLR0913, PLR0917  a plot has four sides
    marks: Sequence[float], left: float, right: float, floor: float, scale: float, unit: str = ""
) -> list[Content]:
    return [
        part
        for mark in marks
        for part in (
            _line(left, floor - mark * scale, right, floor - mark * scale),
            _text(left - 8, floor - mark * scale + 4, f"{mark:,.10g}{unit}", "axis end"),
        )
    ]


def _time_axis(
    times: Sequence[datetime], step: int, left: float, width: float, floor: float
) -> list[Content]:
    span = step * len(times)
    apart = next((apart for apart in _TIMES if apart >= step and span / apart <= _TICKS), span / _TICKS)
    drawn: list[Content] = []
    day, taken = None, -math.inf
    for place, time in enumerate(times):
        x = left + place * width
        if time.timestamp() % apart >= step or x - taken < _APART:
            continue
        taken = x
        # The last may have to stand to the left of its mark.
        where = "axis end" if x > _WIDTH - 2 * _APART else "axis"
        drawn.append(_line(x, floor, x, floor + 5))
        if apart >= _DAY:
            mark = f"{time.day} {time:%b}"
        else:
            mark = f"{time:%H:%M}" if apart >= _MINUTE else f"{time:%H:%M:%S}"
        drawn.append(_text(x, floor + 18, mark, where))
        if day is None or (time.date() != day and apart < _DAY) or time.year != day.year:
            drawn.append(_text(x, floor + 18 + _LINE, f"{time.day} {time:%b} {time.year}", where))
            day = time.date()
    return drawn


def _moment(time: datetime, step: int) -> str:
    until = time + timedelta(seconds=step)
    written = f"{time.day} {time:%b} {time.year}"
    if step >= _DAY:
        return written if step == _DAY else f"{written} and {duration(step)} from then"
    pattern = "%H:%M" if step >= _MINUTE else "%H:%M:%S"
    return f"{written} {time:{pattern}} to {until:{pattern}}"


def moment(written: str) -> datetime:
    """Return a document's time."""
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
