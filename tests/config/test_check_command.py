"""`notmodified config check`: what it prints, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from werkzeug.test import Client

from notmodified import Assets, NotModified, cli

WRITTEN = """
tag_key = "sixteen secret bytes"

[[policy]]
path = ["/articles/{slug}", "/größe"]
media_type = "text/html"
cache_control = { private = true, max_age = 60 }
expires = 60
vary = ["Accept-Language"]
override = true

[[policy]]
path = "/**"
method = ["GET", "POST"]
status = [200, "4xx"]
etag = "weak"

[[policy]]
path = "/downloads/*"
take_over = true
"""


@pytest.fixture
def check(tmp_path, capsys):
    def run(*arguments, text=WRITTEN):
        path = tmp_path / "notmodified.toml"
        path.write_text(text, encoding="utf-8")
        status = cli.main(["config", "check", str(path), *arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_a_right_file_is_shown_whole(check):
    status, out, err = check()
    assert (status, err) == (0, "")
    for text in (
        "notmodified.toml: right",
        "has_tag_key      true",
        "3 policies, the first that matches wins",
        "policy[0]  GET /articles/{slug} or /größe answered 2xx as text/html",
        "Cache-Control: private, max-age=60  (in place of the app's)",
        "Expires: Date and 60 seconds  (in place of the app's)",
        "Vary: Accept-Language  (beside what the app has there)",
        "policy[1]  GET, POST /** answered 200, 4xx",
        "ETag: the app's own well-formed one, else a weak one made from the content",
        "If-* and Range are hidden from the app",
    ):
        assert text in out
    assert "secret" not in out


@pytest.mark.parametrize("more", [(), ("--json",), ("--url", "/x")], ids=" ".join)
def test_what_is_secret_in_the_url_of_a_store_is_not_shown(check, more):
    text = 'store = "redis://somebody:p4ssw0rd@127.0.0.1:6379/0?password=other-s3cret"'
    status, out, err = check(*more, text=text)
    assert status == 0, err
    assert not any(secret in out + err for secret in ("somebody", "p4ssw0rd", "other-s3cret"))
    assert "127.0.0.1:6379/0" in out or more[:1] == ("--url",)


def test_a_file_without_policies_says_so(check):
    assert "No policies" in check(text="")[1]
    assert "1 policy, the" in check(text="[[policy]]")[1]


def test_a_url_is_told_its_policy_and_why(check):
    status, out, _ = check("--url", "https://example.org/articles/a%20b?page=2", "--media-type", "text/html")
    assert status == 0
    assert "GET /articles/a%20b, answered 200, text/html" in out
    assert "policy[0]  applies: it is the first that matches" in out
    assert "policy[1]  would match too, but comes later" in out
    assert "policy[2]  is for another path: /downloads/*" in out
    assert "It gets policy[0]:\n  Cache-Control: private, max-age=60" in out


def test_why_a_policy_does_not_apply(check):
    out = check("--url", "/articles/a")[1]
    assert "policy[0]  matches the path, but is for text/html; say with --media-type" in out
    out = check("--url", "/articles/a", "--media-type", "image/png")[1]
    assert "policy[0]  matches the path, but is for text/html\n" in out
    out = check("--url", "/articles/a", "--method", "put")[1]
    assert "PUT /articles/a" in out
    assert "policy[0]  matches the path, but is for GET\n" in out
    out = check("--url", "/articles/a", "--status", "500")[1]
    assert "policy[1]  matches the path, but is for status 200, 4xx\n" in out
    assert "No policy: the app's own Cache-Control" in out


def test_a_url_that_is_not_ascii_is_what_a_server_makes_of_it(check):
    for url in ("/größe", "/gr%C3%B6%C3%9Fe", "http://example.org/größe"):
        assert "policy[0]  applies" in check("--url", url, "--media-type", "text/html")[1]


def test_judging_that_a_later_policy_takes_over_is_told(check):
    out = check("--url", "/downloads/x")[1]
    assert "It gets policy[1]:" in out
    assert "A later policy takes over judging all the same" in out
    assert "policy[2]  would match too" in out


GUARDED = """
validators = { "/drafts/{id}" = "mysite.validators:version" }

[[policy]]
path = "/articles/live"
cache_control = "no-store"

[[policy]]
path = ["/articles/*", "/drafts/*"]
preconditions = "get"
require = true

[[policy]]
path = "/votes/*"
method = ["POST", "DELETE"]
require = true

