"""`notmodified check --html`: the page as a person's browser shows it, with whatever servers sent in it."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys

import pytest
from tinyhtml5.parser import HTMLParser

from kit.shown_page import cells, evaluated, happened, press, shown
from notmodified.check import Limits, judge
from notmodified.check.in_process import InProcess
from notmodified.check.recording import Hop
from notmodified.check.walk import Asking, walk
from notmodified.report import check_page

# What the fixture `page` is made by.
render = check_page.render
EVIL = (
    "<script>window.owned=1</script>",
    "\"><img src=x onerror='window.owned=1'>",
    "javascript:window.owned=1",
    "</style></title></pre></code><svg/onload=window.owned=1>",
    "\u009b31m\x1b]0;owned\x07&lt;b&gt;",
)
HOPS = (
    Hop("origin", "http://127.0.0.1:8000"),
    Hop("via <b>edge</b>:80", "http://edge"),
    Hop("public address"),
)
URLS = (
    "http://a.example/",
    "http://a.example/static/app.css",
    "http://a.example/loop",
    "http://a.example/ok",
)


def _origin(environ, start_response):
    path = environ["PATH_INFO"]
    evil = [(f"X-Evil-{number}", text) for number, text in enumerate(EVIL)]
    # That is what a linter quotes.
    evil.append(("Content-Disposition", EVIL[0]))
    if path == "/loop":
        start_response("302 Found", [("Location", "/loop"), *evil])
        return [b""]
    if path == "/ok":
        is_known = environ.get("HTTP_IF_NONE_MATCH") == '"ok"' and environ["REQUEST_METHOD"] in {
            "GET",
            "HEAD",
        }
        start_response("304 Not Modified" if is_known else "200 OK", [("ETag", '"ok"')])
        return [] if is_known else [b"ok"]
    if path == "/":
        tag = secrets.token_hex(8)
        around = "é€ " + "".join(EVIL)
        content = f"<html>\n{around}<i id={secrets.token_hex(16)}>{around}\n".encode()
    else:
        tag, content = EVIL[0], b"a{}" * 1000
    status = f"200 {EVIL[0]}" if path in {"/", "/static/app.css"} else "404 Not Found"
    fields = [("ETag", f'"{tag}"'), ("Vary", "Cookie, Accept"), ("Cache-Control", "max-age=31536000")]
    start_response(status, [*fields, *evil])
    return [content]


def _edge(environ, start_response):
    def weakened(status, fields, exc_info=None):
        fields = [(name, f"W/{value}" if name == "ETag" else value) for name, value in fields]
        return start_response(status, [pair for pair in fields if pair[0] != "Vary"])

    return _origin(environ, weakened)


@pytest.fixture(scope="module")
def document():
    """Pages with findings of each severity, one that is well, three hops, and servers that try it on."""
    applications = dict(zip(HOPS, (_origin, _edge, _edge), strict=True))
    limits = Limits(rate=0)
    asking = Asking(limits=limits, replicas=1)
    recording = walk(URLS, HOPS, lambda _url, hop: InProcess(applications[hop], limits), asking)
    found = judge(recording, linted=True)
    assert any(finding["noted"] for one in found["pages"] for finding in one["findings"])
    assert {page["severity"] for page in found["pages"]} >= {"error"}
    assert all(found["totals"][severity] for severity in ("error", "warning", "info"))
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser, page, scheme):
    facts = shown(browser, page, scheme)
    assert len(facts["texts"]) > 300
    assert {"MARK", "CODE", "SPAN", "SUMMARY", "CAPTION"} <= {tag for tag, _ in facts["texts"]}
    assert [text for text in facts["texts"] if text[1] < 4.5] == []


def test_it_loads_nothing_and_runs_nothing_of_what_servers_sent(browser, page):
    facts = shown(browser, page)
    assert happened(browser) == ([], [page.as_uri()])
    assert facts["owned"] is None
    assert facts["running"] == 0
    assert not [name for name in facts["attributes"] if name.startswith("on") or name in {"style", "src"}]
    assert all(link.startswith("#") for link in facts["links"])
    for evil in EVIL[:4]:
        assert evil in facts["text"]
    assert "via <b>edge</b>:80" in facts["text"]
    assert "\\x9b31m\\x1b]0;owned\\x07&lt;b&gt;" in facts["text"]
    assert "200 <script>" in facts["text"]
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", facts["text"])


def test_who_does_not_see_it_gets_all_of_it(browser, page):
    facts = shown(browser, page)
    assert facts["uncaptioned"] == facts["unscoped"] == 0
    assert facts["headings"].count(1) == 1
    steps = zip(facts["headings"], facts["headings"][1:], strict=False)
    assert all(level <= before + 1 for before, level in steps)
    assert len(facts["ids"]) == len(set(facts["ids"]))
    assert set(facts["refers"]) <= set(facts["ids"])


def test_the_keyboard_opens_the_heads_that_show_a_finding(browser, page):
    shown(browser, page)
    evaluated(browser, "document.querySelectorAll('details').forEach(one => one.open = false)")
    evaluated(browser, "document.querySelector('summary').focus()")
    press(browser, "Enter", 13, text="\r")
    assert evaluated(browser, "document.querySelector('details').open") is True
    assert evaluated(browser, "document.querySelector('details pre').checkVisibility()") is True


def test_a_line_that_ends_a_finding_is_taken_whole_by_a_click(browser, page, document):
    shown(browser, page)
    at = json.loads(
        evaluated(
            browser,
            """(() => {
                const pre = document.querySelector('.copy');
                pre.scrollIntoView({block: 'center'});
                const box = pre.getBoundingClientRect();
                return JSON.stringify([box.left + 20, box.top + box.height / 2]);
            })()""",
        )
    )
    for kind in ("mousePressed", "mouseReleased"):
        place = {"x": at[0], "y": at[1], "button": "left", "clickCount": 1}
        browser.call("Input.dispatchMouseEvent", type=kind, **place)
    first = next(line["text"] for one in document["pages"] for f in one["findings"] for line in f["lines"])
    assert evaluated(browser, "getSelection().toString().trim()") == first.strip()


@pytest.mark.parametrize(("media", "width"), [("screen", 360), ("print", 680)])
def test_a_page_is_no_wider_than_a_telephone_or_a_sheet_of_paper(browser, page, media, width):
    assert shown(browser, page, width=width, media=media)["wide"] <= 0


def test_on_paper_are_the_heads_too(browser, page):
    shown(browser, page, "dark", media="print")
    evaluated(browser, "document.querySelectorAll('details').forEach(one => one.open = false)")
    heights = "[...document.querySelectorAll('details pre')].map(one => one.getBoundingClientRect().height)"
    assert evaluated(browser, f"Math.min(...{heights})") > 10


def _elements(html: str, tag: str, class_: str) -> list[str]:
    tree = HTMLParser(namespace_html_elements=False).parse(html)
    return ["".join(one.itertext()) for one in tree.iter(tag) if one.get("class") == class_]


def test_it_says_what_the_document_says(document, page):
    html = page.read_text(encoding="utf-8")
    rows = cells(html, "What was looked at, and what matters most there")
    assert [(row[0], row[2:]) for row in rows] == [
        (
            one["url"],
            [
                str([finding["severity"] for finding in one["findings"]].count(severity))
                for severity in ("error", "warning", "info")
            ],
        )
        for one in document["pages"]
    ]
    findings = [finding for one in document["pages"] for finding in one["findings"]]
    lines = [line["text"] for finding in findings for line in finding["lines"]]
    assert _elements(html, "pre", "copy") == lines
    evidence = [one for finding in findings for one in finding["evidence"]]
    assert len(_elements(html, "details", "evidence")) == len(evidence)
    for finding in findings:
        assert finding["section"] in html
    differing = [one for finding in findings for one in finding["differences"]]
    versions = _elements(html, "figure", "versions")
    assert len(versions) == len(differing) > 0
    for one, version in zip(differing, versions, strict=True):
        assert one["first"] in version
        assert one["second"] in version
        # Letters, not octets.
        assert "é€ <script>" in version


def test_hops_stand_side_by_side_and_what_one_changed_is_marked(document, page):
    html = page.read_text(encoding="utf-8")
    of_page = html[html.index('id="page-2"') : html.index('id="page-3"')]
    assert "<mark><code>W/&quot;&lt;script&gt;" in of_page
    rows = cells(
        f"<!DOCTYPE html><title>x</title>{of_page[of_page.index('>') + 1 :].rsplit('</section>', 1)[0]}",
        "Asked for without content coding",
    )
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["ETag"] == [f'"{EVIL[0]}"', f'W/"{EVIL[0]}"', f'W/"{EVIL[0]}"']
    assert by_name["Vary"] == ["Cookie, Accept", "-", "-"]
    assert by_name["asked at"] == ["http://127.0.0.1:8000", "http://edge", "the URL's own address"]


def test_one_page_that_is_well_is_a_report_too():
    limits = Limits(rate=0)
    found = judge(
        walk(
            [URLS[3]], HOPS[2:], lambda _url, _hop: InProcess(_origin, limits), Asking(codings=("identity",))
        )
    )
    html = check_page.render(found)
    assert "All pages" not in html
    assert len(cells(html, "What each kind of cache may do with the response, and for how long")) == 3


def test_the_command_writes_it_beside_the_summary(tmp_path):
    (tmp_path / "mysite.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/html')])\n"
        "    return [b'page']\n"
    )
    check = [sys.executable, "-m", "notmodified", "check"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*check, *arguments], cwd=tmp_path, capture_output=True, check=False, text=True)

    done = run("--app", "mysite", "--html", "out.html", "--record", "out.json", "--fail-on", "warning")
    assert (done.returncode, done.stderr) == (1, "report written to out.html\n")
    assert "no-validator" in done.stdout
    again = run("--replay", "out.json", "--json")
    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert html == check_page.render(json.loads(again.stdout))
    nowhere = run("--app", "mysite", "--html", "nowhere/out.html")
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert nowhere.stderr == "notmodified check: [Errno 2] No such file or directory: 'nowhere/out.html'\n"
