"""`manage.py check_caching` and `flask caching check`, as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

MANAGE = Path(__file__).parents[2] / "examples" / "django_site" / "manage.py"
FLASK = """
    import secrets

    from flask import Flask, g, request
    from notmodified.flask import NotModified

    app = Flask(__name__)
    app.config.update(SERVER_NAME="shop.example", PREFERRED_URL_SCHEME="https")

    @app.get("/")
    def front():
        assert not hasattr(g, "asked"), "two requests share a context"
        g.asked = True
        return request.url, {"Cache-Control": "no-cache"}

    @app.get("/token")
    def token():
        return secrets.token_hex(16)

    @app.get("/said")
    def said():
        return "nothing is said", {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}

    @app.get("/mine")
    def mine():
        fields = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
        return ("mine", 200, fields) if request.cookies.get("user") == "ada" else ("", 403, fields)

    NotModified(app)
"""
DJANGO = """
    import secrets
    import sys

    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    import notmodified

    settings.configure(
        ALLOWED_HOSTS=[".shop.example"],
        INSTALLED_APPS=["notmodified.django"],
        MIDDLEWARE=["django.middleware.security.SecurityMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="secret",
        SECURE_SSL_REDIRECT=True,
        WSGI_APPLICATION=__name__ + ".application",
    )

    def front(request):
        return HttpResponse(request.build_absolute_uri(), headers={"Cache-Control": "no-cache"})

    def token(request):
        return HttpResponse(secrets.token_hex(16))

    urlpatterns = [path("", front), path("token", token)]

    if __name__ == "__main__":
        application = notmodified.NotModified(get_wsgi_application())
        execute_from_command_line()
"""


def call(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def flask(tmp_path):
    (tmp_path / "shop.py").write_text(textwrap.dedent(FLASK))
    return lambda *arguments: call(
        "-m", "flask", "--app", "shop", "caching", "check", *arguments, folder=tmp_path
    )


@pytest.fixture
def manage(tmp_path):
    (tmp_path / "shop.py").write_text(textwrap.dedent(DJANGO))
    return lambda *arguments: call("shop.py", "check_caching", *arguments, folder=tmp_path)


@pytest.mark.parametrize("command", ["flask", "manage"])
def test_a_healthy_front_page_is_what_is_asked_for(command, request):
    done = request.getfixturevalue(command)("--fail-on", "info")
    assert done.returncode == 0, done.stderr
    host = {"flask": "shop.example", "manage": "www.shop.example"}[command]
    assert done.stdout.startswith(f"https://{host}/\n  It revalidates: who has it gets a 304")


@pytest.mark.parametrize("command", ["flask", "manage"])
def test_a_defective_page_is_shown_and_the_status_says_it(command, request):
    done = request.getfixturevalue(command)("/", "/token")
    assert done.returncode == 1
    assert "unstable-tag" in done.stdout
    assert "Fix: " in done.stdout
    assert "2 pages, " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["flask", "manage"])
def test_the_document_is_that_of_notmodified_check(command, request):
    done = request.getfixturevalue(command)("/token", "--json", "--fail-on", "never")
    assert done.returncode == 0
    (page,) = json.loads(done.stdout)["pages"]
    assert [finding["id"] for finding in page["findings"]] == ["unstable-tag"]


@pytest.mark.parametrize("command", ["flask", "manage"])
def test_what_is_no_path_is_refused(command, request):
    done = request.getfixturevalue(command)("token")
    assert done.returncode == 2
    assert "give paths, which start with /, not 'token'" in done.stderr


def test_flask_sends_the_cookies_that_are_given(flask):
    assert "403" in flask("/mine").stdout
    assert "It revalidates" in flask("/mine", "--cookie", "user=ada").stdout


def test_flask_shows_the_heads_when_asked_to(flask):
    assert "> GET /said" in flask("/said", "-v").stdout


def test_the_example_project_knows_the_command():
    done = call(MANAGE, "check_caching", "/", folder=MANAGE.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It revalidates" in done.stdout