[[policy]]
path = "/notes/*"
preconditions = "get"
"""
REQUIRED = "  A write without a precondition: 428 Precondition Required\n"
JUDGED = "  A write with a precondition: judged by what {} says; 412 Precondition Failed if it is false\n"


def test_a_write_is_told_what_it_has_to_pass_before_the_app_acts(check):
    out = check("--url", "/articles/1", "--method", "PUT", text=GUARDED)[1]
    assert "  policy[1]  guards it, but what it says of responses is for GET\n" in out
    assert (
        "What comes of the write, as policy[1] says, before the app acts:\n"
        + REQUIRED
        + JUDGED.format("a GET to the app")
        + "No policy for the response: the app's own Cache-Control"
    ) in out
    out = check("--url", "/votes/1", "--method", "DELETE", text=GUARDED)[1]
    assert (
        f"as policy[2] says, before the app acts:\n{REQUIRED}  A write with a precondition: the app's to"
        in out
    )
    assert "The response gets policy[2]:\n" in out
    out = check("--url", "/drafts/1", "--method", "PATCH", text=GUARDED)[1]
    assert (
        f"as policy[1] says, before the app acts:\n{REQUIRED}{JUDGED.format('mysite.validators:version')}"
        in out
    )
    out = check("--url", "/drafts/1", "--method", "PUT", text=GUARDED.partition("[[policy]]")[0])[1]
    assert f"as the validators say, before the app acts:\n{JUDGED.format('mysite.validators:version')}" in out
    assert "428" not in out


@pytest.mark.parametrize("arguments", [(), ("--url", "/articles/1")], ids=" ".join)
def test_a_policy_that_guards_writes_is_shown_with_that(check, arguments):
    out = check(*arguments, text=GUARDED)[1]
    assert REQUIRED in out
    assert JUDGED.format("a GET to the app") in out


@pytest.mark.parametrize(
    ("method", "url", "guard"),
    [
        ("PUT", "/articles/1", {"judged_by": "get", "require": True, "policy": 1}),
        ("PUT", "/articles/live", {"judged_by": "get", "require": True, "policy": 1}),
        ("PURGE", "/notes/1", {"judged_by": "get", "require": False, "policy": 3}),
        ("DELETE", "/votes/1", {"judged_by": None, "require": True, "policy": 2}),
        ("PUT", "/votes/1", None),
        ("PUT", "/drafts/1", {"judged_by": "mysite.validators:version", "require": True, "policy": 1}),
        ("GET", "/articles/1", None),
        ("OPTIONS", "/articles/1", None),
        ("PROPFIND", "/articles/1", None),
        ("PUT", "/", None),
    ],
)
def test_what_a_write_has_to_pass_is_what_the_middleware_has_it_pass(check, tmp_path, method, url, guard):
    facts = json.loads(check("--json", "--url", url, "--method", method, text=GUARDED)[1])
    assert facts["exchange"]["guard"] == guard

    asked = []

    def application(environ, start_response):
        asked.append("get" if "notmodified.internal" in environ else "application")
        start_response("200 OK", [("ETag", '"current"')])
        return [b""]

    def version(environ, id):  # noqa: A002  the template's name for it
        asked.append("mysite.validators:version")
        return '"current"'

    # As the file says, but for the function, which is to be had.
    guarded = Client(
        NotModified(application, tmp_path / "notmodified.toml", validators={"/drafts/{id}": version})
    )
    required = guarded.open(url, method=method).status_code == 428
    assert required == bool(guard and guard["require"])
    asked.clear()
    status = guarded.open(url, method=method, headers={"If-Match": '"other"'}).status_code
    if guard is not None and guard["judged_by"]:
        assert (status, asked) == (412, [guard["judged_by"]])
    else:
        assert asked == ["application"]


def test_what_the_response_decides_is_told_with_what_to_say_of_it(check):
    by_type = """
[[policy]]
path = "/a"
media_type = ["text/html", "image/*"]
cache_control = "max-age=5"

[[policy]]
path = "/a"
media_type = "text/html"

