"""How much memory a crawl takes: of its length nothing but the report depends on it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kit.raw_server import Sent, raw_server
from notmodified.check import Limits, judge
from notmodified.check.in_process import parts_of_app

if TYPE_CHECKING:
    from pathlib import Path

# Runs the command and tells on the last line of stderr how much memory it took at most, in KiB.
MEASURED = """
import resource, sys
from notmodified.cli import main
try:
    status = main(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""
CONTENT = b"<p>words of a long page</p>\n" * 12_000


def answer(head: bytes) -> Sent:
    """Serve pages that each link to the next one, without conditional requests, HEAD alone aside."""
    method, path, _ = head.split(b" ", 2)
    number = int(path[1:]) if path[1:].isdigit() else 0
    content = b'<!doctype html><a href="/%d">next</a>' % (number + 1) + CONTENT
    fields = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n" % len(content)
    tag = b'ETag: "%d"\r\nCache-Control: no-cache\r\n\r\n' % number
    return Sent([fields + tag + (b"" if method == b"HEAD" else content)])


def nothing(environ, start_response):
    """Answer with a head and no content."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "no-cache")])
    return []


def test_thousands_of_pages_with_next_to_nothing_on_them_are_forgotten_too() -> None:
    limits = Limits(part=200_000)
    parts = parts_of_app(nothing, [f"/{number}" for number in range(100)], limits=limits)
    counted = [(len(part.pages), part.octets()) for part in parts]
    assert sum(pages for pages, _ in counted) == 100
    assert len(counted) > 10
    # A part ends with the page that is too much.
    largest_page = max(octets // pages for pages, octets in counted) * 2
    assert max(octets for _, octets in counted) < limits.part + largest_page


def check(pages: int, *more: str) -> tuple[int, dict]:
    """Return the peak in MiB of a crawl of so many pages, and its document."""
    with raw_server(answer) as server:
        arguments = ["check", "--json", "--crawl", str(pages - 1), *more, f"http://{server.address}/0"]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *arguments], capture_output=True, check=False, text=True
        )
        assert len(server.heads) > 20 * pages
    return int(done.stderr.splitlines()[-1]) // 1024, json.loads(done.stdout)


@pytest.mark.long
def test_a_longer_crawl_takes_no_more_memory(tmp_path: Path) -> None:
    few, _ = check(2)
    recording = tmp_path / "recording.json"
    many, document = check(8, "--record", str(recording))
    assert len(document["pages"]) == 8
    recorded = recording.stat().st_size // (1 << 20)
    assert recorded > 80
    assert many - few < recorded / 4
    # What was written while it was forgotten is judged again as it was, places in the recording included.
    assert judge(recording.read_text(), linted=True) == document
