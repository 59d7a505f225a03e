"""Each finding in the smallest log that has it, and a healthy log that has none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from logs.writing import CRAWLER, Line, analysed, write
from notmodified._core import finding_kinds

if TYPE_CHECKING:
    from pathlib import Path

TAGS = [f'"version-{number}"' for number in range(40)]


def returns(count: int = 5, every: float = 120, **with_: object) -> list[Line]:
    """One client gets a page and comes back for it."""
    first = {key: value for key, value in with_.items() if key != "if_none_match"} | {"status": 200}
    first.setdefault("size", 100)
    return [Line(at=0, **(first | {"size": first["size"] or 100}))] + [
        Line(at=every * number, **with_) for number in range(1, count)
    ]


HEALTHY = [
    *(
        Line(
            at=60 * page + client, client=f"192.0.2.{client}", target=f"/page-{page}", etag=TAGS[page], us=900
        )
        for client in range(1, 12)
        for page in range(4)
    ),
    Line(
        at=4000,
        client="192.0.2.1",
        target="/page-1",
        status=304,
        size=0,
        if_none_match=TAGS[1],
        etag=TAGS[1],
        us=90,
    ),
    Line(at=4100, client="192.0.2.2", target="/gone", status=404, us=100),
    Line(at=4200, client="192.0.2.3", target="/form", method="POST", status=303, us=3000),
    Line(at=4300, client="192.0.2.4", target="/old", status=301, us=100),
    Line(at=61, client="192.0.2.1", target="/page-1", method="HEAD", etag=TAGS[1], us=900),
]

LOGS: dict[str, list[Line]] = {
    "content-in-304": returns(status=304, size=120, etag=TAGS[0]),
    "validator-ignored": returns(status=200, etag=TAGS[0], if_none_match=TAGS[0]),
    "unstable-tag": [
        Line(at=120 * number, etag=TAGS[number], if_none_match=TAGS[number - 1] if number else "-")
        for number in range(6)
    ],
    "tag-rewritten": returns(status=200, etag=TAGS[0], if_none_match="W/" + TAGS[0]),
    "never-304": [
        Line(
            at=999 * number,
            etag=TAGS[number],
            size=100 + number,
            if_none_match=TAGS[number - 1] if number else "-",
        )
        for number in range(12)
    ],
    "head-differs": [
        Line(at=3 * number + second, client=f"192.0.2.{number}", method=method, etag=tag)
        for number in range(1, 5)
        for second, method, tag in ((0, "GET", TAGS[0]), (1, "HEAD", "-"))
    ],
    "orphan-304": [
        Line(client=f"192.0.2.{number}", status=304, size=0, etag=TAGS[0]) for number in range(1, 5)
    ],
    "needless-revalidation": returns(60, status=304, size=0, etag=TAGS[0], if_none_match=TAGS[0]),
    "versioned-revalidated": returns(target="/static/app.3f2a1b9c.js", status=304, size=0, etag=TAGS[0]),
    "repeated-response": returns(),
    "slow-304": returns(status=304, size=0, etag=TAGS[0], us=50_000),
    "reload-storm": returns(20, every=2, status=304, size=0, etag=TAGS[0]),
    "cache-busting": [Line(at=120 * number, target=f"/api?_=17000000{number}") for number in range(4)],
    "never-asks": returns(agent=CRAWLER),
    "refused-preconditions": [
        Line(at=number, method="PUT", status=412, if_match=TAGS[1], target="/api/1") for number in range(4)
    ],
    "refused-again": [
        Line(
            at=60 * number,
            method="PUT",
            status=412,
            if_match=TAGS[1],
            etag=TAGS[2],
            target="/api/1",
            agent="app/1",
        )
        for number in range(8)
    ],
    # Each fetches it, and each but the first to write is told that it has changed.
    "update-conflicts": [
        line
        for number in range(3)
        for client in range(1, 5)
        for line in (
            Line(
                at=90 * number + client,
                client=f"192.0.2.{client}",
                target="/api/1",
                etag=TAGS[number],
                size=100 + number,
            ),
            Line(
                at=90 * number + 30 + client,
                client=f"192.0.2.{client}",
                method="PUT",
                status=204 if client == 1 else 412,
                size=0,
                if_match=TAGS[number],
                target="/api/1",
            ),
        )
    ],
    "if-match-never-holds": [
        Line(
            at=90 * number,
            client=f"192.0.2.{number % 6}",
            method="PUT",
            status=412,
            if_match="W/" + TAGS[0],
            target="/api/1",
        )
        for number in range(12)
    ],
    "redirect-again": [Line(at=120 * number, status=301, target="/old") for number in range(5)],
    "missing-again": [Line(at=120 * number, status=404, target="/favicon.ico") for number in range(5)],
}


def ids(file: Path, **options: object) -> list[str]:
    return [finding["id"] for finding in analysed(file, **options)["findings"]]


def test_a_healthy_log_has_no_finding(tmp_path: Path) -> None:
    assert ids(write(tmp_path / "log", HEALTHY)) == []


@pytest.mark.parametrize("finding", LOGS)
def test_a_log_has_the_finding_that_it_shows(finding: str, tmp_path: Path) -> None:
    also = {
        # Some come together by their nature; nothing else is wrong with any of these logs.
        "content-in-304": {"needless-revalidation"},
        "never-304": {"unstable-tag"},
        "reload-storm": {"needless-revalidation"},
        "slow-304": {"needless-revalidation"},
    }
    log = write(tmp_path / "log", [*HEALTHY, *LOGS[finding]])
    found = {one["id"]: one for one in analysed(log)["findings"]}
    assert finding in found
    assert set(found) <= {finding} | also.get(finding, set())
    one = found[finding]
    assert one["severity"] in {"info", "warning", "error"}
    assert one["fix"]
    assert one["cost"]["requests"] >= 3
    assert sum(route["requests"] for route in one["routes"]) == one["cost"]["requests"]
    # The lines that show it are those that were written to have it, not the healthy ones.
    lines = [int(shown["place"].rpartition(":")[2]) for shown in one["evidence"]]
    assert lines
    assert finding == "needless-revalidation" or min(lines) > len(HEALTHY)


def test_one_client_that_is_refused_again_and_again_is_told_by_its_name(tmp_path: Path) -> None:
    lines = [*LOGS["update-conflicts"], *LOGS["refused-again"]]
    found = {one["id"]: one for one in analysed(write(tmp_path / "log", lines))["findings"]}
    assert set(found) == {"refused-again", "update-conflicts"}
    assert found["update-conflicts"]["clients"] == []
    assert found["update-conflicts"]["cost"]["requests"] == 9
    assert found["refused-again"]["clients"] == [
        {
            "client": "192.0.2.1",
            "user_agent": "app/1",
            "route": "/api/{id}",
            "requests": 8,
            "bytes": 800,
            "worker_seconds": 0.0,
        }
    ]


@pytest.mark.parametrize(
    ("status", "method", "guard"), [(412, "PUT", TAGS[1]), (416, "GET", "-"), (428, "PATCH", "-")]
)
def test_each_refusal_can_be_a_clients_defect(tmp_path: Path, status: int, method: str, guard: str) -> None:
    lines = [Line(at=60 * n, method=method, status=status, if_match=guard) for n in range(9)]
    assert ids(write(tmp_path / "log", lines)) == ["refused-again"]


def test_nobody_is_blamed_behind_an_address_that_many_share(tmp_path: Path) -> None:
    lines = [
        Line(at=n, method="PUT", status=412, if_match=TAGS[1], agent=f"app/{n % 20}") for n in range(200)
    ]
    lines.append(Line(at=300, method="PUT", status=204, if_match=TAGS[1], agent="app/1"))
    assert ids(write(tmp_path / "log", lines)) == ["refused-preconditions"]


def test_refused_preconditions_are_told_by_their_status_alone(tmp_path: Path) -> None:
    line = '192.0.2.1 - - [24/Nov/2026:12:00:00 +0000] "PUT /api/1 HTTP/1.1" 412 20 "-" "app/1"'
    assert ids(write(tmp_path / "log", [line] * 4)) == ["refused-preconditions"]


def test_text_that_went_out_uncompressed_is_found(tmp_path: Path) -> None:
    def line(path: str, coding: str) -> str:
        return f'192.0.2.1 [24/Nov/2026:12:00:00 +0000] "GET {path} HTTP/1.1" 200 90000 {coding}'

    lines = [line("/a.css", "gzip"), *(line(f"/{name}.js", "-") for name in "abcd")]
    notation = '%(h)s %(t)s "%(r)s" %(s)s %(b)s %({content-encoding}o)s'
    assert ids(write(tmp_path / "log", lines), format=notation) == ["uncompressed"]


def test_a_proxy_that_rewrites_tags_is_told_apart_from_tags_that_change(tmp_path: Path) -> None:
    def comes_back_with(own: str) -> list[str]:
        lines = [
            Line(at=120 * n, etag=TAGS[n], if_none_match=own.format(TAGS[n - 1]) if n else "-")
            for n in range(6)
        ]
        same = [Line(**{**vars(line), "etag": TAGS[0]}) for line in lines]
        same = [
            Line(**{**vars(line), "if_none_match": own.format(TAGS[0]) if line.at else "-"}) for line in same
        ]
        return [ids(write(tmp_path / "log", one))[0] for one in (lines, same)]

    # The tag as it was given, and as a proxy made it; of an application that is unstable, and of another.
    assert comes_back_with("{}") == ["unstable-tag", "validator-ignored"]
    assert comes_back_with("W/{}")[1] == "tag-rewritten"


def test_a_finding_says_what_it_costs_and_shows_lines(tmp_path: Path) -> None:
    log = write(tmp_path / "log", LOGS["slow-304"])
    (finding,) = (one for one in analysed(log)["findings"] if one["id"] == "slow-304")
    assert finding["cost"] == {"requests": 4, "bytes": 0, "worker_seconds": 0.2}
    assert [route["route"] for route in finding["routes"]] == ["/"]
    assert [line["place"] for line in finding["evidence"]] == [f"{log}:{number}" for number in (2, 3, 4)]
    assert finding["evidence"][0]["microseconds"] == 50_000


def test_only_lines_are_shown_as_needless_that_a_lifetime_would_have_spared(tmp_path: Path) -> None:
    def again(client: str, at: float) -> Line:
        return Line(at=at, client=client, status=304, size=0, etag=TAGS[0])

    # Of the first nobody knows since when it has it, the second comes back after too long a time.
    late = [again("192.0.2.9", 0), Line(at=1, client="192.0.2.8", etag=TAGS[0]), again("192.0.2.8", 50_000)]
    soon = [again("192.0.2.7", 60_000 + 100 * number) for number in range(30)]
    document = analysed(write(tmp_path / "log", [*late, *soon]))
    assert document["routes"][0]["recommendation"]["lifetime"] == 3600
    (finding,) = (one for one in document["findings"] if one["id"] == "needless-revalidation")
    assert finding["cost"]["requests"] == 29
    assert [line["place"].rpartition(":")[2] for line in finding["evidence"]] == ["5"]


def test_each_kind_of_finding_has_a_log_that_shows_it() -> None:
    kinds = {kind["id"] for kind in json.loads(finding_kinds())["logs"]}
    # That takes a format of its own.
    assert kinds - {"uncompressed"} == set(LOGS)


def test_an_address_that_many_share_proves_nothing(tmp_path: Path) -> None:
    one_each = [Line(at=number, agent=f"Mozilla/5.0 ({number % 20})") for number in range(400)]
    document = analysed(write(tmp_path / "log", one_each))
    assert [finding["id"] for finding in document["findings"]] == []
    assert document["clients"]["shared_addresses"] == [
        {"address": "192.0.2.1", "user_agents": 20, "requests": 400}
    ]
    assert any("that is a proxy's address" in sentence for sentence in document["log"]["cannot_tell"])


def test_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    kept = returns(60, status=304, size=0, etag=TAGS[0])
    forbidden = [Line(**{**vars(line), "cache_control": "no-store"}) for line in kept]
    proposals = [
        analysed(write(tmp_path / "log", lines))["routes"][0]["recommendation"] for lines in (kept, forbidden)
    ]
    assert proposals[0] is not None
    assert proposals[1] is None
