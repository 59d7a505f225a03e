"""What a request for a static file gets: by its version, by the application's handler or by ours."""

from __future__ import annotations

import gzip
import itertools
import re

import brotli
import pytest

from kit.answer import new_id
from kit.in_process import Server, environ_of
from kit.static_site import FILES, write
from notmodified import EntityTag

IMMUTABLE = "public, max-age=31536000, immutable"
BOTH = pytest.mark.parametrize("serve", [False, True], ids=["by-the-app", "by-us"])


def old(name):
    stem, dot, extension = name.partition(".")
    return f"/static/{stem}.0123456789abcdef{dot}{extension}"


@BOTH
@pytest.mark.parametrize("name", ["img/logo.svg", "js/app.js", "LICENSE", "css/base.css"])
def test_the_current_version_is_immutable(static_site, serve, name):
    site = static_site.start(serve=serve)
    answer = site.get(site.url(name))
    assert (answer.status, answer.body) == (200, FILES[name])
    assert answer["Cache-Control"] == IMMUTABLE
    assert answer["ETag"] == str(EntityTag.of(FILES[name]))
    assert site.seen == ([] if serve else [f"/static/{name}"])


@BOTH
def test_any_other_version_gets_the_current_content_and_is_revalidated(static_site, serve):
    site = static_site.start(serve=serve)
    site.cache_control = "max-age=600"
    for url in (old("img/logo.svg"), "/static/img/logo.0123456789ab.svg"):
        answer = site.get(url)
        assert (answer.status, answer.body, answer["Cache-Control"]) == (200, b"<svg/>", "no-cache")
        again = site.get(url, ("If-None-Match", answer["ETag"]))
        assert (again.status, again["Cache-Control"]) == (304, "no-cache")


@BOTH
def test_a_name_without_version_is_revalidated_unless_somebody_says_otherwise(static_site, serve):
    site = static_site.start(serve=serve)
    assert site.get("/static/img/logo.svg")["Cache-Control"] == "no-cache"
    policy = [{"path": "/static/**", "cache_control": "max-age=5"}]
    site.start(serve=serve, policy=policy)
    assert site.get("/static/img/logo.svg")["Cache-Control"] == "max-age=5"
    assert site.get(site.url("img/logo.svg"))["Cache-Control"] == IMMUTABLE
    assert site.get(old("img/logo.svg"))["Cache-Control"] == "no-cache"


def test_what_the_application_says_of_a_name_without_version_stands(static_site):
    site = static_site.start()
    site.cache_control = "max-age=600"
    assert site.get("/static/img/logo.svg")["Cache-Control"] == "max-age=600"
    assert site.get(site.url("img/logo.svg")).all("Cache-Control") == [IMMUTABLE]


@BOTH
def test_a_version_of_what_there_is_not_is_not_stored(static_site, serve):
    site = static_site.start(serve=serve)
    site.cache_control = "max-age=600"
    for url in (old("img/none.svg"), "/static/none.0123456789ab.css"):
        answer = site.get(url)
        assert (answer.status, answer.all("Cache-Control")) == (404, ["no-store"])
    answer = site.get("/static/none.css")
    assert (answer.status, answer["Cache-Control"]) == (404, "max-age=600")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_we_say_ourselves_that_there_is_no_version_where_we_serve(static_site, method):
    """An application that answers everything with a page would have that taken for a script."""
    site = static_site.start(serve=True)
    answer = site.get(old("js/none.js"), ("If-None-Match", "*"), ("Range", "bytes=0-1"), method=method)
    said = b"There is no such file, in this version or any other.\n"
    assert (answer.status, answer.body) == (404, said if method == "GET" else b"")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Length"] == str(len(said))
    assert answer.all("Cache-Control") == ["no-store"]
    assert answer.all("ETag") == []
    assert site.seen == []
    # Twelve digits may be a version of Django's, or a date in the name of a file of the application's.
    assert site.get("/static/report.202401311200.csv", method=method)["Content-Type"] == "text/plain"
    assert site.seen == ["/static/report.202401311200.csv"]


@BOTH
def test_an_error_in_the_place_of_a_version_is_not_stored(static_site, folder, serve):
    site = static_site.start(serve=serve)
    current = site.url("img/logo.svg")
    site.fields = [("Expires", "Thu, 01 Jan 2037 00:00:00 GMT"), ("CDN-Cache-Control", "max-age=600")]
    site.cache_control = "max-age=600"
    (folder / "img/logo.svg").unlink()
    for url in (current, old("img/logo.svg")):
        answer = site.get(url)
        assert (answer.status, answer.all("Cache-Control")) == (404, ["no-store"])
        assert answer.all("Expires") == answer.all("CDN-Cache-Control") == []
    assert site.get("/static/img/logo.svg")["Cache-Control"] == "max-age=600"


