"""`gunicorn "notmodified:wrap('site:application')"`, with a real Gunicorn in the site's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunicorn_config.command import Gunicorn

if TYPE_CHECKING:
    from pathlib import Path

SITE = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a site that knows nothing of notmodified"]

def make(text):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text.encode()]
    return app
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite" / "__init__.py").touch()
    (tmp_path / "mysite" / "wsgi.py").write_text(SITE)
    (tmp_path / "cached.toml").write_text('[[policy]]\npath = "/**"\ncache_control = { max_age = 60 }\n')
    return tmp_path


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ("notmodified:wrap('mysite.wsgi:application')", b"a site that knows nothing of notmodified"),
        ("notmodified:wrap('mysite.wsgi')", b"a site that knows nothing of notmodified"),
        ("""notmodified:wrap('mysite.wsgi:make("made")')""", b"made"),
    ],
)
def test_the_site_is_served_and_revalidated(folder: Path, expression: str, body: bytes) -> None:
    with Gunicorn(folder, "--workers", "2", expression) as server:
        first = server.ask("GET", "/")
        assert (first.status, first.body) == (200, body)
        again = server.ask("GET", "/", ("If-None-Match", first["ETag"]))
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "config",
    [
        "'cached.toml'",
        "config='cached.toml'",
        "config={'policy': [{'path': '/**', 'cache_control': {'max_age': 60}}]}",
    ],
)
def test_a_configuration_can_be_given(folder: Path, config: str) -> None:
    with Gunicorn(folder, f"notmodified:wrap('mysite.wsgi:application', {config})") as server:
        answer = server.ask("GET", "/")
        assert (answer.status, answer["Cache-Control"]) == (200, "max-age=60")


OF_FLASK = """
from flask import Flask
from notmodified.flask import NotModified
application = Flask(__name__)
application.config["NOTMODIFIED"] = {"policy": [{"preset": "private"}]}
NotModified(application)
@application.get("/")
def page():
    return "a page of one client"
"""
OF_DJANGO = """
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
settings.configure(
    ALLOWED_HOSTS=["*"], SECRET_KEY="a secret", ROOT_URLCONF=__name__,
    MIDDLEWARE=["notmodified.django.NotModifiedMiddleware"], NOTMODIFIED={"policy": [{"preset": "private"}]},
)
import django
from django.core.handlers.wsgi import WSGIHandler
django.setup()
urlpatterns = [path("", lambda request: HttpResponse("a page of one client"))]
application = WSGIHandler()
"""


@pytest.mark.parametrize("site", [OF_FLASK, OF_DJANGO], ids=["flask", "django"])
def test_what_the_application_itself_is_configured_with_holds_unless_it_is_said_here(
    folder: Path, site: str
) -> None:
    (folder / "own.py").write_text(site)
    with Gunicorn(folder, "notmodified:wrap('own')") as server:
        first = server.ask("GET", "/")
        assert "private" in first["Cache-Control"]
        assert server.ask("GET", "/", ("If-None-Match", first["ETag"])).status == 304
    with Gunicorn(folder, "notmodified:wrap('own', 'cached.toml')") as server:
        assert server.ask("GET", "/")["Cache-Control"] == "max-age=60"
        server.wait_for("policy of the inner one is not looked at")


def test_it_works_with_an_application_loaded_before_the_fork(folder: Path) -> None:
    with Gunicorn(folder, "--preload", "--workers", "2", "notmodified:wrap('mysite.wsgi')") as server:
        tags = {server.ask("GET", "/")["ETag"] for _ in range(20)}
        assert len(tags) == 1


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("notmodified:wrap('mysite.nothing')", "there is no module 'mysite.nothing'"),
        ("notmodified:wrap('mysite.wsgi:app')", "no 'app'; it has 'mysite.wsgi:application'"),
        ("notmodified:wrap('mysite.wsgi', config='missing.toml')", "missing.toml"),
    ],
)
def test_a_mistake_ends_gunicorn_with_a_message_that_names_it(
    folder: Path, expression: str, told: str
) -> None:
    with Gunicorn(folder, expression) as server:
        assert server.process.wait(20) != 0
        assert told in server.output