[[policy]]
path = "/a"
status = [404, "5xx"]
media_type = "text/plain"
"""
    out = check("--url", "/a", text=by_type)[1]
    assert (
        "No policy: the app's own Cache-Control, Expires and Vary go out as they are.\n"
        "With --media-type text/html or --media-type 'image/*' it gets policy[0]:\n"
        "  Cache-Control: max-age=5  (unless the app sends Cache-Control or Expires)\n"
    ) in out
    # The second is never the first that matches.
    assert "it gets policy[1]" not in out
    status_too = (
        "With --status 404 --media-type text/plain or --status 500 --media-type text/plain it gets policy[2]"
    )
    assert status_too in out
    assert "it gets policy[2]" not in check("--url", "/a", "--status", "200", text=by_type)[1]
    out = check("--url", "/a", "--media-type", "text/plain", text=by_type)[1]
    assert "With --status 404 or --status 500 it gets policy[2]:\n" in out
    facts = json.loads(check("--json", "--url", "/a", "--status", "404", text=by_type)[1])
    assert facts["exchange"]["otherwise"] == [{"policy": 2, "status": 404, "media_type": "text/plain"}]
    assert (
        "With --" not in check("--url", "/a", "--status", "404", "--media-type", "text/html", text=by_type)[1]
    )


def test_json_has_the_same_facts(check):
    status, out, _ = check("--json", "--url", "/downloads/x")
    facts = json.loads(out)
    assert status == 0
    assert facts["valid"] is True
    assert facts["settings"]["has_tag_key"] is True
    assert facts["policies"][1]["method"] == ["GET", "POST"]
    assert facts["exchange"] == {
        "method": "GET",
        "path": "/downloads/x",
        "status": 200,
        "media_type": None,
        "policy": 1,
        "verdicts": ["path", "applies", "later"],
        "takes_over": True,
        "query": "",
        "otherwise": [],
        "guard": None,
        "static_file": None,
    }
    assert "exchange" not in json.loads(check("--json")[1])
    assert json.loads(check("--json", "--url", "/", "--status", "500")[1])["exchange"]["policy"] is None


WITH_ASSETS = 'assets = { "/static/" = "static/" }\n[[policy]]\npath = "/**"\ncache_control = "max-age=5"\n'


@pytest.fixture
def versioned(tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static/a é.css").write_text("a {}")
    return Assets({"assets": {"/static/": str(tmp_path / "static")}}).url("a é.css")


def test_a_url_of_a_static_file_says_what_it_names_and_what_comes_of_it(check, versioned):
    version = versioned.split(".")[1]
    immutable = "public, max-age=31536000, immutable"
    for url, word, cache_control in [
        (f"https://a.example{versioned}", "current", immutable),
        (f"/static/a%20%C3%A9.css?v={version}", "current", immutable),
        ("/static/a%20%C3%A9.0123456789abcdef.css", "old", "no-cache"),
        ("/static/a%20%C3%A9.css", "plain", "no-cache"),
        ("/static/none.0123456789abcdef.css", "missing", "no-store"),
    ]:
        facts = json.loads(check("--json", "--url", url, text=WITH_ASSETS)[1])
        assert facts["exchange"]["static_file"] == {"asked": word, "cache_control": cache_control}
        assert f"  Cache-Control: {cache_control}  (" in check("--url", url, text=WITH_ASSETS)[1]
    for arguments in (
        ["--url", "/static/none.css"],
        ["--url", versioned, "--method", "POST"],
        ["--url", "/"],
    ):
        facts = json.loads(check("--json", *arguments, text=WITH_ASSETS)[1])
        assert facts["exchange"]["static_file"] is None
    out = check("--url", versioned, text=WITH_ASSETS)[1]
    assert "It gets policy[0]:" in out
    assert "It is the current version of a static file:" in out


def test_a_configuration_is_right_where_its_static_files_are_not(check):
    assert check(text=WITH_ASSETS)[0] == 0
    status, out, err = check("--url", "/static/a.css", text=WITH_ASSETS)
    assert (status, "It gets policy[0]:" in out) == (0, True)
    assert "what static file it is can't be told" in err
    assert "No such file" in err


def test_a_wrong_file_is_exit_status_2_and_the_reason(check):
    status, out, err = check(text="\nmax_body = -1")
    assert (status, out) == (2, "")
    assert err.startswith("notmodified config check: ")
    assert err.endswith("notmodified.toml:2: max_body = -1: expected a whole number of bytes, 0 or more\n")
    status, out, err = check("--json", text="\nmax_body = -1")
    assert (status, err) == (2, "")
    assert json.loads(out)["valid"] is False
    assert "max_body = -1" in json.loads(out)["error"]


def test_a_file_that_is_not_there_is_exit_status_2(capsys):
    assert cli.main(["config", "check", "/nonexistent/notmodified.toml"]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["example", "articles/a", "http://[::1/"])
def test_what_is_no_url_and_no_path_is_a_usage_error(check, url):
    with pytest.raises(SystemExit) as raised:
        check("--url", url)
    assert raised.value.code == 2


@pytest.mark.parametrize("status", ["99", "600", "ok", "-1"])
def test_a_status_that_is_none_is_a_usage_error(check, status):
    with pytest.raises(SystemExit) as raised:
        check("--url", "/", "--status", status)
    assert raised.value.code == 2


def test_it_is_a_program_with_an_exit_status(tmp_path):
    path = tmp_path / "notmodified.toml"
    path.write_text("max_bodi = 1", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "notmodified", "config", "check", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "did you mean max_body?" in done.stderr