@BOTH
def test_a_style_sheet_refers_to_versions(static_site, serve):
    site = static_site.start(serve=serve)
    answer = site.get(site.url("css/app.css"))
    base, logo = site.url("css/base.css"), site.url("img/logo.svg")
    assert answer.body.decode() == (
        f'@import "{base.rpartition("/")[2]}"; h1 {{ background: url("../img/{logo.rpartition("/")[2]}") }}'
    )
    assert answer["Cache-Control"] == IMMUTABLE
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert site.get(old("css/app.css")).body == answer.body
    assert site.get("/static/css/app.css")["Cache-Control"] == "no-cache"


@BOTH
def test_what_has_changed_on_disk_is_never_immutable(static_site, folder, serve):
    site = static_site.start(serve=serve)
    url, sheet = site.url("img/logo.svg"), site.url("css/app.css")
    # Of the same length and date.
    write(folder, "img/logo.svg", b"<SVG/>")
    answer = site.get(url)
    assert (answer.body, answer["Cache-Control"]) == (b"<SVG/>", "no-cache")
    write(folder, "css/app.css", b"h2 {}")
    answer = site.get(sheet)
    assert (answer.body, answer["Cache-Control"]) == (b"h2 {}", "no-cache")
    write(folder, "img/logo.svg", b"<svg/>")
    assert site.get(url)["Cache-Control"] == IMMUTABLE


def as_list(_, file):
    return [file.read_bytes()], []


def as_pieces(_, file):
    content = file.read_bytes()
    return (content[:2], content[2:]), [("Content-Length", str(len(content)))]


def as_stream(_, file):
    """Short enough to be collected."""
    content = file.read_bytes()
    return iter([content]), [("Content-Length", str(len(content)))]


def as_file(environ, file):
    return environ["wsgi.file_wrapper"](file.open("rb")), []


def as_compressed_file(environ, file):
    content, fields = as_file(environ, file.with_name(f"{file.name}.gz"))
    return content, [*fields, ("Content-Encoding", "gzip")]


@pytest.mark.parametrize(
    ("way", "key"),
    [
        *((way, None) for way in (as_list, as_pieces, as_stream, as_file, as_compressed_file)),
        *((way, "sixteen bytes or more") for way in (as_file, as_compressed_file)),
    ],
)
def test_what_is_sent_decides_and_not_what_the_file_is_by_then(static_site, folder, way, key):
    """Between the application's look at the file and ours it may change."""
    contents = {"current": b"current " * 9, "another": b"another " * 9}
    packed = {word: gzip.compress(content, mtime=0) for word, content in contents.items()}
    sent = afterwards = "current"

    def put(word):
        # Another file each time, as deployments write them.
        for name, octets in {"img/logo.svg": contents[word], "img/logo.svg.gz": packed[word]}.items():
            write(folder, f"{name}.new", octets).replace(folder / name)

    def application(environ, start_response):
        put(sent)
        content, fields = way(environ, folder / "img/logo.svg")
        start_response("200 OK", [("Content-Type", "image/svg+xml"), *fields])
        if afterwards != sent:
            put(afterwards)
        return content

    put("current")
    site = static_site
    site.serve = application
    site.start(tag_key=key)
    url = site.url("img/logo.svg")
    for sent, afterwards in itertools.product(contents, contents):
        answer = site.get(url)
        body = (packed if way is as_compressed_file else contents)[sent]
        assert (answer.status, answer.body) == (200, body)
        # With a key only a look at the file tells what it has, and that must be the one that was opened.
        is_known = afterwards == "current" or key is None
        said = IMMUTABLE if sent == "current" and is_known else "no-cache"
        assert answer["Cache-Control"] == said, (sent, afterwards)
        again = site.get(url, ("If-None-Match", answer["ETag"]))
        assert (again.status, again["Cache-Control"]) == (304, said), (sent, afterwards)


def test_what_the_application_compresses_as_it_sends_it_is_told_by_the_file(static_site):
    site = static_site
    site.serve = lambda environ, start_response: [
        start_response("200 OK", [("Content-Type", "image/svg+xml"), ("Content-Encoding", "gzip")]),
        gzip.compress((site.folder / environ["PATH_INFO"].removeprefix("/static/")).read_bytes()),
    ][1:]
    site.start()
    url = site.url("img/logo.svg")
    assert site.get(url)["Cache-Control"] == IMMUTABLE
    write(site.folder, "img/logo.svg", b"<SVG/>")
    assert site.get(url)["Cache-Control"] == "no-cache"


