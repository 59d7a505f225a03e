"""`wsgi.file_wrapper`: the server gets the very wrapper, the tag is that of the content.

Not under wsgiref.validate, which wraps what it checks and so hides what the server would see.
"""

from __future__ import annotations

import io
import os

import pytest

from apps import content
from kit.in_process import Server, environ_of
from kit.over_socket import Connection
from notmodified import EntityTag, NotModified

BODY = bytes(n * n % 251 for n in range(5000))


class Wrapper:
    """As servers have it: not subclassed, recognised by isinstance."""

    def __init__(self, filelike, blksize=8192):
        self.filelike = filelike
        self.blksize = blksize
        self.closed = 0

    def __iter__(self):
        return iter(lambda: self.filelike.read(self.blksize), b"")

    def close(self):
        self.closed += 1
        self.filelike.close()


class FileSite:
    """An application that hands over one file, and what a server gets of it."""

    def __init__(self, path, *, seek=0, declared=None, opener=None, **options):
        self.path = path
        self.seek = seek
        self.declared = declared
        self.opener = opener or (lambda: open(self.path, "rb"))  # noqa: PTH123, SIM115 - closed by who is served it
        self.application = NotModified(self.serve, **options)
        self.wrapper = None

    def serve(self, environ, start_response):
        opened = self.opener()
        if self.seek:
            opened.seek(self.seek)
        headers = [("Content-Type", "application/octet-stream")]
        if self.declared is not None:
            headers.append(("Content-Length", str(self.declared)))
        start_response("200 OK", headers)
        self.wrapper = environ["wsgi.file_wrapper"](opened, 65536)
        return self.wrapper

    def ask(self, *fields, method="GET"):
        """Return the server's side and what it was given to send."""
        server = Server(environ_of(method, "/", fields))
        server.environ["wsgi.file_wrapper"] = Wrapper
        result = self.application(server.environ, server.start_response)
        return server, result

    def tag(self):
        server, result = self.ask()
        result.close()
        return dict(server.head[1]).get("ETag")


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(BODY)
    return target


def test_the_server_gets_the_very_wrapper_unread_and_open(path):
    site = FileSite(path)
    server, result = site.ask()
    assert result is site.wrapper
    assert result.filelike.tell() == 0
    assert not result.closed
    assert b"".join(result) == BODY
    assert dict(server.head[1])["ETag"] == str(EntityTag.of(BODY))
    result.close()


def test_the_length_is_always_told(path):
    """An empty file without a length corrupts the next request on Gunicorn's connection."""
    server, result = FileSite(path).ask()
    assert dict(server.head[1])["Content-Length"] == str(len(BODY))
    result.close()
    path.write_bytes(b"")
    server, result = FileSite(path).ask()
    assert dict(server.head[1])["Content-Length"] == "0"
    result.close()


@pytest.mark.needs("socket", "file-wrapper")
def test_an_empty_file_leaves_the_connection_in_order(site):
    answer = site.get("/file?name=empty.bin")
    assert answer.status == 200
    assert answer.body == b""
    assert answer["ETag"] == str(EntityTag.of(b""))


def test_a_match_closes_the_file_and_sends_none_of_it(path):
    site = FileSite(path)
    for method in ("GET", "HEAD"):
        server = Server(environ_of(method, "/", [("If-None-Match", str(EntityTag.of(BODY)))]))
        server.environ["wsgi.file_wrapper"] = Wrapper
        server.run(site.application)
        assert server.sent[0] == "304 Not Modified"
        assert server.pieces == [b""]
        assert site.wrapper.closed == 1


def test_head_has_the_length_of_the_file_and_closes_it(path):
    site = FileSite(path)
    server = Server(environ_of("HEAD", "/"))
    server.environ["wsgi.file_wrapper"] = Wrapper
    server.run(site.application)
    assert b"".join(server.pieces) == b""
    assert dict(server.sent[1])["Content-Length"] == str(len(BODY))
    assert dict(server.sent[1])["ETag"] == str(EntityTag.of(BODY))
    assert site.wrapper.closed == 1


