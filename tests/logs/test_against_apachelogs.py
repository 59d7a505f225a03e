"""Counts of a real log are those of an independent parser, to the last line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import apachelogs
import pytest

from logs.writing import analysed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_real_log_is_read_to_the_last_line(sample: Path) -> None:
    parser = apachelogs.LogParser(apachelogs.COMBINED)
    requests, octets, methods = Counter(), Counter(), Counter()
    clients, times = set(), []
    with sample.open(encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            entry = parser.parse(line)
            requests[str(entry.final_status)] += 1
            octets[str(entry.final_status)] += entry.bytes_sent or 0
            methods[entry.request_line.split(" ")[0]] += 1
            clients.add((entry.remote_host, entry.remote_user, entry.headers_in["User-Agent"]))
            times.append(entry.request_time.timestamp())
    document = analysed(sample)
    totals = document["totals"]
    assert {status: cost["requests"] for status, cost in totals["by_status"].items()} == requests
    assert {status: cost["bytes"] for status, cost in totals["by_status"].items()} == octets
    assert totals["by_method"] == methods
    assert (totals["requests"], totals["bytes"]) == (sum(requests.values()), sum(octets.values()))
    assert totals["not_modified_share"] == pytest.approx(
        requests["304"] / (requests["200"] + requests["304"])
    )
    assert document["log"]["parsed"] == document["log"]["lines"] == sum(requests.values())
    assert document["log"]["seconds"] == max(times) - min(times)
    assert document["clients"]["count"] == len(clients)