def test_what_the_application_sends_of_a_rewritten_sheet_is_not_what_its_version_names(static_site):
    site = static_site.start()
    version = re.search(r"[0-9a-f]{16}", site.url("css/app.css"))[0]
    answer = site.get(f"/static/css/app.css?v={version}")
    assert (answer.body, answer["Cache-Control"]) == (FILES["css/app.css"], "no-cache")


def test_an_answer_of_the_applications_in_place_of_ours_is_not_immutable(static_site, caplog):
    """Where ours fails the application may answer anything with a page."""
    site = static_site
    site.start()
    url = site.url("css/app.css")
    environ = environ_of("GET", url)
    environ["HTTP_ACCEPT_ENCODING"] = 304  # type: ignore[assignment]  # no server does
    site.serve = as_page = lambda _, start_response: [start_response("200 OK", []), b"page"][1:]
    site.start()
    assert site.application.application is as_page
    server = Server(environ)
    server.run(site.application)
    answer = server.answer(new_id())
    assert (answer.body, answer["Cache-Control"]) == (b"page", "no-cache")
    assert "answering with a static file" in caplog.text


def test_a_file_that_is_gone_is_the_applications_to_tell(static_site, folder):
    site = static_site.start(serve=True)
    url = site.url("img/logo.svg")
    (folder / "img/logo.svg").unlink()
    answer = site.get(url)
    assert (answer.status, answer["Content-Type"], answer["Cache-Control"]) == (404, "text/plain", "no-store")
    assert site.seen == [url]


@BOTH
def test_names_beyond_ascii_work(static_site, serve):
    site = static_site.start(serve=serve)
    url = site.url("img/grüße.txt")
    assert re.fullmatch(r"/static/img/gr%C3%BC%C3%9Fe\.[0-9a-f]{16}\.txt", url)
    as_a_server_gives_it = url.replace("%C3%BC", "\xc3\xbc").replace("%C3%9F", "\xc3\x9f")
    answer = site.get(as_a_server_gives_it)
    assert (answer.body, answer["Cache-Control"]) == (b"hello", IMMUTABLE)


@BOTH
def test_only_get_and_head_are_answered(static_site, serve):
    site = static_site.start(serve=serve)
    url = site.url("js/app.js")
    answer = site.get(url, method="HEAD")
    assert (answer.status, answer.body, answer["Cache-Control"]) == (200, b"", IMMUTABLE)
    assert answer["ETag"] == site.get(url)["ETag"]
    assert answer["Content-Length"] == str(len(FILES["js/app.js"]))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        site.seen.clear()
        assert site.get(url, method=method)["Content-Type"] == "text/plain"
        assert site.seen == [url]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret",
        "/static/css/../../secret",
        "/static//etc/passwd",
        "/static/.htaccess",
        "/static/css/../.htaccess",
        "/static/.0123456789abcdef.htaccess",
        "/static/..0123456789abcdef",
        "/static/",
        "/static",
        "/static/css",
        "/static/css/",
        "/static/css/base.css/",
        "/static/css/base.css\0",
        "/static/css\\base.css",
        "/static/%2e%2e/secret",
        "/static/\xff.css",
        "/Static/css/base.css",
        "",
    ],
)
def test_nothing_but_the_files_is_served(static_site, folder, path):
    (folder.parent / "secret").write_bytes(b"secret")
    site = static_site.start(serve=True)
    seen = []

    def application(environ, start_response):
        seen.append(environ["PATH_INFO"])
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"none"]

    site.serve = application
    site.start(serve=True)
    answer = site.get(path)
    assert (answer.status, answer.body, seen) == (404, b"none", [path])


def test_ranges_of_our_own_files_are_had(static_site):
    site = static_site.start(serve=True)
    url = site.url("js/app.js")
    answer = site.get(url, ("Range", "bytes=0-5"))
    assert (answer.status, answer.body, answer["Content-Range"]) == (206, b"import", "bytes 0-5/18")
    assert answer["Cache-Control"] == IMMUTABLE
    assert site.get(url, ("Range", "bytes=99-")).status == 416
    sheet = site.get(site.url("css/app.css"), ("Range", "bytes=0-6"))
    assert (sheet.status, sheet.body) == (206, b"@import")


