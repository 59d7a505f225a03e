"""`notmodified check --replay`: what is no recording is refused in a sentence that names the file."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notmodified.check import record_app
from notmodified.cli import main


def application(environ, start_response):
    start_response("200 OK", [("ETag", '"a"'), ("Content-Type", "text/html")])
    return [b"page"]


def replay(file: Path | str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "notmodified", "check", "--replay", str(file), *more]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=50)


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "no recording of notmodified check"),
        (b"\xff\xfe", "no recording of notmodified check: it is no text"),
        (b"[" * 100_000, "no recording of notmodified check"),
        (
            b'{"log": {"version": "1.2", "entries": []}}',
            "no recording of notmodified check: missing field `schema`",
        ),
        (b'{"schema": 9}', "a recording of form 9, and this version reads form 1"),
        (b'{"schema": 1, "hops": [], "pages": [{"url": "\\u001b[31m"}], "exchanges": 7}', "no recording"),
    ],
)
def test_what_is_no_recording_is_refused_by_its_name(tmp_path, octets, says) -> None:
    file = tmp_path / "recording.json"
    file.write_bytes(octets)
    done = replay(file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"notmodified check: {file}: it is ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    done = replay("/dev/zero")
    assert done.returncode == 2
    assert done.stderr == (
        "notmodified check: /dev/zero: it is larger than 512 MiB: ask for fewer pages at a time\n"
    )


RECORDED = record_app(application, ["/"])
# Every second exchange: hypothesis does not show what is too long, and all of it takes twice the time.
del RECORDED.exchanges[1::2]
GOOD = RECORDED.to_json()
_texts = st.text() | st.sampled_from(
    ["\0", "\r\n", "\u20ac", "\x1b[31m", "first", "after-304", 'W/"', "a, b"]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Return a recording in which values were replaced or taken out, and sometimes octets too."""
    recording = json.loads(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        inner, steps = recording, 0
        # Down to wherever it pleases.
        while True:
            keys = list(inner) if isinstance(inner, dict) else range(len(inner))
            if not keys:
                break
            key, steps = draw(st.sampled_from(keys)), steps + 1
            if isinstance(inner[key], (dict, list)) and draw(st.integers(0, 5)):
                inner = inner[key]
                continue
            if draw(st.booleans()):
                inner[key] = draw(_values)
            else:
                del inner[key]
            break
    octets = json.dumps(recording).encode()
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(octets)))
        octets = octets[:at] + draw(st.binary(max_size=8)) + octets[at + draw(st.integers(0, 8)) :]
    return octets


@given(mangled(), st.sampled_from(["--json", "--verbose", "--html"]))
def test_a_mangled_recording_is_judged_or_refused_in_a_line(octets, form) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, page = Path(folder) / "recording", Path(folder) / "page.html"
        file.write_bytes(octets)
        out, errors = io.StringIO(), io.StringIO()
        more = [form, str(page)] if form == "--html" else [form]
        without_linter = mock.patch.dict(sys.modules, httplint=None)
        with redirect_stdout(out), redirect_stderr(errors), without_linter:
            status = main(["check", "--replay", str(file), *more])
    said = errors.getvalue()
    if status == 2:
        assert out.getvalue() == ""
        assert re.fullmatch(
            rf"notmodified check: {re.escape(str(file))}: it is (no|a) recording .*\n", said
        ), said
        assert said[:-1].isprintable()
    else:
        assert status in {0, 1}
        assert said == (f"report written to {page}\n" if form == "--html" else "")
        if form == "--json":
            json.loads(out.getvalue())
        else:
            assert out.getvalue().replace("\n", "").isprintable()
