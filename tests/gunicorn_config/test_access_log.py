"""The access log of `notmodified.gunicorn`, written by a real Gunicorn: each atom says what happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gunicorn_config.command import Gunicorn
from notmodified import gunicorn as settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """
import os
from notmodified import NotModified

MIB = b"x" * 1_048_576

def site(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/file"):
        start_response("200 OK", [("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")])
        return environ["wsgi.file_wrapper"](open("mib", "rb"))
    if path.startswith("/stream"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (piece for piece in (b"one", b"two"))
    if path.startswith("/own-tag"):
        start_response("200 OK", [("ETag", '"back\\\\slash"'), ("Content-Length", "2")])
        return [b"ok"]
    start_response("200 OK", [("Content-Length", "6"), ("Cache-Control", "max-age=60, public")])
    return [b"a page"]

with open("mib", "wb") as file:
    file.write(MIB)
os.utime("mib", (0, 0))
application = NotModified(site)
"""
LINE = re.compile(
    r'(?P<host>\S+) - (?P<user>\S+) \[[^]]+\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r' "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"(?P<pairs>( \w+=("(\\.|[^"\\])*"|[^" ]+))*)'
)
NAMES = [
    "if_none_match",
    "if_modified_since",
    "if_match",
    "if_unmodified_since",
    "etag",
    "last_modified",
    "cache_control",
    "content_length",
    "result",
    "us",
]
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def pairs_of(line: str) -> dict[str, str]:
    match = LINE.fullmatch(line)
    assert match, line
    pairs = {}
    for name, quoted, plain in re.findall(r' (\w+)=(?:"((?:\\.|[^"\\])*)"|(\S+))', match["pairs"]):
        pairs[name] = quoted.replace('\\"', '"') or plain
    assert list(pairs) == NAMES
    assert re.fullmatch(r"\d+", pairs.pop("us"))
    return {"status": match["status"], "bytes": match["bytes"]} | {k: v for k, v in pairs.items() if v != "-"}


@pytest.fixture(
    scope="module",
    params=[("-k", "sync"), ("-k", "gthread", "--threads", "2")],
    ids=["sync", "gthread"],
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "app.py").write_text(APP)
    with Gunicorn(folder, "-c", "python:notmodified.gunicorn", *request.param, "app") as running:
        yield running


def test_a_first_visit(server: Gunicorn) -> None:
    answer = server.ask("GET", "/page?first")
    assert pairs_of(server.line_of("GET /page?first")) == {
        "status": "200",
        "bytes": "6",
        "etag": answer["ETag"],
        "cache_control": "max-age=60, public",
        "content_length": "6",
        "result": "unconditional",
    }


def test_a_304(server: Gunicorn) -> None:
    tag = server.ask("GET", "/page")["ETag"]
    assert server.ask("GET", "/page?again", ("If-None-Match", tag)).status == 304
    assert pairs_of(server.line_of("GET /page?again")) == {
        "status": "304",
        "bytes": "0",
        "if_none_match": tag,
        "etag": tag,
        "cache_control": "max-age=60, public",
        "result": "not-modified",
    }


def test_repeated_lines_of_if_none_match_are_all_there(server: Gunicorn) -> None:
    tag = server.ask("GET", "/page")["ETag"]
    fields = [("If-None-Match", '"a"'), ("If-None-Match", tag), ("If-None-Match", 'W/"c"')]
    assert server.ask("GET", "/page?repeated", *fields).status == 304
    assert pairs_of(server.line_of("GET /page?repeated"))["if_none_match"] == f'"a",{tag},W/"c"'


def test_the_other_preconditions(server: Gunicorn) -> None:
    fields = [("If-Match", '"other"'), ("If-Modified-Since", DATE), ("If-Unmodified-Since", DATE)]
    assert server.ask("GET", "/page?failed", *fields).status == 412
    logged = pairs_of(server.line_of("GET /page?failed"))
    assert (logged["status"], logged["result"]) == ("412", "failed")
    assert logged["if_match"] == '"other"'
    assert logged["if_modified_since"] == logged["if_unmodified_since"] == DATE


def test_a_file_sent_by_sendfile_has_its_length_in_the_log(server: Gunicorn) -> None:
    answer = server.ask("GET", "/file?whole")
    assert len(answer.body) == 1_048_576
    assert pairs_of(server.line_of("GET /file?whole")) == {
        "status": "200",
        "bytes": "0",  # Gunicorn counts nothing that sendfile sent: why content_length is logged
        "etag": answer["ETag"],
        "last_modified": DATE,
        "content_length": "1048576",
        "result": "unconditional",
    }


def test_a_file_that_is_asked_for_again(server: Gunicorn) -> None:
    tag = server.ask("GET", "/file")["ETag"]
    assert server.ask("GET", "/file?again", ("If-None-Match", tag)).status == 304
    logged = pairs_of(server.line_of("GET /file?again"))
    assert (logged["result"], logged["etag"], "content_length" in logged) == ("not-modified", tag, False)


def test_a_stream_has_no_length_and_no_tag(server: Gunicorn) -> None:
    server.ask("GET", "/stream?1")
    assert pairs_of(server.line_of("GET /stream?1")) == {"status": "200", "bytes": "6", "result": "bypass"}


def test_a_write(server: Gunicorn) -> None:
    server.ask("POST", "/page?write")
    assert pairs_of(server.line_of("POST /page?write"))["result"] == "bypass"


def test_an_application_s_own_tag_comes_through_with_its_backslash(server: Gunicorn) -> None:
    assert server.ask("GET", "/own-tag?1")["ETag"] == '"back\\slash"'
    assert pairs_of(server.line_of("GET /own-tag?1"))["etag"] == '"back\\slash"'


def test_the_format_works_from_a_configuration_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "gunicorn.conf.py").write_text(
        "from notmodified.gunicorn import access_log_format\naccesslog = '-'\nwsgi_app = 'app'\n"
    )
    with Gunicorn(tmp_path) as server:
        server.ask("GET", "/page")
        assert pairs_of(server.line_of("GET /page"))["result"] == "unconditional"


def test_only_the_access_log_is_set() -> None:
    # Names with @ are pytest's own, which rewrites the assertions of a package that has a plugin.
    names = {name for name in vars(settings) if not name.startswith(("_", "@"))}
    assert names == {"accesslog", "access_log_format"}
