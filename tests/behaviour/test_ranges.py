"""Ranges of whole responses and files: 206, 416, or the whole (RFC 9110 §14)."""

from __future__ import annotations

import os
import time
from email.utils import formatdate

import pytest

from apps import content
from behaviour.test_files import BODY, FileSite, Wrapper
from kit.in_process import Server, environ_of
from kit.over_socket import Connection
from kit.servers import KINDS
from model.range_model import parts_of
from notmodified import EntityTag, NotModified

# What can be divided: whole responses and files.
DIVISIBLE = ["/page", "/file?length=100000"]
NOT_COMPARED = {"date", "content-length", "content-range", "transfer-encoding", "connection", "accept-ranges"}


@pytest.fixture(params=DIVISIBLE)
def whole(site, request):
    if "file" in request.param and "file-wrapper" in KINDS[site.server].lacks:
        pytest.skip("without a file wrapper its files are streams")
    answer = site.get(request.param)
    assert answer.status == 200
    answer.path = request.param
    return answer


ONE_PART = {
    "bytes=0-9": (0, 9),
    "bytes=3-3": (3, 3),
    "bytes=100-": (100, None),
    "bytes=-7": (-7, None),
    "bytes=0-": (0, None),
    "bytes=-99999999": (0, None),
    "BYTES=5-99999999999999999999": (5, None),
    "bytes=1-2,2-8": (1, 8),
    "bytes=7-8,1-6": (1, 8),
    "bytes=1-2,99999999-": (1, 2),
}


def test_one_part_is_a_206_with_just_these_octets(site, whole):
    length = len(whole.body)
    for field, (start, end) in ONE_PART.items():
        first = start % length
        last = length - 1 if end is None else end
        answer = site.get(whole.path, ("Range", field))
        assert (answer.status, answer.reason) == (206, "Partial Content")
        assert answer.body == whole.body[first : last + 1]
        assert answer["Content-Range"] == f"bytes {first}-{last}/{length}"
        assert answer["Content-Length"] == str(last + 1 - first)
        assert answer.compared(without=NOT_COMPARED) == whole.compared(without=NOT_COMPARED)
        assert site.result(answer) == "partial"


def test_the_last_octet_of_all(site, whole):
    answer = site.get(whole.path, ("Range", f"bytes={len(whole.body) - 1}-"))
    assert (answer.status, answer.body) == (206, whole.body[-1:])


def test_several_parts_come_as_multipart(site, whole):
    length = len(whole.body)
    answer = site.get(whole.path, ("Range", f"bytes=0-0, 10-11 ,-1,{length}-"))
    assert answer.status == 206
    assert "Content-Range" not in answer
    assert answer["Content-Length"] == str(len(answer.body))
    parts = parts_of(answer["Content-Type"], answer.body)
    assert [part.body for part in parts] == [whole.body[:1], whole.body[10:12], whole.body[-1:]]
    last = length - 1
    assert [part.content_range for part in parts] == [
        f"bytes {first}-{last}/{length}" for first, last in [(0, 0), (10, 11), (last, last)]
    ]
    assert {part.content_type for part in parts} == {whole["Content-Type"]}
    left_out = NOT_COMPARED | {"content-type"}
    assert answer.compared(without=left_out) == whole.compared(without=left_out)
    assert site.result(answer) == "partial"


def test_what_begins_nowhere_in_the_content_is_416(site, whole):
    for field in ("bytes=-0", "bytes={length}-", "bytes={length}-{length}, -0"):
        answer = site.get(whole.path, ("Range", field.format(length=len(whole.body))))
        assert answer.status == 416
        assert answer["Content-Range"] == f"bytes */{len(whole.body)}"
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Content-Length"] == str(len(answer.body))
        assert site.result(answer) == "unsatisfiable"


NO_RANGE = [
    "bytes=5-3",
    "bytes=",
    "bytes=a-b",
    "lines=0-1",
    "bytes=0-1,x",
    "bytes 0-1",
    "bytes=1-2-3",
    "",
    "\xe9",
]


def test_what_is_malformed_or_of_another_unit_gets_the_whole(site, whole):
    for field in NO_RANGE:
        answer = site.get(whole.path, ("Range", field))
        assert (answer.status, answer.body) == (200, whole.body)
        assert site.result(answer) == "unconditional"


def test_repeated_lines_are_none(site, whole):
    answer = site.get(whole.path, ("Range", "bytes=0-1"), ("Range", "bytes=3-4"))
    assert answer.status in (200, 206)  # Some servers take the last line.
    assert answer.body in (whole.body, whole.body[3:5])


