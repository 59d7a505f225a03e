"""Servers that break HTTP below its meaning: the check ends within its limits, and says what is wrong."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import resource
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kit.raw_server import Sent, raw_server
from notmodified.check import Limits, judge
from notmodified.check.live import Options, record_urls

if TYPE_CHECKING:
    from collections.abc import Callable

    from notmodified.check.document import Page

LIMITS = Limits(timeout=3, body=300_000, kept=20_000)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = OK + b'ETag: "a"\r\nCache-Control: no-cache\r\nContent-Length: 7\r\n\r\ncontent'
CHECK = (sys.executable, "-m", "notmodified", "check")


def asked(answer: Callable[[bytes], Sent], limits: Limits = LIMITS) -> Page:
    with raw_server(answer) as server:
        document = judge(record_urls([f"http://{server.address}/"], Options(limits=limits, replicas=0)))
    (page,) = document["pages"]
    return page


def ids(page: Page) -> list[str]:
    return [finding["id"] for finding in page["findings"]]


def always(octets: bytes, then: str = "keep") -> Callable[[bytes], Sent]:
    return lambda _head: Sent([octets], then)


@pytest.mark.parametrize(
    ("lines", "content", "says"),
    [
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"3\r\nabc\r\n0\r\n\r\n", "both"),
        (b"Content-Length: 3\r\nContent-Length: 5", b"abc", "3 and 5"),
        (b"Content-Length: 3, 5", b"abc", "3 and 5"),
        (b"Content-Length: +3", b"abc", "no number"),
        (b"Content-Length: -3", b"abc", "no number"),
        (b"Content-Length: 3x", b"abc", "no number"),
        (b"Transfer-Encoding: gzip, chunked", gzip.compress(b"abc", mtime=0), "more than chunked"),
        (b"Transfer-Encoding: xchunked", b"abc", "more than chunked"),
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_told(lines, content, says) -> None:
    page = asked(always(OK + lines + b"\r\n\r\n" + content, "close"))
    assert "not-http" in ids(page)
    assert any(says in finding["says"] for finding in page["findings"] if finding["id"] == "not-http")


def test_a_stream_whose_first_events_come_with_its_head_is_no_answer_that_is_too_long() -> None:
    events = OK + b"Cache-Control: no-store\r\nContent-Type: text/event-stream\r\n"
    page = asked(always(events + b"Transfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n"))
    assert "not-http" not in ids(page)


@pytest.mark.parametrize(
    "size", [b"-1", b"-5", b"+3", b"0x3", b"1_0", b"", b" 3", b"zz", b"3" * 17, b"3" * 70_000]
)
def test_a_chunk_whose_size_is_none_ends_it(size) -> None:
    # What int() takes as well would be read without end.
    page = asked(lambda _: Sent(itertools.chain([CHUNKED + size + b"\r\n"], itertools.repeat(b"x" * 65536))))
    assert ids(page) == ["not-http"]
    assert "no size of a chunk" in page["verdict"] or "chunk" in page["verdict"]


@pytest.mark.parametrize("size", [b"7", b"007", b"7 ;a=b", b"7;a"])
def test_sizes_of_chunks_that_are_right_are_read(size) -> None:
    chunked = OK + b'ETag: "a"\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n'
    page = asked(always(chunked + size + b"\r\ncontent\r\n0\r\nX-Trailer: a\r\n\r\n"))
    assert page["hops"][0]["codings"][0]["length"] == 7
    assert not {"not-http", "truncated-body"} & set(ids(page)) or "HEAD" in str(page["findings"])


def test_more_content_than_the_length_says_is_told() -> None:
    page = asked(always(GOOD + b"<html>more"))
    assert "not-http" in ids(page)
    assert any("more content than the length" in finding["says"] for finding in page["findings"])


def whole_but_for_head(head: bytes) -> Sent:
    return Sent([GOOD[: GOOD.index(b"content")]] if head.startswith(b"HEAD") else [GOOD])


def test_a_server_that_only_ignores_preconditions_has_no_finding_of_the_network() -> None:
    network = {"not-http", "truncated-body", "unreachable", "too-slow", "large-body"}
    assert not network & set(ids(asked(whole_but_for_head)))


def test_what_comes_late_after_an_answer_is_put_down_to_that_answer() -> None:
    # As Gunicorn ends an empty file twice: what is too much comes once the next request is there.
    served: set[threading.Thread] = set()

    def late(head: bytes) -> Sent:
        is_kept = threading.current_thread() in served
        served.add(threading.current_thread())
        return Sent([b"0\r\n\r\n" if is_kept else b"", *whole_but_for_head(head).pieces])

    page = asked(late)
    assert set(ids(page)) == {"not-http", *ids(asked(whole_but_for_head))}
    assert any("more content than the length" in finding["says"] for finding in page["findings"])


@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_response_that_is_cut_anywhere_is_never_taken_for_whole(then) -> None:
    end = GOOD.index(b"\r\n\r\n") + 4
    for place in (*range(0, end, 7), end - 3, end - 2, end - 1, end, end + 1, len(GOOD) - 1):
        page = asked(always(GOOD[:place], then))
        assert len(page["findings"]) == 1, place
        expected = (
            {"unreachable", "not-http", "truncated-body"}
            if then == "reset"
            else {"unreachable" if place == 0 else "not-http" if place < end else "truncated-body"}
        )
        assert set(ids(page)) <= expected, place


@pytest.mark.parametrize(
    ("start", "piece", "kind"),
    [
        (OK + b"\r\n", b"x" * 65536, "large-body"),
        (CHUNKED, b"40\r\n" + b"x" * 64 + b"\r\n", "large-body"),
        (CHUNKED, b"fff\r\n" + b"x" * 4095 + b"\r\n", "large-body"),
        (CHUNKED + b"1;", b"x" * 65536, "not-http"),
        (OK + b"A: ", b"x" * 65536, "not-http"),
        (OK, b"A: b\r\n" * 1000, "not-http"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "not-http"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", "not-http"),
        (b"", b"\r\n", "not-http"),
        (b"", b"\x00\xff\x1b[2J" * 1000, "not-http"),
        (OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(bytes(10_000_000), mtime=0), "large-body"),
    ],
    ids=lambda value: str(value[:24]),
)
def test_what_never_ends_is_ended(start, piece, kind) -> None:
    assert kind in ids(asked(lambda _: Sent(itertools.chain([start], itertools.repeat(piece)))))


def slowly(octets: bytes) -> Callable[[bytes], Sent]:
    def pieces():
        for octet in octets:
            yield bytes([octet])
            time.sleep(0.05)

    return lambda _head: Sent(pieces())


@pytest.mark.parametrize("octets", [GOOD, GOOD[:-7] + b"x" * 7, CHUNKED + b"1\r\nx\r\n" * 100])
def test_an_octet_now_and_then_does_not_make_it_wait_longer(octets) -> None:
    started = time.monotonic()
    page = asked(slowly(octets), Limits(timeout=0.4))
    assert ids(page) == ["too-slow"]
    assert time.monotonic() - started < 0.05 * len(octets)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "gopher://{}/", "ftp://{}/", "javascript:alert(1)"])
def test_redirects_to_what_is_no_web_page_are_not_followed(to) -> None:
    with raw_server(always(GOOD)) as canary:
        location = to.format(canary.address).encode()
        page = asked(
            always(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n")
        )
        assert ids(page) == ["redirect-loop"]
        assert canary.heads == []


@pytest.mark.parametrize("to", ["http://{}/", "//{}/", "http:\\\\{}/", "//{}\\@x/", "//x@{}/"])
def test_another_host_is_not_asked_and_cookies_do_not_go_there(to) -> None:
    with raw_server(always(GOOD)) as canary:
        fields = f"Location: {to.format(canary.address)}\r\nSet-Cookie: a=secret\r\n\r\n".encode()
        page = asked(always(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + fields))
        assert canary.heads == []
    assert page["verdict"]


def test_a_redirect_in_letters_is_followed_as_browsers_do() -> None:
    paths = []

    def answer(head: bytes) -> Sent:
        paths.append(head.split(b" ")[1])
        if paths[-1] == b"/":
            return Sent([b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /caf\xc3\xa9 1\r\n\r\n"])
        return whole_but_for_head(head)

    page = asked(answer)
    assert paths[:3] == [b"/", b"/", b"/caf%C3%A9%201"]
    assert page["url"].endswith("/caf%C3%A9%201")


@pytest.mark.parametrize(
    "octets", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x03\xff\xff" + b"\xff" * 100, b""]
)
def test_what_speaks_no_tls_is_told(octets) -> None:
    with raw_server(always(octets, "close"), is_rash=True) as server:
        options = Options(limits=LIMITS, replicas=0)
        document = judge(record_urls([f"https://{server.address}/"], options))
    assert ids(document["pages"][0]) == ["unreachable"]


def mutations() -> list[bytes]:
    random.seed(7)
    nasty = [
        b"\x00",
        b"\r",
        b"\n",
        b"\r\n",
        b":",
        b" ",
        b"\x1b[31m",
        b"\xff",
        b'"',
        b",",
        b"\x85",
        b"\xe2\x80\xa8",
    ]
    heads = []
    for _ in range(60):
        octets = bytearray(
            GOOD.replace(
                b"Cache",
                b"Set-Cookie: a=b; Max-Age=9\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache",
            )
        )
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(octets))
            octets[at : at + random.randint(0, 4)] = random.choice(nasty)
        heads.append(bytes(octets))
    return heads


def test_no_head_makes_it_stumble() -> None:
    for octets in mutations():
        page = asked(always(octets, "close"), Limits(timeout=1))
        assert page["verdict"], octets


@pytest.mark.parametrize(
    "line",
    [
        b"Last-Modified: Mon, 01 Jan 0001 00:00:00 +2359",
        b"Last-Modified: Fri, 31 Dec 9999 23:59:59 -2359",
        b"Last-Modified: Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
        b'ETag: "a\r\n b"',
        b'ETag: "\x0b\x7f"',
        b'ETag: "' + b"\xff" * 900 + b'"',
        b"Set-Cookie: a=" + b'"\\' * 20_000,
        b"Set-Cookie: a=\x01\xff; b",
        b"Date: x\r\nAge: 99999999999999999999999\r\nCache-Control: max-age=99999999999999999999999",
        b"Vary: " + b"a," * 20_000,
        b"Content-Type: text/html;" + b"a=" * 20_000,
    ],
    ids=lambda line: str(line[:30]),
)
def test_no_field_makes_it_stumble(line) -> None:
    started = time.process_time()
    page = asked(always(OK + line + b"\r\nContent-Length: 7\r\nConnection: close\r\n\r\ncontent", "close"))
    assert page["verdict"]
    # Of work, not of waiting.
    assert time.process_time() - started < 20


NASTY_CONTENT = {
    "lines": lambda: b"".join(b"%d\n" % random.randrange(10**9) for _ in range(50_000)),
    "one line": lambda: b" ".join(b"%d" % random.randrange(10**9) for _ in range(50_000)),
    "tags": lambda: b"<a" * 250_000 + b"%d" % random.randrange(10**9),
    "comments": lambda: b"<!--" * 120_000 + b"%d" % random.randrange(10**9),
    "declarations": lambda: b"<![CDATA[" * 50_000 + b"%d" % random.randrange(10**9),
    "quotes": lambda: b'<a href="' * 50_000 + b"%d" % random.randrange(10**9),
    "style sheets": lambda: b"url(" * 120_000 + b"%d" % random.randrange(10**9),
}


@pytest.mark.parametrize("what", NASTY_CONTENT)
def test_no_content_makes_it_work_long(what) -> None:
    kind = b"text/css" if what == "style sheets" else b"text/html"

    def answer(_head: bytes) -> Sent:
        content = NASTY_CONTENT[what]()
        return Sent(
            [OK + b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(content) + content]
        )

    with raw_server(answer) as server:
        started = time.process_time()
        options = Options(limits=Limits(timeout=5), replicas=0, crawl=1)
        assert judge(record_urls([f"http://{server.address}/"], options))["pages"]
        assert time.process_time() - started < 20


def test_the_command_stays_within_its_memory_and_tells_it_by_its_status(tmp_path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    for start, status in ((CHUNKED + b"-1\r\n", 1), (OK + b"\r\n", 0)):
        with raw_server(
            lambda _, start=start: Sent(itertools.chain([start], itertools.repeat(b"x" * 2**20)))
        ) as server:
            done = subprocess.run(
                [
                    *CHECK,
                    f"http://{server.address}/",
                    "--timeout",
                    "5",
                    "--json",
                    "--html",
                    tmp_path / "out.html",
                ],
                capture_output=True,
                check=False,
                text=True,
                preexec_fn=limited,
                timeout=50,
            )
        assert (done.returncode, done.stderr) == (status, f"report written to {tmp_path / 'out.html'}\n")
        assert json.loads(done.stdout)["pages"][0]["findings"]
