"""`notmodified logs --html`: the page as a person's browser shows it, with whatever clients sent in it."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading

import pytest

from kit.shown_page import cells, evaluated, happened, press, shown
from logs.test_command import logs
from logs.test_findings import HEALTHY, LOGS
from logs.writing import Line, analysed, write
from notmodified import Config
from notmodified.report import log_page, text

# What the fixture `page` is made by.
render = log_page.render
EVIL = (
    "<script>window.owned=1</script>",
    "\"><img src=x onerror='window.owned=1'>",
    "javascript:window.owned=1",
    "</style></title></svg><svg/onload=window.owned=1>",
    "\u202e\u009b31m&lt;b&gt;",
)


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """Every finding, proposals of each kind, a simulation, and clients who try it on."""
    folder = tmp_path_factory.mktemp("log")
    policies = folder / "notmodified.toml"
    policies.write_text('[[policy]]\npath = "/**"\ncache_control = { max_age = 600 }\n')
    hostile = [
        Line(
            at=40 * number,
            client=f"198.51.100.{number % 5}",
            target=f"/{evil.replace(' ', '%20')}",
            agent=evil,
            status=304 if number % 9 else 200,
            size=0 if number % 9 else 3000,
            etag=f'"{number // 31}"',
            us=120_000,
        )
        for number in range(200)
        for evil in EVIL
    ]
    others = [
        Line(at=5000 + 600 * number, status=status) for number, status in enumerate((301, 404, 503, 999))
    ]
    lines = [*HEALTHY, *(line for kind in LOGS.values() for line in kind), *hostile, *others]
    log = write(folder / "log", [*lines, *(f"no line {evil}" for evil in EVIL)])
    return analysed(log, simulate=Config.load(policies), risk=0.02)


def charts_of(document) -> int:
    curves = [
        route
        for route in [*document["routes"], *document["kinds"]]
        if route["recommendation"] and any(point["saved"] for point in route["curve"])
    ]
    assert 2 < len(curves) <= 12
    # Each with the returns beside.
    return 2 + bool(document["findings"]) + 2 * len(curves) + bool(document["simulation"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_every_text_can_be_read(browser, page, document, scheme):
    facts = shown(browser, page, scheme)
    assert len(facts["charts"]) == charts_of(document)
    for chart in facts["charts"]:
        assert chart["area"] > 10_000
        assert chart["shapes"] > 0
        assert chart["out"] == 0
    assert len(facts["texts"]) > 500
    assert [text for text in facts["texts"] if text[1] < 4.5] == []
    assert {name for name, _ in facts["shapes"]} == {
        *("full", "not-modified", "redirection", "client-error", "server-error", "other")
    }
    assert [shape for shape in facts["shapes"] if shape[1] < 3] == []


def test_both_schemes_differ_and_paper_is_always_light(browser, page):
    light, dark = (shown(browser, page, scheme)["page"] for scheme in ("light", "dark"))
    assert light != dark
    assert shown(browser, page, "dark", media="print")["page"] == light
    assert not evaluated(browser, "document.querySelector('nav').checkVisibility()")


def test_it_loads_nothing_runs_nothing_and_nothing_is_amiss(browser, page):
    facts = shown(browser, page)
    assert happened(browser) == ([], [page.as_uri()])
    assert facts["owned"] is None
    assert facts["running"] == 0
    assert not [name for name in facts["attributes"] if name.startswith("on") or name in {"style", "src"}]
    assert all(link.startswith("#") for link in facts["links"])
    for evil in EVIL[:4]:
        assert evil in facts["text"]
    assert "\\u202e\\x9b31m&lt;b&gt;" in facts["text"]
    assert not re.search("[\u0080-\u009f\u202e]", facts["text"])


def test_what_got_into_the_page_could_not_run_or_load(browser, page):
    shown(browser, page)
    evaluated(
        browser,
        """
        const script = document.createElement('script');
        script.textContent = 'window.owned = 1';
        const image = new Image();
        const style = document.createElement('style');
        style.textContent = 'html{display:none}';
        document.addEventListener('securitypolicyviolation', event =>
            (window.refused ??= []).push(event.effectiveDirective));
        document.body.append(script, image, style);
        image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';
        """,
    )
    refused = """
        new Promise(done => {
            const look = () =>
                window.refused?.length > 2 ? done(window.refused.sort().join()) : setTimeout(look);
            look();
        })
    """
    answer = browser.call("Runtime.evaluate", expression=refused, awaitPromise=True)
    assert answer["result"]["value"] == "img-src,script-src-elem,style-src-elem"
    assert evaluated(browser, "window.owned") is None


def test_who_does_not_see_it_gets_all_of_it(browser, page, document):
    facts = shown(browser, page)
    assert facts["uncaptioned"] == facts["unscoped"] == 0
    assert facts["tables"] > len(facts["charts"])
    assert facts["headings"][0] == 1
    assert facts["headings"].count(1) == 1
    steps = zip(facts["headings"], facts["headings"][1:], strict=False)
    assert all(level <= before + 1 for before, level in steps)
    assert len(facts["ids"]) == len(set(facts["ids"]))
    assert set(facts["refers"]) <= set(facts["ids"])
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in nodes if node.get("role", {}).get("value") == "image"]
    assert len(images) == charts_of(document)
    for node in images:
        assert node["name"]["value"]
        assert node["description"]["value"]
    assert evaluated(browser, "document.documentElement.lang") == "en"


def test_the_keyboard_leads_past_the_contents_and_shows_where_it_is(browser, page):
    shown(browser, page)

    press(browser, "Tab", 9)
    seen = (
        "[document.activeElement.className, document.activeElement.getBoundingClientRect().left >= 0].join()"
    )
    assert evaluated(browser, seen) == "skip,true"
    assert evaluated(browser, "getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press(browser, "Enter", 13, text="\r")
    assert evaluated(browser, "document.activeElement.id") == "content"
    press(browser, "Tab", 9)
    assert evaluated(browser, "document.activeElement.closest('main') !== null")


@pytest.mark.parametrize(("media", "width"), [("screen", 360), ("print", 680)])
def test_a_page_is_no_wider_than_a_telephone_or_a_sheet_of_paper(browser, page, media, width):
    assert shown(browser, page, width=width, media=media)["wide"] <= 0


def test_it_says_what_the_document_says(document, page):
    html = page.read_text(encoding="utf-8")
    totals = document["totals"]
    answered = cells(html, "What was answered, and what it cost")
    assert {row[0]: row[2] for row in answered} == {
        status: f"{cost['requests']:,}" for status, cost in totals["by_status"].items()
    }
    found = cells(html, "What each finding cost")
    assert [[row[0], row[1], row[2]] for row in found] == [
        [finding["title"], finding["severity"], f"{finding['cost']['requests']:,}"]
        for finding in document["findings"]
    ]
    over_time = next(
        cells(html, caption) for caption in re.findall("<caption>(Requests over time[^<]*)</caption>", html)
    )
    counted = sum(int(cell.replace(",", "")) for row in over_time for cell in row[1:])
    assert counted == totals["requests"]
    proposals = cells(html, "Proposals, those that save most first")
    assert [row[3] for row in proposals] == [
        f"{proposal['saved']['requests']:,}" for _, proposal in text.proposed(document)
    ]
    first = next(route for route, _ in text.proposed(document) if any(one["saved"] for one in route["curve"]))
    drawn = next(one for one in re.findall("<figure>.*?</figure>", html, re.DOTALL) if "Returns by" in one)
    returns = cells(f"<!DOCTYPE html><title>-</title>{drawn}", "Returns by the time since")
    assert [[int(cell.replace(",", "")) for cell in row[1:]] for row in returns] == [
        [gap["unchanged"], gap["changed"]] for gap in first["gaps"]
    ]
    assert sum(map(sum, ([gap["unchanged"], gap["changed"]] for gap in first["gaps"]))) > 20


@pytest.mark.parametrize(
    "lines",
    [
        [Line()],
        [Line(status=status) for status in (304, 100, 700)],
        [Line(at=at) for at in (0, 1e9)],
        [Line(at=20 * n, status=304 if n else 200, etag='"a"', us=0) for n in range(60)],
    ],
)
@pytest.mark.parametrize("risk", [0, 1])
def test_small_and_odd_logs_have_a_page_too(tmp_path, lines, risk):
    html = log_page.render(analysed(write(tmp_path / "log", lines), risk=risk))
    assert sum(
        int(row[2].replace(",", "")) for row in cells(html, "What was answered, and what it cost")
    ) == len(lines)


def test_the_command_writes_it_beside_the_summary(tmp_path):
    log = write(tmp_path / "log", LOGS["needless-revalidation"])
    out = tmp_path / "report.html"
    done = logs("--html", out, log)
    assert (done.returncode, done.stderr) == (0, f"report written to {out}\n")
    assert "needless-revalidation" in done.stdout
    assert out.read_text(encoding="utf-8") == log_page.render(json.loads(logs("--json", log).stdout))
    assert sorted(tmp_path.iterdir()) == [log, out]


def test_a_report_replaces_another_whole_or_not_at_all(tmp_path):
    log = write(tmp_path / "log", LOGS["needless-revalidation"])
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "old.html").write_text("old")
    (tmp_path / "reports" / "old.html").chmod(0o640)
    link = tmp_path / "report.html"
    link.symlink_to("reports/old.html")
    bad = write(tmp_path / "bad", ["no log"] * 9)
    assert logs("--html", link, bad).returncode == 2
    assert link.read_text() == "old"
    assert logs("--html", link, log).returncode == 0
    assert link.is_symlink()
    assert link.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(link.stat().st_mode) == 0o640
    assert [file.name for file in (tmp_path / "reports").iterdir()] == ["old.html"]


def test_a_report_that_does_not_fit_leaves_the_old_one_as_it_was(tmp_path):
    log = write(tmp_path / "log", LOGS["needless-revalidation"])
    out = tmp_path / "report.html"
    out.write_text("old")
    with_little_room = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, "-m", "notmodified"]
    done = subprocess.run(
        [*with_little_room, "logs", "--html", out, log], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"notmodified logs: [Errno 27] File too large: '{out}'\n"
    assert out.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [log, out]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    assert logs("--html", pipe, write(tmp_path / "log", HEALTHY)).returncode == 0
    reader.join(30)
    assert read[0].endswith("</html>\n")
    assert pipe.is_fifo()


@pytest.mark.parametrize("option", ["--html", "--policies"])
@pytest.mark.parametrize(
    ("where", "says"),
    [("nowhere/out", "No such file or directory"), ("", "Is a directory"), ("file/out", "Not a directory")],
)
def test_where_nothing_can_be_written_is_said_before_the_log_is_read(tmp_path, option, where, says):
    (tmp_path / "file").touch()
    out = f"{tmp_path}/{where}"
    done = logs(option, out, tmp_path / "no-such-log")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.endswith(f"{says}: '{out}'\n")


def test_a_disk_that_is_full_is_told_by_the_name_that_the_user_gave(tmp_path):
    full = tmp_path / "report.html"
    full.symlink_to("/dev/full")
    done = logs("--html", full, write(tmp_path / "log", HEALTHY))
    assert done.returncode == 2
    assert done.stderr == f"notmodified logs: [Errno 28] No space left on device: '{full}'\n"
