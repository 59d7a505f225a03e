"""The plugin, in runs of pytest of its own: what it audits, says and fails."""

from __future__ import annotations

import re
import textwrap

import pytest

pytest_plugins = ["pytester"]

FLASK = """
    import secrets

    import pytest
    from flask import Flask, request
    from notmodified.flask import NotModified

    def create_app():
        app = Flask("shop")
        articles = {}

        @app.get("/")
        def front():
            return "the front page", {"Cache-Control": "no-cache"}

        @app.get("/token")
        def token():
            page = f'<html><meta name="request-id" content="{secrets.token_hex(16)}"></html>'
            return page, {"Cache-Control": "no-cache"}

        @app.get("/said")
        def said():
            return "nothing is said", {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}

        @app.route("/article", methods=["GET", "PUT", "DELETE"])
        def article():
            if request.method == "PUT":
                articles["text"] = "an article"
            elif request.method == "DELETE":
                articles.clear()
            return articles.get("text", ("", 404))

        NotModified(app)
        return app

    @pytest.fixture
    def client():
        return create_app().test_client()
"""
HEALTHY = """
    def test_front(client):
        assert client.get("/").status_code == 200
"""
DEFECTIVE = """
    def test_token(client):
        assert client.get("/token").status_code == 200
"""
DJANGO = """
    import secrets

    import django
    import pytest
    from django.conf import settings

    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MIDDLEWARE=["notmodified.django.NotModifiedMiddleware"],
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
        ROOT_URLCONF="conftest",
        SECRET_KEY="secret",
    )
    django.setup()

    from django.db import connection
    from django.http import HttpResponse
    from django.urls import path
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView

    def front(request):
        with connection.cursor() as cursor:
            (text,) = cursor.execute("select text from page").fetchone() or ("",)
        return HttpResponse(text, status=200 if text else 404, headers={"Cache-Control": "no-cache"})

    def token(request):
        return HttpResponse(f"<p>{secrets.token_hex(16)}</p>", headers={"Cache-Control": "no-cache"})

    class Api(APIView):
        permission_classes = [IsAuthenticated]

        def get(self, request):
            return Response({"user": request.user.name}, headers={"Cache-Control": "private, no-cache"})

    urlpatterns = [path("", front), path("token", token), path("api", Api.as_view())]
"""
DJANGO_TESTS = """
    from types import SimpleNamespace

    from django.db import connection
    from django.test import AsyncClient, SimpleTestCase, TestCase
    from rest_framework.test import APIClient

    connection.ensure_connection()
    connection.cursor().execute("create table page (text)")

    class PageTest(TestCase):
        def test_page(self):
            with connection.cursor() as cursor:
                cursor.execute("insert into page values ('the page')")
            with self.assertNumQueries(1):
                assert self.client.get("/").status_code == 200

        def test_nothing(self):
            assert self.client.get("/").status_code == 404

    class TokenTest(SimpleTestCase):
        async def test_token(self):
            assert (await self.async_client.get("/token")).status_code == 200

    def test_forced_user():
        client = APIClient()
        client.force_authenticate(SimpleNamespace(is_authenticated=True, name="ada"))
        assert client.get("/api").status_code == 200
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run pytest over a suite: files by name, and options."""

    def run(options: tuple[str, ...] = (), *, in_process=True, **files: str) -> pytest.RunResult:
        pytester.makepyfile(**{name: textwrap.dedent(text) for name, text in files.items()})
        start = pytester.runpytest_inprocess if in_process else pytester.runpytest_subprocess
        # Those that are not needed take their time to load.
        without = ("no:cacheprovider", "no:hypothesispytest", "no:run-parallel", "no:timeout")
        plugins = [part for name in without for part in ("-p", name)]
        return start(*plugins, "-W", "error", "--strict-config", "--strict-markers", *options)

    return run


def said(result: pytest.RunResult) -> str:
    """Return what the audit says at the end of a run."""
    _, section, after = result.stdout.str().partition(" caching audit ")
    assert section, result.stdout.str()
    return after


def test_pytest_finds_the_plugin_and_loads_nothing_of_it_unless_it_is_used(run):
    test = """
        import sys

        def test_nothing_is_loaded(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("notmodified")
            costly = ("notmodified.check", "notmodified.pytest.")
            ours = {name for name in sys.modules if name.startswith(costly)}
            assert ours == {"notmodified.pytest.plugin"}
            assert not {"flask", "django", "werkzeug"} & set(sys.modules)
    """
    result = run(in_process=False, test_loaded=test)
    result.assert_outcomes(passed=1)
    assert "caching audit" not in result.stdout.str()


def test_without_the_option_clients_are_as_they_were(run):
    result = run(conftest=FLASK, test_it=HEALTHY + DEFECTIVE)
    result.assert_outcomes(passed=2)
    assert "caching audit" not in result.stdout.str()


def test_a_healthy_suite_has_no_finding(run):
    result = run(("--caching-audit", "--caching-audit-fail-on=info"), conftest=FLASK, test_it=HEALTHY)
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    assert "1 page, " in said(result)
    assert ": 0 errors, 0 warnings, 0 infos" in said(result)