def test_head_takes_no_notice(site, whole):
    answer = site.head(whole.path, ("Range", "bytes=0-1"), ("If-Range", whole["ETag"]))
    assert answer.status == 200
    assert "Content-Range" not in answer
    assert answer["ETag"] == whole["ETag"]


class TestPreconditionsComeFirst:
    def test_a_client_that_has_it_all_gets_304(self, site, whole):
        answer = site.get(whole.path, ("Range", "bytes=0-1"), ("If-None-Match", whole["ETag"]))
        assert (answer.status, answer.body) == (304, b"")
        assert "Content-Range" not in answer

    def test_another_s_range_gets_412(self, site, whole):
        answer = site.get(whole.path, ("Range", "bytes=0-1"), ("If-Match", '"other"'))
        assert answer.status == 412
        assert "Content-Range" not in answer

    def test_those_that_hold_let_the_range_through(self, site, whole):
        for field in (("If-Match", whole["ETag"]), ("If-None-Match", '"other"'), ("If-Match", "*")):
            answer = site.get(whole.path, ("Range", "bytes=1-2"), field)
            assert (answer.status, answer.body) == (206, whole.body[1:3])


class TestIfRange:
    def test_the_current_tag_gets_the_part(self, site, whole):
        answer = site.get(whole.path, ("Range", "bytes=1-2"), ("If-Range", whole["ETag"]))
        assert (answer.status, answer.body) == (206, whole.body[1:3])
        assert answer["ETag"] == whole["ETag"]

    def test_anything_else_gets_the_whole(self, site, whole):
        for tag in ('"other"', "W/{tag}", "other", "*", '"a", {tag}', "", content.DATE):
            field = ("If-Range", tag.format(tag=whole["ETag"]))
            answer = site.get(whole.path, ("Range", "bytes=1-2"), field)
            assert (answer.status, answer.body) == (200, whole.body)
            assert site.result(answer) == "modified"

    def test_the_applications_own_tag_counts(self, site):
        for tag, status in ((content.OWN, 206), ('"own-v2"', 200)):
            answer = site.get("/etag", ("Range", "bytes=1-2"), ("If-Range", tag))
            assert (answer.status, answer["ETag"]) == (status, content.OWN)

    def test_it_comes_before_416(self, site, whole):
        answer = site.get(whole.path, ("Range", "bytes=99999999-"), ("If-Range", '"other"'))
        assert (answer.status, answer.body) == (200, whole.body)

    def test_without_a_range_it_means_nothing(self, site, whole):
        answer = site.get(whole.path, ("If-Range", '"other"'))
        assert (answer.status, answer.body) == (200, whole.body)
        assert site.result(answer) == "unconditional"

    def test_a_weak_tag_never_gets_a_part(self, site):
        for path, config in (("/page", "etag-weak"), ("/etag-weak", "default")):
            tag = site.get(path, config=config)["ETag"]
            assert tag.startswith("W/")
            for field in (tag, tag.removeprefix("W/")):
                answer = site.get(path, ("Range", "bytes=0-1"), ("If-Range", field), config=config)
                assert (answer.status, answer.body) == (200, content.PAGE)
            # Who does not ask gets the part.
            assert site.get(path, ("Range", "bytes=0-1"), config=config).status == 206

    @pytest.mark.parametrize("path", ["/last-modified", "/etag-and-date"])
    def test_a_date_counts_if_it_is_the_very_one(self, site, path):
        answer = site.get(path, ("Range", "bytes=0-1"), ("If-Range", content.DATE))
        assert (answer.status, answer.body) == (206, content.PAGE[:2])
        for other in (content.EARLIER, content.EXPIRES, content.DATE.replace("GMT", "+0000")):
            answer = site.get(path, ("Range", "bytes=0-1"), ("If-Range", other))
            assert (answer.status, answer.body) == (200, content.PAGE)

    @pytest.mark.parametrize(("age", "status"), [(-5, 200), (0, 200), (5, 206)])
    def test_a_date_of_this_second_or_to_come_is_weak(self, age, status):
        """What was made in it may be changed in it once more (§8.8.2.2)."""
        # Not at the end of a second, so that it is the same one when it is judged.
        while time.time() % 1 > 0.8:
            time.sleep(0.05)
        date = formatdate(time.time() - age, usegmt=True)
        server = Server(environ_of("GET", "/", [("Range", "bytes=0-1"), ("If-Range", date)]))
        server.run(NotModified(an_app([b"content"], ("Last-Modified", date))))
        assert server.sent[0].startswith(str(status))


