"""`notmodified logs` as its users call it."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kit.shown_page import cells
from logs.test_findings import HEALTHY, LOGS
from logs.writing import Line, write
from notmodified import Config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


COMBINED = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'


def logs(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "notmodified", "logs", *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def document_of(*arguments: object, given: bytes = b"") -> dict:
    done = logs("--json", *arguments, given=given)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_one_is_no_plural(tmp_path: Path) -> None:
    said = logs("--policies", tmp_path / "out", write(tmp_path / "one", [Line()])).stdout
    assert ": 1 line over " in said
    assert "1 request, 0 of them answered 304" in said
    some = write(tmp_path / "some", [Line(at=60 * n, status=304 if n else 200) for n in range(60)])
    assert logs("--policies", tmp_path / "out", some).stderr == f"1 policy written to {tmp_path / 'out'}\n"


def on_a_terminal(*arguments: object, program: Sequence[str] = ("-m", "notmodified")) -> str:
    """What a person sees, and their terminal acts on."""
    terminal, end = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
    command = [sys.executable, *program, "logs", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=end, stderr=end, env=env) as process:
        os.close(end)
        shown = b""
        while True:
            try:
                octets = os.read(terminal, 4096)
            except OSError:
                break
            if not octets:
                break
            shown += octets
        assert process.wait(30) == 0
    os.close(terminal)
    return shown.decode()


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    lines = [
        Line(
            at=120 * number,
            target="/slow",
            status=304 if number else 200,
            size=0 if number else 100,
            etag='"a"',
            us=50_000,
        )
        for number in range(70)
    ]
    return write(tmp_path / "slow.log", [*HEALTHY, *lines])


def test_a_summary_says_what_people_came_for(slow: Path) -> None:
    done = logs(slow)
    assert (done.returncode, done.stderr) == (0, "")
    assert "70 of them answered 304" in done.stdout
    assert "needless-revalidation" in done.stdout
    assert "/slow: max-age of 1 h" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_plain_summary_is_no_wider_than_it_says(slow: Path, tmp_path: Path) -> None:
    shown = logs(slow).stdout.split("Proposed, ")[1].splitlines()
    assert any("would spare more" in line for line in shown)
    assert all(len(line) <= 100 for line in shown)
    assert "404  100.0%  1 request, 100 B\n" in logs(write(tmp_path / "one", [Line(status=404)])).stdout


def test_a_terminal_gets_tables_with_bars(slow: Path) -> None:
    shown = on_a_terminal(slow)
    assert "█" in shown
    assert "needless-revalidation" in shown
    assert "max-age of 1 h" in shown


def test_whose_a_finding_is_is_said(tmp_path: Path) -> None:
    log = write(tmp_path / "log", LOGS["refused-again"])
    page = tmp_path / "report.html"
    for shown in (logs("--html", page, log).stdout, on_a_terminal(log)):
        assert "8  192.0.2.1 (app/1) on /api/{id}" in shown
    assert cells(page.read_text(encoding="utf-8"), "Whose it is") == [
        ["192.0.2.1app/1", "/api/{id}", "8", "800 B"]
    ]


def test_what_a_log_lacks_is_said_with_what_to_add(tmp_path: Path) -> None:
    plain = '192.0.2.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 304 0 "-" "x/1"'
    without_times = "No response times in this log: worker time is not estimated; add %(D)s to the format"
    without_tags = "No entity-tags in this log"
    lacking = document_of(write(tmp_path / "plain", [plain]))
    assert [
        without_times in lacking["log"]["cannot_tell"][0],
        without_tags in lacking["log"]["cannot_tell"][1],
    ] == [
        True,
        True,
    ]
    shown = " ".join(logs(tmp_path / "plain").stdout.split())
    assert without_times in shown
    assert "workers" not in shown
    timed = document_of(write(tmp_path / "timed", [f"{plain} 1500"]), "--format", f"{COMBINED} %(D)s")
    assert [sentence for sentence in timed["log"]["cannot_tell"] if without_times in sentence] == []
    assert timed["totals"]["worker_seconds"] == 0.0015
    tagged = document_of(write(tmp_path / "tagged", [Line(us=90, etag='"a"')]))
    assert [sentence.partition(":")[0] for sentence in tagged["log"]["cannot_tell"]] == [
        "No Content-Encoding in this log"
    ]
    bare = '192.0.2.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 304 0'
    said = document_of(write(tmp_path / "bare", [bare]))["log"]["cannot_tell"]
    assert any("whoever shares an address is taken for one client" in sentence for sentence in said)
    everything = document_of(
        write(tmp_path / "full", [f'{plain} 1500 "gzip" "x"']),
        "--format",
        f'{COMBINED} %(D)s "%({{content-encoding}}o)s" "%({{etag}}o)s"',
    )
    assert [sentence for sentence in everything["log"]["cannot_tell"] if "ETag" not in sentence] == []


def test_the_answer_comes_first_with_what_to_do_about_it(slow: Path) -> None:
    first_screen = logs(slow).stdout.split("\n")[:24]
    assert first_screen[0].startswith(str(slow))
    assert "70 of them answered 304" in first_screen[2]
    said = " ".join(first_screen)
    assert "A 304 is no error" in said
    assert "would have spared 67 requests, 67 of them 304s: `--policies OUT.toml` writes them" in said


@pytest.mark.parametrize(("fail_on", "status"), [("never", 0), ("info", 1), ("warning", 1), ("error", 0)])
def test_the_exit_status_tells_of_findings(slow: Path, fail_on: str, status: int) -> None:
    assert logs("--fail-on", fail_on, slow).returncode == status


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_a_reader_who_has_enough_is_no_error(slow: Path, arguments: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "notmodified", "logs", *arguments, slow]
    with os.fdopen(writes, "w") as end:
        done = subprocess.run(command, stdout=end, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["/nowhere/access.log"], "No such file or directory: '/nowhere/access.log'"),
        (["/tmp"], "it is a directory"),
        (["/nowhere/*.log"], "no file is like /nowhere/*.log"),
        (["--format", "%(h)s%(t)s", "-"], "nothing between"),
        (["--format", "$remote_addr", "-"], "a format needs a time, a request and a status"),
        (["--field", "colour=x", "-"], "colour is no field of a log"),
        (["--field", "bytes", "-"], "write NAME=KEY"),
        (["--format", "combined", "--field", "bytes=x", "-"], "only JSON lines have keys"),
        (["--risk", "2", "-"], "a risk is a share such as 0.01 or 1%"),
        (["--max-memory", "5", "-"], "give at least 128M"),
        (["--client-cache", "much", "-"], "give a size such as 256M"),
        (["--simulate", "/nowhere.toml", "-"], "/nowhere.toml"),
        (["--shared-cache", "-"], "--shared-cache and --client-cache go with --simulate"),
        (["--client-cache", "1G", "-"], "--shared-cache and --client-cache go with --simulate"),
        (["-"], "there is not one line"),
    ],
)
def test_what_is_wrong_is_said_and_is_2(arguments: list[str], says: str) -> None:
    done = logs(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_log_is_shown_with_the_format_that_was_tried() -> None:
    done = logs("--format", "common", "-", given=b"what\x1b[2J is\xff this?\n" * 3)
    assert done.returncode == 2
    assert "0 of 3 lines make sense in the format common" in done.stderr
    assert "what\\u{1b}[2J is" in done.stderr
    assert "\x1b" not in done.stderr


def test_json_that_has_no_request_is_called_json() -> None:
    done = logs("-", given=b'{"time": "2026-11-24T12:00:00Z", "message": "started"}\n' * 3)
    assert done.returncode == 2
    assert "0 of 3 lines make sense in the format json" in done.stderr


def test_some_lines_without_sense_are_counted_and_shown(tmp_path: Path) -> None:
    log = write(tmp_path / "log", ["[2026-11-24 12:00:00 +0000] [7] [INFO] Booting worker", *HEALTHY])
    about = document_of(log)["log"]
    assert (about["lines"], about["parsed"]) == (len(HEALTHY) + 1, len(HEALTHY))
    assert about["unparsable"] == [
        {"line": 1, "source": str(log), "text": "[2026-11-24 12:00:00 +0000] [7] [INFO] Booting worker"}
    ]
    assert "1 of them makes no sense" in logs(log).stdout


def test_rotated_logs_are_one_log_in_any_order(tmp_path: Path) -> None:
    lines = [f"{line}\n".encode() for line in LOGS["needless-revalidation"]]
    (tmp_path / "access.log").write_bytes(b"".join(lines[40:]))
    (tmp_path / "access.log.1").write_bytes(b"".join(lines[20:40]))
    (tmp_path / "access.log.2.gz").write_bytes(
        gzip.compress(b"".join(lines[:10])) + gzip.compress(b"".join(lines[10:15]))
    )
    (tmp_path / "access.log.3.bz2").write_bytes(bz2.compress(b"".join(lines[15:20])))
    whole = document_of("-", given=b"".join(lines))
    rotated = document_of(tmp_path / "access.log*")
    assert len(rotated["log"]["sources"]) == 4
    assert rotated["routes"] == whole["routes"]
    assert rotated["totals"] == whole["totals"]


def test_nothing_from_a_log_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m\u009b31m\u202eevil[bold red]x[/]\x7f"
    lines = [
        Line(at=120 * number, target=f"/{evil}", agent=evil, client=evil.replace(" ", ""))
        for number in range(30)
    ]
    log = write(tmp_path / "log", [*lines, "\x1b[2Jnot a line"])
    for shown in (logs(log).stdout, logs("--json", log).stdout, on_a_terminal(log)):
        for letter in ("\x07", "\x9b", "\u202e", "\x7f", "\x1b]", "\x1b[2J"):
            assert letter not in shown
    assert "evil[bold red]x[/]" in on_a_terminal(log)


def test_policies_are_accepted_as_a_configuration(tmp_path: Path) -> None:
    lines = [
        Line(
            at=120 * number,
            target=target,
            status=304 if number else 200,
            size=0 if number else 100,
            etag='"a"',
            cache_control=said,
        )
        for number in range(70)
        for target, said in (
            ("/plain", "-"),
            ("/says-so", "no-cache"),
            ("/users", "private"),
            ("/static/app.3f2a1b9c.js", "-"),
            ("/gr%C3%B6%C3%9Fe/a%20b", "-"),
            ('/quote\\"s', "-"),
            ("/{x}/**/%00", "-"),
        )
    ]
    out = tmp_path / "out.toml"
    done = logs("--policies", out, write(tmp_path / "log", lines))
    assert done.returncode == 0, done.stderr
    policies = {policy["path"][0]: policy for policy in Config.load(out).policies}
    assert policies["/plain"]["cache_control"] == "max-age=3600"
    assert policies["/says-so"]["override"]
    assert policies["/users"]["cache_control"] == "private, max-age=3600"
    assert policies["/static/app.*.js"]["cache_control"] == "immutable, max-age=31536000"
    assert policies["/größe/a b"]["cache_control"] == "max-age=3600"


def test_what_changes_too_often_for_clients_is_for_the_validator_cache(tmp_path: Path) -> None:
    # Each second return finds another version.
    lines = [
        Line(
            at=11 * number,
            target="/ticker",
            status=304 if number % 2 else 200,
            size=0 if number % 2 else 100,
            etag=f'"{number // 2}"',
            us=20_000,
        )
        for number in range(80)
    ]
    out = tmp_path / "out.toml"
    done = logs("--policies", out, write(tmp_path / "log", lines))
    assert "/ticker: the validator cache, 1 min" in done.stdout
    config = Config.load(out)
    assert config.store == "host"
    assert config.policies[0]["notmodified_cache_control"] == "max-age=60"


def test_routes_of_the_user_come_first(tmp_path: Path) -> None:
    log = write(tmp_path / "log", [Line(target=f"/shop/{name}/buy") for name in ("tea", "milk")])
    routes = tmp_path / "routes"
    routes.write_text("# of Flask\n/shop/<string:thing>/buy\n/rest/<path:all>\n")
    assert [route["route"] for route in document_of("--routes", routes, log)["routes"]] == [
        "/shop/{thing}/buy"
    ]


def test_json_lines_are_read_by_their_keys(tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {
                "ts": 1_790_000_000 + 60 * n,
                "http": {"verb": "GET", "to": "/x", "code": 304},
                "took": 7,
                "ip": "::1",
            }
        )
        for n in range(5)
    ]
    fields = ["method=http.verb", "path=http.to", "status=http.code", "milliseconds=took"]
    document = document_of(
        *(part for field in fields for part in ("--field", field)), write(tmp_path / "log", lines)
    )
    assert document["totals"]["by_status"]["304"] == {"requests": 5, "bytes": 0, "worker_seconds": 0.035}


def test_without_rich_the_summary_is_plain(slow: Path) -> None:
    code = "import sys; sys.modules['rich'] = None; from notmodified.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "logs", slow], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "needless-revalidation" in done.stdout
    shown = on_a_terminal(slow, program=("-c", code))
    assert "needless-revalidation" in shown
    assert "rich not installed, so this is plain text; pip install 'notmodified[logs]'" in shown


def test_it_does_not_wait_for_what_other_commands_import(slow: Path) -> None:
    others = {"asyncio", "dataclasses", "hashlib", "logging", "notmodified.check", "rich", "socket", "ssl"}
    code = f"import sys; from notmodified.cli import main; main(); print(sorted({others} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code, "logs", slow], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"