def test_a_defective_page_is_shown_and_the_run_fails_though_no_test_does(run):
    result = run(("--caching-audit",), conftest=FLASK, test_it=HEALTHY + DEFECTIVE)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = said(result)
    for part in (
        "[error, unstable-tag]",
        "This page can never be revalidated: its ETag changes with each response, because of these 32",
        '<meta name="request-id" content="[',
        "Fix: ",
        "notmodified.toml: etag = { ignore = ",
        "At http://localhost/token",
        "2 pages, ",
        ": 1 error, 0 warnings",
        "--caching-audit-fail-on=error",
    ):
        assert part in told


@pytest.mark.parametrize(("fail_on", "fails"), [("info", True), ("warning", False), ("never", False)])
def test_the_run_fails_by_what_is_as_bad_as_that(run, fail_on, fails):
    test = "def test_it(client): client.get('/said')"
    result = run(("--caching-audit", f"--caching-audit-fail-on={fail_on}"), conftest=FLASK, test_it=test)
    assert "nothing-said" in said(result)
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if fails else pytest.ExitCode.OK)


def test_a_page_is_audited_once_and_a_finding_told_once(run):
    test = """
        import pytest

        @pytest.mark.parametrize("page", ["/token?a=1", "/token?a=2", "/token?a=1"])
        def test_it(client, page):
            client.get(page)
            client.get(page)
            client.head(page)
    """
    told = said(run(("--caching-audit",), conftest=FLASK, test_it=test))
    assert told.count("unstable-tag") == 1
    assert "At http://localhost/token?a=1\n     And at http://localhost/token?a=2\n" in told
    assert "2 pages, " in told


def test_a_page_is_audited_while_what_its_test_made_is_still_there(run):
    there = """
        def test_gone(client):
            client.put("/article")
            client.get("/article")
            client.delete("/article")
    """
    told = said(run(("--caching-audit",), conftest=FLASK, test_it=there))
    assert "0 pages, " in told
    assert "could not be got again when their test was over: http://localhost/article" in told
    there += """
        def test_there(client):
            client.put("/article")
            client.get("/article")
    """
    told = said(run(("--caching-audit",), conftest=FLASK, test_it=there))
    assert "1 page, " in told
    assert "could not be got" not in told


def test_a_test_that_fails_is_told_as_ever(run):
    test = """
        def test_it(client):
            client.get("/token")
            assert False
    """
    result = run(("--caching-audit",), conftest=FLASK, test_it=test)
    result.assert_outcomes(failed=1)
    assert "0 pages, 0 requests" in said(result)


@pytest.mark.timeout(180)
def test_processes_of_xdist_tell_what_they_found(run):
    options = ("--caching-audit", "-n", "2", "--dist=each", "-p", "xdist")
    result = run(options, in_process=False, conftest=FLASK, test_it=HEALTHY + DEFECTIVE)
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert said(result).count("[error, unstable-tag]") == 1
    assert re.search(r"2 pages, \d{3} requests: 1 error", said(result))


@pytest.mark.long
def test_a_process_that_dies_is_told_of(run):
    test = "import os\ndef test_it(client): client.get('/'); os._exit(3)"
    options = ("--caching-audit", "-n", "1", "--max-worker-restart=0")
    result = run(options, in_process=False, conftest=FLASK, test_it=test)
    assert "gw0 ended without telling what it had audited" in said(result)


def test_the_clients_of_django_are_audited_in_their_transaction(run):
    result = run(("--caching-audit",), in_process=False, conftest=DJANGO, test_it=DJANGO_TESTS)
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = said(result)
    assert told.count("[error, unstable-tag]") == 1
    assert "At http://testserver/token" in told
    assert "3 pages, " in told
    assert ": 1 error, " in told
    assert "could not be got" not in told


def test_the_fixture_fails_the_very_test(run):
    test = """
        import unittest

        import pytest

        from conftest import create_app

        def test_healthy(client, caching_audit):
            client.get("/")

        def test_defective(client, caching_audit):
            client.get("/")
            client.get("/token")

        def test_let_pass(client, caching_audit):
            caching_audit.ignore = ["unstable-tag"]
            client.get("/token")

        def test_stricter(client, caching_audit):
            caching_audit.fail_on = "info"
            client.get("/said")

        def test_without(client):
            client.get("/token")

        def test_report(client, caching_audit):
            document = caching_audit(client, "/", "/token")
            assert [page["severity"] for page in document["pages"]] == [None, "error"]
            caching_audit.fail_on = "never"

        @pytest.mark.usefixtures("caching_audit")
        class Case(unittest.TestCase):
            def test_case(self):
                create_app().test_client().get("/token")
    """
    result = run(("-rA",), conftest=FLASK, test_it=test)
    result.assert_outcomes(passed=4, failed=3)
    out = result.stdout.str()
    for name in ("test_defective", "test_stricter", "Case::test_case"):
        assert f"FAILED test_it.py::{name} - " in out
    assert "the caching audit finds something wrong with 1 page that this test got" in out
    assert "This page can never be revalidated" in out


def test_an_audit_that_fails_is_told_and_fails_no_test(run):
    test = """
        def test_it(client):
            client.get("/")
            del client.application
    """
    result = run(("--caching-audit",), conftest=FLASK, test_it=test)
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "test_it.py::test_it" in said(result)


def test_what_an_address_brings_does_nothing_to_the_terminal(run):
    test = "def test_it(client): client.get('/token?\\x1b[2J')"
    result = run(("--caching-audit",), conftest=FLASK, test_it=test)
    assert "\x1b[2J" not in said(result)
    assert "/token?" in said(result)