class TestLeftAlone:
    def test_the_applications_own_206(self, site):
        answer = site.get("/partial", ("Range", "bytes=2-3"))
        assert (answer.status, answer.body) == (206, content.PAGE[:10])
        assert site.result(answer) == "app"

    def test_what_is_no_200(self, site):
        for path in ("/missing", "/broken", "/created", "/moved"):
            bare = site.get(path, ("Range", "bytes=0-1"), config="bare")
            answer = site.get(path, ("Range", "bytes=0-1"))
            assert (answer.status, answer.body) == (bare.status, bare.body)
            assert "Content-Range" not in answer

    def test_another_method(self, site):
        answer = site.request("PUT", "/echo", ("Range", "bytes=0-1"), body=b"{}")
        assert answer.status == 200
        assert answer.body.startswith(b"{")

    def test_a_stream(self, site):
        for path in ("/stream", "/stream-etag", "/events"):
            whole = site.get(path)
            answer = site.get(path, ("Range", "bytes=0-1"))
            assert (answer.status, answer.body) == (200, whole.body)

    def test_an_application_that_wants_none(self):
        for units, status in (("none", 200), ("None", 200), ("lines", 200), ("lines, Bytes", 206)):
            server = Server(environ_of("GET", "/", [("Range", "bytes=0-1")]))
            server.run(NotModified(an_app([b"content"], ("Accept-Ranges", units))))
            assert server.sent[0][:3] == str(status)

    def test_content_that_is_not_as_long_as_its_head_says(self):
        server = Server(environ_of("GET", "/", [("Range", "bytes=0-1")]))
        server.run(NotModified(an_app([b"content"], ("Content-Length", "6"))))
        assert server.sent[0] == "200 OK"

    def test_what_is_not_stored_can_be_divided_all_the_same(self, site):
        answer = site.get("/no-store", ("Range", "bytes=0-1"))
        assert (answer.status, answer.body) == (206, content.PAGE[:2])
        assert "ETag" not in answer
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.apps("plain", "flask")
def test_a_stream_that_is_gathered_for_its_tag_can_be_divided(site):
    answer = site.get("/declared", ("Range", "bytes=5-20"))
    assert (answer.status, answer.body) == (206, content.WHOLE[5:21])
    assert answer["ETag"] == str(EntityTag.of(content.WHOLE))
    assert site.events(answer, "close").count("close") == 1


def an_app(pieces, *fields):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), *fields])
        return pieces

    return app


@pytest.mark.parametrize(
    "pieces", [[b"0123456789"], [b"012", b"", b"3456", b"789"], tuple(b"%d" % n for n in range(10))]
)
def test_parts_go_across_the_pieces_of_a_body(pieces):
    whole = b"".join(pieces)
    for first in range(10):
        for last in range(first, 10):
            server = Server(environ_of("GET", "/", [("Range", f"bytes={first}-{last}")]))
            server.run(NotModified(an_app(pieces)))
            assert b"".join(server.pieces) == whole[first : last + 1]
            assert dict(server.sent[1])["Content-Range"] == f"bytes {first}-{last}/10"


def test_no_piece_is_copied_that_goes_out_whole():
    pieces = [b"a" * 1000, b"b" * 1000, b"c" * 1000]
    server = Server(environ_of("GET", "/", [("Range", "bytes=500-2499")]))
    sent = list(NotModified(an_app(pieces))(server.environ, server.start_response))
    assert sent == [b"a" * 500, b"b" * 1000, b"c" * 500]
    assert sent[1] is pieces[1]


def test_an_empty_body_is_sent_whole(site):
    answer = site.get("/empty", ("Range", "bytes=0-"))
    assert (answer.status, answer.body) == (200, b"")


def test_fields_that_are_about_the_whole_stay_behind(site):
    answer = site.get("/headers", ("Range", "bytes=0-1"))
    assert answer.status == 206
    assert "Content-MD5" not in answer
    for name, value in content.KEPT.items():
        assert answer[name] == value
    assert answer["Content-Language"] == "en"


def test_freshness_from_a_policy_is_that_of_the_200(site):
    whole = site.get("/page", config="lasting")
    answer = site.get("/page", ("Range", "bytes=0-1"), config="lasting")
    assert answer.status == 206
    for name in ("Cache-Control", "Vary"):
        assert answer[name] == whole[name]
    answer = site.get("/page", ("Range", "bytes=99999-"), config="lasting")
    assert answer.status == 416
    assert "Cache-Control" not in answer
    assert "Expires" not in answer


