"""What would have happened under other policies, beside a plain model of caches."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.caches_model import Caches, Rule
from logs.test_command import logs
from logs.writing import Line, analysed, write
from notmodified import Assets, Config

TARGETS = ["/a", "/b", "/c"]
TAGS = ['"one"', '"one"', '"two"', "-"]
TIMES = st.sampled_from([None, 0, 5, 40, 300, 4000])


def test_304s_in_place_of_whole_responses_are_explained(tmp_path: Path) -> None:
    policies = tmp_path / "notmodified.toml"
    policies.write_text('[[policy]]\npath = "/**"\ncache_control = { no_cache = true }\n')
    whole = write(tmp_path / "whole", [Line(at=60 * number) for number in range(9)])
    confirmed = write(tmp_path / "304s", [Line(at=60 * n, status=304 if n else 200) for n in range(9)])
    said = [" ".join(logs("--simulate", policies, log).stdout.split()) for log in (whole, confirmed)]
    assert ["8 of the 304s would be in place of whole responses" in one for one in said] == [True, False]


def test_what_proposals_spare_and_what_simulating_them_spares_differ_by_what_is_said(
    sample: Path, tmp_path: Path
) -> None:
    written = tmp_path / "notmodified.toml"
    logs("--policies", written, sample)
    document = analysed(sample, simulate=Config.load(written))
    proposals = [
        one["recommendation"] for one in [*document["routes"], *document["kinds"]] if one["recommendation"]
    ]
    spared = sum(one["saved"]["requests"] for one in proposals)
    spared_304s = sum(one["not_modified"] for one in proposals)
    before, after = document["simulation"]["before"], document["simulation"]["after"]
    assert after["unknown"] > 0
    assert before["requests"] - after["requests"] == after["from_clients"] == spared + after["unknown"]
    assert before["not_modified"] - after["not_modified"] == spared_304s - after["from_whole"]
    said = " ".join(logs("--simulate", written, sample).stdout.split())
    assert f"In {after['unknown']} uses from clients' caches the log does not tell" in said
    assert f"{after['from_whole']} of the 304s would be in place of whole responses" in said


@st.composite
def uses(draw: st.DrawFn) -> list[Line]:
    at, lines = 0, []
    for gap in draw(st.lists(st.sampled_from([0, 1, 4, 30, 200, 3000]), min_size=1, max_size=60)):
        at += gap
        status = draw(st.sampled_from([200, 200, 304, 304, 304, 404, 301, 206, 500]))
        posts = draw(st.integers(0, 9)) == 0
        tag = draw(st.sampled_from(TAGS))
        lines.append(
            Line(
                at=at,
                target=draw(st.sampled_from(TARGETS)),
                client=f"192.0.2.{draw(st.integers(1, 3))}",
                method="POST" if posts else "GET",
                status=303 if posts else status,
                size=0 if status == 304 else draw(st.sampled_from([100, 250, 999, 0, "-"])),
                etag=tag,
                if_none_match=tag if status == 304 and draw(st.booleans()) else "-",
                us=draw(st.integers(0, 5000)),
            )
        )
    return lines


@st.composite
def rules(draw: st.DrawFn) -> dict[str, list[Rule]]:
    found = {}
    for target in TARGETS:
        kind = draw(st.sampled_from(["none", "no_cache", "no_store", "fresh", "fresh", "private"]))
        max_age = draw(TIMES)
        if kind in {"no_cache", "no_store"}:
            found[target] = [Rule(**{kind: True})]
        elif kind == "fresh" and max_age:
            found[target] = [
                Rule(max_age=max_age, s_maxage=draw(TIMES), grace=draw(st.sampled_from([0, 0, 60])))
            ]
            if draw(st.booleans()):
                found[target].append(Rule(max_age=60, status=404))
        elif kind == "private" and max_age:
            found[target] = [Rule(max_age=max_age, private=True)]
    return found


def said(rule: Rule, *, targeted: bool) -> dict[str, object]:
    """Say it in one field for all caches, or what shared ones go by in one of their own."""
    if not targeted:
        return {"cache_control": str(rule)}
    return {
        "cache_control": str(replace(rule, s_maxage=None)),
        "targeted": {"CDN-Cache-Control": str(rule)},
    }


def configured(rules: dict[str, list[Rule]], *, targeted: bool) -> Config:
    return Config.from_mapping(
        {
            "policy": [
                {"path": target, "status": rule.status, **said(rule, targeted=targeted)}
                for target, some in rules.items()
                for rule in some
            ]
        }
    )


@given(uses(), rules(), st.booleans(), st.booleans(), st.sampled_from([10**9, 1000, 300, 0]))
def test_a_random_log_is_simulated_as_the_model_does(
    lines: list[Line], rules: dict[str, list[Rule]], targeted: bool, shared: bool, capacity: int
) -> None:
    model = Caches(rules, capacity, {} if shared else None).run(lines)
    with tempfile.TemporaryDirectory() as folder:
        simulation = analysed(
            write(Path(folder) / "log", lines),
            simulate=configured(rules, targeted=targeted),
            shared_cache=shared,
            client_cache=capacity,
        )["simulation"]
    after = simulation["after"]
    after["us"] = round(after.pop("worker_seconds") * 1e6)
    assert after == asdict(model)
    before = simulation["before"]
    assert before["requests"] == len(lines)
    assert before["not_modified"] == sum(line.status == 304 for line in lines)


def returns(count: int = 60, agent: str = "Mozilla/5.0", **with_: object) -> list[Line]:
    return [
        Line(
            at=60 * number,
            agent=agent,
            status=304 if number else 200,
            size=0 if number else 100,
            etag='"a"',
            **with_,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("policy", "requests"),
    [
        ({"cache_control": "max-age=600"}, 6),
        ({"cache_control": "no-cache"}, 60),
        ({"cache_control": "max-age=600", "path": "/other"}, 60),
        ({"cache_control": "max-age=600", "media_type": "image/*"}, 60),
        ({"expires": 600}, 6),
        ({"expires": "10m"}, 6),
        ({"cache_control": {"max_age": "10m"}}, 6),
        ({"preset": "static-unversioned"}, 12),
        ({"preset": "static-versioned"}, 1),
        ({"preset": "page"}, 60),
        ({"preset": "never"}, 60),
        ({"targeted": {"CDN-Cache-Control": "max-age=600"}}, 60),
    ],
)
def test_a_lifetime_is_what_the_policy_says(policy: dict, requests: int, tmp_path: Path) -> None:
    config = Config.from_mapping({"policy": [policy]})
    simulation = analysed(write(tmp_path / "log", returns()), simulate=config)["simulation"]
    assert simulation["after"]["requests"] == requests
    assert simulation["after"]["from_clients"] == 60 - requests


def test_what_the_application_may_say_itself_is_told(tmp_path: Path) -> None:
    log = write(tmp_path / "log", returns(cache_control="no-cache"))
    for override, doubtful in ((False, 60), (True, 0)):
        policy = {"cache_control": "max-age=600", "override": override}
        after = analysed(log, simulate=Config.from_mapping({"policy": [policy]}))["simulation"]["after"]
        assert (after["requests"], after["doubtful"]) == (6, doubtful)
    (tmp_path / "notmodified.toml").write_text('policy = [{ cache_control = "max-age=600" }]')
    assert (
        "In 60 of these the log has a Cache-Control"
        in logs("--simulate", tmp_path / "notmodified.toml", log).stdout
    )


def test_clients_without_a_cache_are_served_by_the_shared_one_alone(tmp_path: Path) -> None:
    lines = [Line(at=60 * number, agent="curl/8", client=f"192.0.2.{number % 3}") for number in range(60)]
    log = write(tmp_path / "log", lines)
    config = Config.from_mapping({"policy": [{"cache_control": "max-age=600"}]})
    assert analysed(log, simulate=config)["simulation"]["after"]["requests"] == 60
    shared = analysed(log, simulate=config, shared_cache=True)["simulation"]["after"]
    assert (shared["requests"], shared["from_shared"]) == (6, 54)


def test_the_field_of_cdns_is_for_the_shared_cache_alone(tmp_path: Path) -> None:
    lines = [line for number in range(3) for line in returns(client=f"192.0.2.{number}")]
    log = write(tmp_path / "log", lines)
    policy = {"preset": "page", "targeted": {"CDN-Cache-Control": {"max_age": "10m"}}}
    config = Config.from_mapping({"policy": [policy]})
    assert analysed(log, simulate=config)["simulation"]["after"]["requests"] == 180
    shared = analysed(log, simulate=config, shared_cache=True)["simulation"]["after"]
    assert (shared["requests"], shared["from_shared"], shared["from_clients"]) == (6, 174, 0)


CURRENT, OLD, PLAIN = "current", "old", "/static/app.css"


@pytest.mark.parametrize(
    ("target", "policy", "requests", "not_modified"),
    [
        (CURRENT, {}, 1, 0),
        (CURRENT, {"cache_control": "no-store", "override": True}, 1, 0),
        (OLD, {}, 60, 59),
        (OLD, {"cache_control": "max-age=600", "override": True}, 60, 59),
        (OLD, {"etag": "off"}, 60, 0),
        (PLAIN, {}, 60, 59),
        (f"{PLAIN}?v=1.2.3", {}, 60, 59),
        (PLAIN, {"cache_control": "max-age=600"}, 6, 5),
        (PLAIN, {"expires": 600}, 6, 5),
        (PLAIN, {"targeted": {"CDN-Cache-Control": "max-age=600"}}, 60, 59),
        ("/elsewhere/app.css", {"cache_control": "max-age=600"}, 6, 5),
    ],
)
def test_static_files_are_as_fresh_as_their_urls_say(
    target: str, policy: dict, requests: int, not_modified: int, tmp_path: Path
) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/app.css").write_text("a {}")
    policies = [{"path": "/**", **policy}] if policy else []
    config = Config.from_mapping({"assets": {"/static/": str(tmp_path / "static")}, "policy": policies})
    urls = {CURRENT: Assets(config).url("app.css"), OLD: "/static/app.0123456789abcdef.css"}
    lines = returns(target=urls.get(target, target))
    after = analysed(write(tmp_path / "log", lines), simulate=config)["simulation"]["after"]
    assert (after["requests"], after["not_modified"]) == (requests, not_modified)
    assert after["stale"] == 0


def test_an_error_in_the_place_of_a_version_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_text("a {}")
    policy = [{"path": "/**", "status": 404, "cache_control": "max-age=600"}]
    config = Config.from_mapping({"assets": {"/static/": str(tmp_path)}, "policy": policy})
    gone = "/static/gone.0123456789abcdef.css"
    for target, requests in ((Assets(config).url("app.css"), 60), (gone, 60), (PLAIN, 6)):
        lines = [replace(line, status=404, etag="-", size=9) for line in returns(target=target)]
        after = analysed(write(tmp_path / "log", lines), simulate=config)["simulation"]["after"]
        assert after["requests"] == requests


def test_what_a_log_says_of_a_plain_file_is_in_doubt_and_of_a_version_is_not(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_text("a {}")
    config = Config.from_mapping({"assets": {"/static/": str(tmp_path)}})
    for target, doubtful in ((Assets(config).url("app.css"), 0), (PLAIN, 60)):
        log = write(tmp_path / "log", returns(target=target, cache_control="max-age=60"))
        assert analysed(log, simulate=config)["simulation"]["after"]["doubtful"] == doubtful


def test_static_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "notmodified.toml").write_text('assets = { "/static/" = "static/" }')
    done = logs("--simulate", tmp_path / "notmodified.toml", write(tmp_path / "log", returns()))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path / 'notmodified.toml'}:1: assets./static/ = " in done.stderr


def test_proposals_are_confirmed_by_simulating_them(tmp_path: Path) -> None:
    log = write(tmp_path / "log", returns(200))
    out = tmp_path / "out.toml"
    assert logs("--policies", out, log).returncode == 0
    done = logs("--simulate", out, log)
    assert done.returncode == 0, done.stderr
    (route,) = analysed(log)["routes"]
    after = analysed(log, simulate=Config.load(out))["simulation"]["after"]
    assert 200 - after["requests"] == route["recommendation"]["saved"]["requests"]
    assert f"{200:>12} → {after['requests']:>12}" in done.stdout