def test_compressed_siblings_are_chosen_by_accept_encoding_each_with_its_tag(static_site, folder):
    text = b"let answer = 42;\n" * 200
    packed = gzip.compress(text, mtime=0)
    write(folder, "js/long.js", text)
    write(folder, "js/long.js.gz", packed)
    write(folder, "js/stale.js", b"new")
    write(folder, "js/stale.js.gz", gzip.compress(b"old"))
    site = static_site.start(serve=True)
    url = site.url("js/long.js")
    for accepted, coding in [
        (None, None),
        ("gzip", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
        ("nonsense;;q=", None),
    ]:
        answer = site.get(url, *([("Accept-Encoding", accepted)] if accepted else []))
        content = packed if coding else text
        assert (answer.status, answer.body) == (200, content)
        assert answer.all("Content-Encoding") == ([coding] if coding else [])
        assert answer["Vary"] == "Accept-Encoding"
        assert answer["ETag"] == str(EntityTag.of(content))
        assert answer["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer["Cache-Control"] == IMMUTABLE
    stale = site.get(site.url("js/stale.js"), ("Accept-Encoding", "gzip"))
    assert (stale.body, stale.all("Vary")) == (b"new", [])
    assert [warning["id"] for warning in site.application.assets.warnings] == ["stale-sibling"]
    # A sibling that is replaced later is not believed either.
    write(folder, "js/long.js.gz", gzip.compress(b"x" * len(text)).ljust(len(packed), b"\0")[: len(packed)])
    assert site.get(url, ("Accept-Encoding", "gzip")).body == text


def test_brotli_is_sent_where_it_is_what_it_says(static_site, folder):
    text = b"let answer = 42;\n" * 200
    packed = brotli.compress(text)
    write(folder, "js/long.js", text)
    write(folder, "js/long.js.br", packed)
    write(folder, "js/long.js.gz", gzip.compress(text))
    write(folder, "js/stale.js", b"new")
    write(folder, "js/stale.js.br", brotli.compress(b"old"))
    site = static_site.start(serve=True)
    answer = site.get(site.url("js/long.js"), ("Accept-Encoding", "gzip, br"))
    assert (answer["Content-Encoding"], answer.body) == ("br", packed)
    assert answer["ETag"] == str(EntityTag.of(packed))
    assert site.get(site.url("js/stale.js"), ("Accept-Encoding", "br")).body == b"new"


def test_a_rewritten_sheet_that_was_compressed_is_compressed_anew(static_site, folder):
    text = FILES["css/app.css"] + b" p { margin: 0 }" * 100
    write(folder, "css/app.css", text)
    write(folder, "css/app.css.gz", gzip.compress(text))
    site = static_site.start()
    url = site.url("css/app.css")
    plain, packed = site.get(url), site.get(url, ("Accept-Encoding", "gzip"))
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body != text
    assert plain["Vary"] == packed["Vary"] == "Accept-Encoding"
    assert plain["ETag"] != packed["ETag"]


def test_the_query_may_name_the_version(static_site):
    site = static_site.start()
    version = re.search(r"[0-9a-f]{16}", site.url("js/app.js"))[0]
    assert site.get(f"/static/js/app.js?v={version}")["Cache-Control"] == IMMUTABLE
    # Another version, whatever the application says of the file.
    site.cache_control = "max-age=600"
    assert site.get("/static/js/app.js?v=0123456789abcdef")["Cache-Control"] == "no-cache"
    assert site.get("/static/js/app.js?v=1700000000")["Cache-Control"] == "max-age=600"
    site.cache_control = None
    assert site.get("/static/js/app.js?v=1700000000")["Cache-Control"] == "no-cache"
    site.start(trust="queries")
    assert site.get("/static/js/app.js?v=1700000000")["Cache-Control"] == IMMUTABLE


@BOTH
def test_cdns_hear_of_freshness_where_the_version_is_the_current_one(static_site, serve):
    policy = [
        {"path": "/static/**", "cache_control": "max-age=5", "targeted": {"CDN-Cache-Control": "max-age=9"}}
    ]
    site = static_site.start(serve=serve, policy=policy)
    answer = site.get(site.url("js/app.js"))
    assert (answer["Cache-Control"], answer["CDN-Cache-Control"]) == (IMMUTABLE, "max-age=9")
    answer = site.get(old("js/app.js"))
    assert (answer["Cache-Control"], answer.all("CDN-Cache-Control")) == ("no-cache", [])


def test_a_file_with_a_cookie_is_for_one_client(static_site):
    site = static_site.start()
    site.fields = [("Set-Cookie", "a=b")]
    answer = site.get(site.url("js/app.js"))
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
