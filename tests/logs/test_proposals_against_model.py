"""Curves and proposals of random logs are those of a plain model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs import replay_model
from logs.writing import Line, analysed, write

VERSIONS = ['"one"', '"two"', '"three"']
RISKS = [0.0, 0.01, 0.1]


@st.composite
def lines_of_one_url(draw: st.DrawFn) -> list[Line]:
    def line(at: int) -> Line:
        status = draw(st.sampled_from([200, 304, 304, 304, 200, 404, 500]))
        tag = draw(st.sampled_from([VERSIONS[0], VERSIONS[0], *VERSIONS, "-"]))
        return Line(
            at=at,
            client=f"192.0.2.{draw(st.integers(1, 4))}",
            status=status,
            size=0 if status == 304 else draw(st.sampled_from([100, 200, 0, "-"])),
            etag=tag,
            if_none_match=tag if status == 304 and draw(st.booleans()) else "-",
        )

    gaps = draw(
        st.lists(st.sampled_from([1, 4, 10, 30, 200, 400, 3000, 10_000, 90_000]), min_size=1, max_size=90)
    )
    at, lines = 0, []
    for gap in gaps:
        at += gap
        lines.append(line(at))
    return lines


@given(lines_of_one_url(), st.sampled_from(RISKS), st.randoms(use_true_random=False))
def test_a_random_log_is_replayed_as_the_model_does(lines: list[Line], risk: float, order: object) -> None:
    span = max(line.at for line in lines) - min(line.at for line in lines)
    model = replay_model.curve(lines)
    # Workers write in any order, and rotated files are read in any.
    mixed = list(lines)
    order.shuffle(mixed)
    with tempfile.TemporaryDirectory() as folder:
        (route,) = analysed(write(Path(folder) / "log", mixed), risk=risk, threads=2)["routes"]
    assert (route["unchanged"], route["changed"]) == (model.unchanged, model.changed)
    found = {
        point["lifetime"]: [point["saved"], point["not_modified"], point["stale"]] for point in route["curve"]
    }
    assert found == model.points
    gaps = {gap["below"]: [gap["unchanged"], gap["changed"]] for gap in route["gaps"]}
    assert gaps == model.gaps
    proposal = route["recommendation"]
    assert (proposal and proposal["lifetime"]) == replay_model.lifetime(model, risk, span)


@pytest.mark.parametrize("lifetime", replay_model.LIFETIMES)
def test_a_return_after_just_a_lifetime_is_past_it(lifetime: int, tmp_path: Path) -> None:
    # RFC 9111 §4.2: a response is fresh while its lifetime is greater than its age.
    longer = [one for one in replay_model.LIFETIMES if one > lifetime]
    for away, spare, bin_ in (
        (lifetime - 1, [lifetime, *longer], lifetime),
        (lifetime, longer, next(iter(longer), None)),
    ):
        lines = [Line(etag=VERSIONS[0]), Line(at=away, status=304, size=0, etag=VERSIONS[0])]
        (route,) = analysed(write(tmp_path / "log", lines))["routes"]
        assert [point["lifetime"] for point in route["curve"] if point["saved"]] == spare
        assert [gap["below"] for gap in route["gaps"] if gap["unchanged"]] == [bin_]
