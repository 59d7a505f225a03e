"""What httplint has against responses is told by its name, once, and as text; the rest is told without it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from types import SimpleNamespace

import httplint
from httplint.note import Note

from notmodified._core import audit_messages, finding_kinds
from notmodified.check import judge, linter, record_app, text
from notmodified.check.lint import Lint
from notmodified.check.live import Options, record_urls
from notmodified.check.recording import judge_parts
from notmodified.report import check_page

SLOW = ("Allow", 'W/"a",' * 8000)
EVIL = "<script>window.owned=1</script>\x1b]0;owned\x07\u009b31m"
WELL = {"Content-Type": "text/html", "ETag": '"a"', "Cache-Control": "no-cache"}


def page(fields=(), without=(), of_304=(), content=b"<p>page"):
    """Return an application that judges nothing but the very tag."""

    def application(environ, start_response):
        own = {name: value for name, value in WELL.items() if name not in without}
        all_ = [*(own | dict(fields)).items()]
        if environ.get("HTTP_IF_NONE_MATCH") == '"a"':
            start_response("304 Not Modified", [*all_[1:], *of_304])
            return []
        start_response("200 OK", all_)
        return [content]

    return application


def judged(application, path="/"):
    return judge(record_app(application, [path]), linted=True)


def notes(document):
    findings = [finding for one in document["pages"] for finding in one["findings"]]
    return {one["noted"]["id"]: one for one in findings if one["noted"]}


def ids(document):
    return {finding["id"] for one in document["pages"] for finding in one["findings"]}


def test_a_note_is_a_finding_with_the_linters_name_its_text_and_the_response():
    document = judged(page({"Expires": "soon", "Content-Disposition": "odd"}))
    assert document["linter"] == f"httplint {httplint.__version__}"
    found = notes(document)
    assert set(found) == {"BAD_DATE_SYNTAX", "DISPOSITION_UNKNOWN"}
    broken, doubtful = found["BAD_DATE_SYNTAX"], found["DISPOSITION_UNKNOWN"]
    assert (broken["id"], broken["severity"]) == ("message-broken", "warning")
    assert (doubtful["id"], doubtful["severity"]) == ("message-doubtful", "info")
    assert broken["says"] == "httplint: The Expires header's value isn't a valid date."
    assert "HTTP dates have specific syntax" in broken["noted"]["text"]
    assert "<" not in broken["noted"]["text"]
    assert "Expires: soon" in broken["evidence"][0]["response"]


def test_it_stands_in_every_form_of_the_report():
    document = judged(page({"Expires": "soon"}))
    plain = "\n".join(text.lines(document))
    html = check_page.render(document)
    for shown in (plain, html):
        assert "httplint: The Expires header" in shown
        assert f"BAD_DATE_SYNTAX, httplint {httplint.__version__}" in shown
        assert "HTTP dates have specific syntax" in re.sub(r"\s+", " ", shown)
    assert plain.endswith(f"The responses were linted by httplint {httplint.__version__}.")


def test_nothing_is_told_of_the_sample_site(origin):
    document = judge(record_urls([f"{origin.url}/"], Options(crawl=20)), linted=True)
    assert document["linter"]
    assert len(document["pages"]) > 5
    assert ids(document) == set()


# Where a page is, what it is, what is found there anyway, and what the linter calls that.
FOUND_ANYWAY = {
    "/tag": (page({"ETag": "abc"}), "ill-formed-tag", "BAD_SYNTAX"),
    "/freshness": (
        page({"Cache-Control": "no-store, max-age=60"}),
        "freshness-contradicts",
        "CC_CONFLICTING",
    ),
    "/validator": (page(without=["ETag"]), "no-validator", "FRESHNESS_NO_CACHE_NO_VALIDATOR"),
    "/304": (
        page(of_304=[("Content-Type", "text/html")]),
        "content-fields-in-304",
        "HEADER_SHOULD_NOT_BE_IN_304",
    ),
    "/vary": (page({"Vary": "*"}), "vary-useless", "VARY_ASTERISK"),
}


def test_what_is_found_anyway_is_not_told_again():
    def application(environ, start_response):
        return FOUND_ANYWAY[environ["PATH_INFO"]][0](environ, start_response)

    recording = record_app(application, list(FOUND_ANYWAY))
    said = json.loads(Lint().notes(recording.to_json()))["notes"]
    assert {note["id"] for of_one in said.values() for note in of_one} >= {
        not_told for _, _, not_told in FOUND_ANYWAY.values()
    }
    document = judge(recording, linted=True)
    for one, (_, ours, not_told) in zip(document["pages"], FOUND_ANYWAY.values(), strict=True):
        assert ours in {finding["id"] for finding in one["findings"]}
        assert not_told not in {finding["noted"]["id"] for finding in one["findings"] if finding["noted"]}


def test_what_is_contradicted_here_is_not_told():
    # It is said of our own versioned assets, and why is said there: src/exchange/asset.rs.
    application = page({"Cache-Control": "public, max-age=31536000, immutable"})
    assert notes(judged(application, "/app.3f2a1b9c.css")) == {}
    assert notes(judged(page(without=["Cache-Control", "ETag"]))) == {}


def test_each_note_and_each_finding_that_is_named_exists():
    for module in pkgutil.walk_packages(httplint.__path__, "httplint."):
        if not module.name.startswith("httplint.cli"):
            importlib.import_module(module.name)

    def below(kind):
        return {kind.__name__}.union(*(below(one) for one in kind.__subclasses__()))

    known = below(Note)
    assert known >= linter._CONTRADICTED
    assert known >= {name for name, _ in linter._SAME}
    of_ours = {kind["id"] for kind in json.loads(finding_kinds())["check"]}
    assert of_ours >= {finding for findings in linter._SAME.values() for finding in findings}


def test_what_a_server_sends_is_text_in_what_is_said_of_it(capsys):
    document = judged(page({"Content-Disposition": EVIL.replace(";", "")}))
    assert "<script>" in json.dumps(notes(document))
    plain = "\n".join(text.lines(document, verbose=True))
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", plain)
    html = check_page.render(document)
    assert "<script" not in html
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", html)
    from notmodified.check import terminal

    terminal.show(document, verbose=True)
    shown = capsys.readouterr().out
    assert "httplint:" in shown
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", shown)


def messages(*fields):
    recording = record_app(page(dict(fields)), ["/"]).to_json()
    return json.loads(audit_messages(recording)), recording


def test_a_response_that_takes_it_too_long_is_given_up():
    (message, *_), _ = messages(SLOW)
    linter.signal.signal(linter.signal.SIGALRM, linter._give_up)
    (note,) = linter.within(message, 0.2)
    assert note["summary"] == "It did not come to its end with this response within 0.2 s."


def test_a_response_that_it_raises_at_is_given_up(monkeypatch):
    def fail(_self, complete):
        raise RecursionError

    monkeypatch.setattr(httplint.HttpResponseLinter, "finish_content", fail)
    (message, *_), _ = messages()
    assert [note["summary"] for note in linter.within(message, 5)] == [
        "It could not read this response: RecursionError."
    ]


def test_all_of_it_ends_in_time_with_what_was_said_until_then(monkeypatch):
    looked_at, recording = messages(SLOW)
    count = len(looked_at)
    lint = Lint(0.001)
    assert json.loads(lint.notes(recording)) == {"linter": "httplint", "notes": {}}
    assert lint.says == f"httplint (stopped after 0.001 s: {count} of {count} responses were not looked at)"
    written = b'{"linter": "httplint 1"}\n{"place": 3, "notes": [7]}\n{"place": 4, "notes": []}\n{"place'
    monkeypatch.setattr(Lint, "_run", lambda *_: written)
    lint = Lint(9)
    assert json.loads(lint.notes(recording)) == {"linter": "httplint 1", "notes": {"3": [7]}}
    left = f"{count - 2} of {count} responses were not looked at"
    assert lint.says == f"httplint 1 (stopped after 9 s: {left})"


def test_its_time_is_for_all_parts_of_a_recording(monkeypatch):
    clock, times = [0.0], []

    def run(command, *, timeout, **_):
        times.append(timeout)
        clock[0] += min(timeout, 25.0)
        if timeout < 25:
            raise subprocess.TimeoutExpired(command, timeout)
        lines = b'{"linter": "httplint 1"}\n' + b'{"place": 0, "notes": []}\n' * count
        return SimpleNamespace(stdout=lines)

    ours = "notmodified.check.lint"
    of_subprocess = SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(f"{ours}.subprocess", of_subprocess)
    monkeypatch.setattr(f"{ours}.time", SimpleNamespace(monotonic=lambda: clock[0]))
    part = record_app(page(), ["/"])
    count = len(json.loads(audit_messages(part.to_json())))
    document = judge_parts([part] * 4, linted=True)
    assert times == [60, 35, 10]
    assert document["linter"] == (
        f"httplint 1 (stopped after 60 s: {2 * count} of {4 * count} responses were not looked at)"
    )


def test_a_linter_that_is_broken_is_none(monkeypatch):
    _, recording = messages()
    monkeypatch.setattr("notmodified.check.lint._START", "raise ImportError")
    lint = Lint()
    assert (lint.notes(recording), lint.says) == (None, None)


def test_hostile_recordings_are_linted_without_a_word_of_trouble():
    strange = "\u20ac\ud7ff\0\r\n"
    exchange = {
        "url": strange,
        "hop": "h",
        "coding": "identity",
        "probe": "first",
        "at": 2**62,
        "request": {"method": strange, "target": strange, "fields": [[strange, strange]]},
        "response": {
            "status": 65535,
            "reason": strange,
            "fields": [[strange, strange]],
            "body": {"text": "a"},
        },
    }
    recording = {"schema": 1, "hops": [{"name": "h"}], "pages": [{"url": strange}], "exchanges": [exchange]}
    document = judge(json.dumps(recording), linted=True)
    assert document["linter"] == f"httplint {httplint.__version__}"


def check(folder, *more, hidden=False):
    (folder / "mysite.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/html'), ('ETag', '\"a\"'), ('Expires', '1')])\n"
        "    return [b'page']\n"
    )
    hide = "sys.modules['httplint'] = None; " if hidden else ""
    command = [sys.executable, "-c", f"import sys; {hide}from notmodified.cli import main; sys.exit(main())"]
    return subprocess.run(
        [*command, "check", "--app", "mysite", *more],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        timeout=50,
    )


def test_without_httplint_one_line_says_how_to_get_it(tmp_path):
    done = check(tmp_path, "--html", "out.html", hidden=True)
    assert done.returncode == 1
    assert "BAD_DATE_SYNTAX" not in done.stdout
    assert "validator-ignored" in done.stdout
    line = "The responses were not linted: httplint does that; pip install 'notmodified[check]'"
    assert done.stdout.splitlines()[-1] == line
    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "The responses were not linted: httplint does that" in html
    assert json.loads(check(tmp_path, "--json", hidden=True).stdout)["linter"] is None


def test_the_command_lints_and_fails_by_it_from_warning_on(tmp_path):
    done = check(tmp_path, "--json", "--fail-on", "never")
    assert set(notes(json.loads(done.stdout))) == {"BAD_DATE_SYNTAX"}
    assert done.returncode == 0


def test_no_file_where_the_command_runs_is_run_by_it(tmp_path):
    (tmp_path / "markdown.py").write_text("raise SystemExit('run')\n")
    (tmp_path / "json.py").write_text("raise SystemExit('run')\n")
    recording = tmp_path / "recording"
    recording.write_text(record_app(page(), ["/"]).to_json())
    script = (
        "import sys; sys.path[:] = [one for one in sys.path if one]; from notmodified.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "check", "--replay", str(recording), "--json"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        timeout=50,
    )
    assert json.loads(done.stdout)["linter"] == f"httplint {httplint.__version__}"