def test_the_tag_is_of_what_is_sent_from_where_the_file_stands(path):
    site = FileSite(path, seek=1000)
    server, result = site.ask()
    assert result.filelike.tell() == 1000
    assert dict(server.head[1])["ETag"] == str(EntityTag.of(BODY[1000:]))
    assert dict(server.head[1])["Content-Length"] == str(len(BODY) - 1000)
    assert b"".join(result) == BODY[1000:]
    result.close()


def test_a_tag_is_never_of_more_than_the_declared_length(path):
    """Better none than one that the whole file has too."""
    server, result = FileSite(path, declared=1000).ask()
    assert dict(server.head[1])["Content-Length"] == "1000"
    assert dict(server.head[1]).get("ETag") in (None, str(EntityTag.of(BODY[:1000])))
    result.close()


def test_a_length_beyond_the_end_of_the_file_gets_no_tag(path):
    server, result = FileSite(path, declared=len(BODY) + 1).ask()
    assert "ETag" not in dict(server.head[1])
    assert b"".join(result) == BODY
    result.close()


def test_other_content_of_the_same_size_and_time_has_another_tag(path):
    """Restored by rsync, unpacked from a layer, written twice in a tick: the modification time lies."""
    site = FileSite(path)
    old = path.stat()
    first = site.tag()
    path.write_bytes(BODY[::-1])
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert path.stat().st_mtime_ns == old.st_mtime_ns
    assert site.tag() == str(EntityTag.of(BODY[::-1])) != first


def test_the_same_content_elsewhere_and_later_has_the_same_tag(path, tmp_path):
    first = FileSite(path).tag()
    other = tmp_path / "copy"
    other.write_bytes(BODY)
    os.utime(other, (0, 0))
    assert FileSite(other).tag() == first


def test_another_file_under_the_same_name_has_its_own_tag(path, tmp_path):
    """As deployments do it: written aside, renamed over."""
    site = FileSite(path)
    old = path.stat()
    site.tag()
    aside = tmp_path / "aside"
    aside.write_bytes(BODY[1:] + b"!")
    os.utime(aside, ns=(old.st_atime_ns, old.st_mtime_ns))
    aside.replace(path)
    assert site.tag() == str(EntityTag.of(BODY[1:] + b"!"))


def test_a_tag_remembered_is_still_right_when_the_file_changes(path):
    """An old file is remembered; changed, and its times put back, it is read again."""
    os.utime(path, (1_000_000_000, 1_000_000_000))
    site = FileSite(path)
    assert site.tag() == site.tag() == str(EntityTag.of(BODY))
    path.write_bytes(BODY[::-1])
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert site.tag() == str(EntityTag.of(BODY[::-1]))


def test_a_file_remembered_at_one_offset_is_not_mistaken_at_another(path):
    os.utime(path, (1_000_000_000, 1_000_000_000))
    site = FileSite(path)
    for seek in (0, 1000, 0, 2000):
        site.seek = seek
        assert site.tag() == str(EntityTag.of(BODY[seek:]))
    site.seek = 0
    for declared in (len(BODY), 1000, len(BODY), 10):
        site.declared = declared
        right = str(EntityTag.of(BODY[:declared]))
        assert site.tag() in ((right,) if declared == len(BODY) else (None, right))


def test_a_file_above_the_limit_has_a_weak_tag_of_size_and_time(path):
    site = FileSite(path, max_file=1000)
    first = site.tag()
    assert first.startswith('W/"')
    assert site.tag() == first
    os.utime(path, (1_000_000_000, 1_000_000_000))
    second = site.tag()
    assert second != first
    path.write_bytes(BODY + b"more")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert site.tag() not in (first, second)


def test_a_file_above_the_limit_is_revalidated_by_its_weak_tag(path):
    site = FileSite(path, max_file=1000)
    server, result = site.ask(("If-None-Match", site.tag()))
    assert server.head[0] == "304 Not Modified"
    result.close()
    server, result = site.ask(("If-Match", site.tag()))
    assert server.head[0] == "412 Precondition Failed"
    result.close()


def test_a_file_of_just_the_limit_is_hashed(path):
    assert FileSite(path, max_file=len(BODY)).tag() == str(EntityTag.of(BODY))


def test_a_file_that_is_no_real_file_goes_through(path):
    site = FileSite(path, opener=lambda: io.BytesIO(BODY))
    server, result = site.ask()
    assert result is site.wrapper
    assert server.head[0] == "200 OK"
    assert b"".join(result) == BODY
    result.close()


