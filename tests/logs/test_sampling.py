"""A log too large for the memory allowed is estimated from whole clients, without a bias."""

from __future__ import annotations

import random
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import pytest

from logs.writing import Line, analysed, write
from notmodified import Config

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS, RUNS = 1500, 12
# So little that only the least is kept.
LITTLE = 1


def log_of(number: int, chance: random.Random) -> list[Line]:
    """Clients that come back some a few times and some often; all have names of their own in each log."""
    return [
        Line(
            at=60 * visit, client=f"10.{number}.{client // 250}.{client % 250}", status=304 if visit else 200
        )
        for client in range(CLIENTS)
        for visit in range(1 + min(int(chance.paretovariate(1)), 30))
    ]


def test_estimates_are_right_on_average_and_within_their_error(tmp_path: Path) -> None:
    chance = random.Random(1)
    errors, within, stated = [], 0, []
    for number in range(RUNS):
        lines = log_of(number, chance)
        true = sum(line.status == 304 for line in lines)
        document = analysed(write(tmp_path / "log", lines), max_memory=LITTLE)
        about = document["log"]
        assert about["one_in"] > 1
        assert document["totals"]["by_status"]["304"]["requests"] == true
        estimate = document["routes"][0]["not_modified"]["requests"]
        errors.append(estimate / true - 1)
        stated.append(about["error"])
        within += abs(errors[-1]) <= about["error"] * 1.5
    assert within >= RUNS - 2
    assert abs(fmean(errors)) < 3 * stdev(errors) / RUNS**0.5
    assert 0 < fmean(stated) < 0.3


def test_a_log_that_fits_is_counted_exactly(tmp_path: Path) -> None:
    lines = log_of(0, random.Random(2))
    document = analysed(write(tmp_path / "log", lines))
    assert (document["log"]["one_in"], document["log"]["error"]) == (1, 0)
    assert document["clients"]["count"] == CLIENTS
    assert document["routes"][0]["all"]["requests"] == len(lines)


SOON = Config.from_mapping({"policy": [{"cache_control": "max-age=150"}]})


def test_a_simulation_of_some_clients_estimates_that_of_all(tmp_path: Path) -> None:
    chance = random.Random(3)
    figures = ("requests", "not_modified", "bytes")
    runs, within, errors = 4, dict.fromkeys((*figures, "saved"), 0), []
    for number in range(runs):
        log = write(tmp_path / "log", log_of(number, chance))
        exact = analysed(log, simulate=SOON)["simulation"]
        sampled = analysed(log, simulate=SOON, max_memory=LITTLE)["simulation"]
        assert set(exact["error"].values()) == {0}
        for figure in figures:
            off = abs(sampled["after"][figure] - exact["after"][figure])
            within[figure] += off <= 1.5 * sampled["error"][figure]
            assert sampled["error"][figure] < 0.4 * exact["after"][figure]
        saved, estimate = (one["before"]["requests"] - one["after"]["requests"] for one in (exact, sampled))
        assert saved > 0
        within["saved"] += abs(estimate - saved) <= 1.5 * sampled["error"]["saved"]
        errors.append(estimate / saved - 1)
    assert min(within.values()) >= runs - 1, within
    assert abs(fmean(errors)) < 3 * stdev(errors) / runs**0.5


def test_a_shared_cache_is_not_simulated_from_some_of_the_clients(tmp_path: Path) -> None:
    log = write(tmp_path / "log", log_of(0, random.Random(4)))
    assert analysed(log, simulate=SOON, shared_cache=True)["simulation"]["shared_cache"]
    with pytest.raises(ValueError, match="a shared cache can't be simulated: the log is too large"):
        analysed(log, simulate=SOON, shared_cache=True, max_memory=LITTLE)


def test_an_address_that_many_share_is_known_from_a_sample(tmp_path: Path) -> None:
    people = [
        Line(at=number, client="192.0.2.1", agent=f"Mozilla/5.0 ({number % 400})") for number in range(4000)
    ]
    log = write(tmp_path / "log", people + log_of(0, random.Random(5)))
    about, clients = (analysed(log, max_memory=LITTLE)[part] for part in ("log", "clients"))
    assert about["one_in"] > 1
    (shared,) = clients["shared_addresses"]
    assert shared["address"] == "192.0.2.1"
    assert 200 < shared["user_agents"] < 800
    assert [one["address"] for one in analysed(log)["clients"]["shared_addresses"]] == ["192.0.2.1"]