def test_the_application_is_closed_once(site):
    for field in ("bytes=0-1", "bytes=0-1,-1", "bytes=-0"):
        answer = site.get("/page", ("Range", field))
        assert answer.status in (206, 416)
        assert site.events(answer, "close").count("close") == 1


class TestNobodyGetsMoreThanTheWhole:
    def ask(self, field, length=10_000):
        server = Server(environ_of("GET", "/", [("Range", field)]))
        server.run(NotModified(an_app([bytes(n % 251 for n in range(length))])))
        return server.sent[0][:3], len(b"".join(server.pieces))

    def test_overlapping_ranges_are_joined(self):
        assert self.ask("bytes=" + ",".join(["0-"] * 64)) == ("206", 10_000)
        assert self.ask("bytes=" + ",".join(f"{n}-" for n in range(64))) == ("206", 10_000)
        assert self.ask("bytes=" + ",".join(f"5-{n}" for n in range(5, 69))) == ("206", 64)

    def test_too_many_ranges_are_ignored(self):
        assert self.ask("bytes=" + ",".join(f"{n * 10}-{n * 10}" for n in range(65))) == ("200", 10_000)

    def test_many_tiny_ones_are_ignored_where_the_whole_is_shorter(self):
        tiny = "bytes=" + ",".join(f"{n * 10}-{n * 10}" for n in range(64))
        assert self.ask(tiny, 1000) == ("200", 1000)
        status, length = self.ask(tiny)
        assert status == "206"
        assert length < 10_000

    def test_descending_ones_too(self):
        status, length = self.ask("bytes=" + ",".join(f"{n * 10}-{n * 10 + 1}" for n in reversed(range(64))))
        assert status == "206"
        assert length < 10_000


def test_boundaries_differ_each_time():
    seen = set()
    for _ in range(20):
        server = Server(environ_of("GET", "/", [("Range", "bytes=0-0,-1")]))
        server.run(NotModified(an_app([b"x" * 1000])))
        seen.add(dict(server.sent[1])["Content-Type"])
    assert len(seen) == 20


class TestAcceptRanges:
    def test_is_said_where_browsers_would_resume(self, site):
        assert site.get("/file?length=100000")["Accept-Ranges"] == "bytes"
        assert site.head("/file?length=100000")["Accept-Ranges"] == "bytes"

    def test_is_not_said_of_small_pages_and_streams(self, site):
        for path in ("/page", "/stream", "/missing"):
            assert "Accept-Ranges" not in site.get(path)

    @pytest.mark.parametrize(("length", "said"), [(64 * 1024 - 1, False), (64 * 1024, True)])
    def test_from_64_kib_on(self, length, said):
        server = Server(environ_of("GET", "/"))
        server.run(NotModified(an_app([b"x" * length])))
        assert ("Accept-Ranges" in dict(server.sent[1])) is said

    def test_the_applications_own_stays_alone(self):
        server = Server(environ_of("GET", "/"))
        server.run(NotModified(an_app([b"x" * 100_000], ("Accept-Ranges", "none"))))
        assert [value for name, value in server.sent[1] if name == "Accept-Ranges"] == ["none"]


class RangedFile(FileSite):
    """A file asked for by ranges, under a server whose wrapper goes on to the end of the file."""

    def get(self, *fields):
        server = Server(environ_of("GET", "/", fields))
        server.environ["wsgi.file_wrapper"] = Wrapper
        server.run(self.application)
        return server


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(BODY)
    return target