def test_a_pipe_is_not_drained(path):
    reading, writing = os.pipe()
    os.write(writing, BODY[:100])
    os.close(writing)
    site = FileSite(path, opener=lambda: os.fdopen(reading, "rb"))
    server, result = site.ask()
    assert result is site.wrapper
    assert b"".join(result) == BODY[:100]
    assert "ETag" not in dict(server.head[1])
    result.close()


def test_a_file_that_python_has_read_ahead_of_gets_no_tag(path):
    """Where it stands depends on who is asked: the file object, or the descriptor that sendfile uses."""

    def opener():
        opened = path.open("rb")
        opened.read(10)
        return opened

    server, result = FileSite(path, opener=opener).ask()
    assert "ETag" not in dict(server.head[1])
    assert "Content-Length" not in dict(server.head[1])
    assert b"".join(result) == BODY[10:]
    result.close()


@pytest.mark.needs("socket")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_files_are_revalidated_over_a_socket(site, method):
    body = (content.files() / "page.bin").read_bytes()
    path = "/file?length=100000"
    assert site.get(path).body == body
    answer = site.request(method, path, ("If-None-Match", str(EntityTag.of(body))))
    assert answer.status == 304


@pytest.mark.apps("flask")
class TestFlaskSendFile:
    def test_what_the_application_judged_itself_is_passed(self, site):
        tag = site.get("/send-file", config="bare")["ETag"]
        whole = site.get("/send-file")
        assert whole["ETag"] == tag
        answer = site.get("/send-file", ("If-None-Match", tag))
        assert answer.status == 304
        assert site.result(answer) == "app"

    def test_a_range_of_it_is_passed(self, site):
        answer = site.get("/send-file", ("Range", "bytes=10-19"))
        assert answer.status == 206
        assert answer.body == (content.files() / "page.bin").read_bytes()[10:20]

    def test_taken_over_its_tag_is_that_of_the_content(self, site):
        body = (content.files() / "page.bin").read_bytes()
        whole = site.get("/send-file", config="take-over")
        assert whole["ETag"] == str(EntityTag.of(body))
        assert whole.body == body
        answer = site.get("/send-file", ("If-None-Match", whole["ETag"]), config="take-over")
        assert answer.status == 304
        assert site.result(answer) == "not-modified"

    def test_taken_over_changed_content_of_equal_size_and_second_is_seen(self, site, served_files):
        """Flask alone says 304 here."""
        name = f"{site.server}.txt"
        target = served_files / name
        target.write_bytes(b"first version!")
        old = target.stat()
        bare = site.get(f"/send-file?name={name}", config="bare")
        ours = site.get(f"/send-file?name={name}", config="take-over")
        target.write_bytes(b"second version")
        os.utime(target, ns=(old.st_atime_ns, old.st_mtime_ns))
        fooled = site.get(f"/send-file?name={name}", ("If-None-Match", bare["ETag"]), config="bare")
        assert fooled.status == 304
        for field in (("If-None-Match", ours["ETag"]),):
            answer = site.get(f"/send-file?name={name}", field, config="take-over")
            assert answer.status == 200
            assert answer.body == b"second version"


@pytest.mark.needs("socket", "keep-alive", "file-wrapper")
@pytest.mark.apps("plain")
def test_one_connection_serves_files_304s_heads_and_pages_in_turn(site):
    tag = str(EntityTag.of((content.files() / "page.bin").read_bytes()))
    with Connection(site.running.address) as connection:
        for number in range(12):
            method, target, fields, status = [
                ("GET", "/file", [], 200),
                ("GET", "/file", [("If-None-Match", tag)], 304),
                ("HEAD", "/file", [], 200),
                ("GET", "/file?name=empty.bin", [], 200),
                ("GET", "/page", [("If-Match", '"other"')], 412),
                ("GET", "/no-content", [], 204),
            ][number % 6]
            named = [("X-Stack", "plain/default"), ("X-Request-Id", f"turn-{number}")]
            connection.send(method, target, named + fields)
            answer = connection.read_head(method)
            connection.read_body(answer)
            assert answer.status == status
            assert connection.open
        connection.check()