class TestFiles:
    def test_no_more_than_the_range_goes_out_and_it_is_closed_once(self, path):
        site = RangedFile(path)
        for field, expected in (
            ("bytes=10-19", BODY[10:20]),
            ("bytes=-5", BODY[-5:]),
            ("bytes=7-", BODY[7:]),
        ):
            server = site.get(("Range", field))
            assert server.sent[0] == "206 Partial Content"
            assert b"".join(server.pieces) == expected
            assert site.wrapper.closed == 1

    def test_several_parts_and_a_416_close_it_once(self, path):
        site = RangedFile(path)
        server = site.get(("Range", "bytes=0-4,-5"))
        parts = parts_of(dict(server.sent[1])["Content-Type"], b"".join(server.pieces))
        assert [part.body for part in parts] == [BODY[:5], BODY[-5:]]
        assert site.wrapper.closed == 1
        server = site.get(("Range", f"bytes={len(BODY)}-"))
        assert server.sent[0] == "416 Range Not Satisfiable"
        assert site.wrapper.closed == 1

    def test_the_range_is_of_what_is_sent_from_where_the_file_stands(self, path):
        server = RangedFile(path, seek=1000).get(("Range", "bytes=0-9"))
        assert b"".join(server.pieces) == BODY[1000:1010]
        assert dict(server.sent[1])["Content-Range"] == f"bytes 0-9/{len(BODY) - 1000}"
        assert dict(server.sent[1])["ETag"] == str(EntityTag.of(BODY[1000:]))

    def test_a_file_of_which_the_application_sends_a_part_is_left_alone(self, path):
        server, result = RangedFile(path, declared=1000).ask(("Range", "bytes=0-9"))
        assert server.head[0] == "200 OK"
        result.close()

    def test_it_is_read_block_by_block(self, path):
        path.write_bytes(b"x" * 1_000_000)
        _, result = RangedFile(path).ask(("Range", "bytes=1-999998"))
        assert {len(piece) for piece in result} <= set(range(1, 64 * 1024 + 1))
        result.close()

    def test_a_file_that_becomes_shorter_breaks_off(self, path):
        """What was promised can't be sent, and nothing else may be sent for it."""
        _, result = RangedFile(path).ask(("Range", "bytes=1000-1999"))
        os.truncate(path, 1500)
        with pytest.raises(OSError, match="buffer"):
            list(result)
        result.close()

    def test_a_client_that_goes_away_leaves_it_closed(self, path):
        site = RangedFile(path)
        _, result = site.ask(("Range", "bytes=1-"))
        next(iter(result))
        result.close()
        result.close()
        assert site.wrapper.closed == 1
        assert list(result) == []

    def test_above_the_limit_of_tags_there_are_ranges_but_no_resuming(self, path):
        site = RangedFile(path, max_file=100)
        server = site.get(("Range", "bytes=0-9"))
        assert b"".join(server.pieces) == BODY[:10]
        tag = dict(server.sent[1])["ETag"]
        assert tag.startswith("W/")
        server = site.get(("Range", "bytes=0-9"), ("If-Range", tag))
        assert server.sent[0] == "200 OK"

    def test_an_empty_one_is_sent_whole(self, path):
        path.write_bytes(b"")
        assert RangedFile(path).get(("Range", "bytes=0-")).sent[0] == "200 OK"


@pytest.mark.apps("flask")
class TestFlaskSendFile:
    def test_its_own_range_is_its_own(self, site):
        answer = site.get("/send-file", ("Range", "bytes=10-19"))
        assert answer.status == 206
        assert site.result(answer) == "app"

    def test_its_own_416_too(self, site):
        answer = site.get("/send-file", ("Range", "bytes=999999-"))
        assert answer.status == 416
        assert site.result(answer) == "app"

    @pytest.mark.needs("file-wrapper")
    def test_taken_over_it_is_ours(self, site):
        body = (content.files() / "page.bin").read_bytes()
        tag = str(EntityTag.of(body))
        for if_range, status in ((tag, 206), ('"other"', 200)):
            answer = site.get(
                "/send-file", ("Range", "bytes=10-19"), ("If-Range", if_range), config="take-over"
            )
            assert answer.status == status
            assert answer["ETag"] == tag
            assert answer.body == (body[10:20] if status == 206 else body)


@pytest.mark.needs("socket", "keep-alive", "file-wrapper")
@pytest.mark.apps("plain")
def test_one_connection_serves_parts_and_wholes_in_turn(site):
    file = (content.files() / "page.bin").read_bytes()
    turns = [
        ("/file", "bytes=10-19", 206, file[10:20]),
        ("/file", None, 200, file),
        ("/page", "bytes=-5", 206, content.PAGE[-5:]),
        ("/file", "bytes=-3", 206, file[-3:]),
        ("/file", "bytes=0-", 206, file),
        ("/file", "bytes=100000-", 416, None),
        ("/file", "bytes=0-0,-1", 206, None),
    ]
    with Connection(site.running.address) as connection:
        for number in range(3 * len(turns)):
            target, field, status, body = turns[number % len(turns)]
            named = [("X-Stack", "plain/default"), ("X-Request-Id", f"range-turn-{number}")]
            connection.send("GET", target, named + ([("Range", field)] if field else []))
            answer = connection.read_head("GET")
            connection.read_body(answer)
            assert answer.status == status
            assert body is None or answer.body == body
            assert connection.open
        connection.check()
