"""The examples, run by Gunicorn in their own folder as their first lines say."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults

import pytest

from gunicorn_config.command import Gunicorn
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Gunicorn]]:
    running = []

    def start(*arguments: str, folder: Path = EXAMPLES) -> Gunicorn:
        server = Gunicorn(tmp_path, "--chdir", str(folder), *arguments)
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        server.__exit__()


def get(server: Gunicorn, path: str, **fields: str) -> tuple[int, Message, bytes]:
    """Ask by the server's address, the one host that the Django site answers to."""
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.request("GET", path, headers=fields)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


def revalidates(server: Gunicorn, path: str) -> bool:
    first, fields, _ = get(server, path)
    again, _, body = get(server, path, **{"If-None-Match": fields["ETag"]})
    return (first, again, body) == (200, 304, b"")


def test_the_flask_site(serve: Callable[..., Gunicorn]) -> None:
    server = serve("flask_site:app")
    assert revalidates(server, "/")
    assert revalidates(server, "/api/planets")


def test_the_plain_application(serve: Callable[..., Gunicorn]) -> None:
    server = serve("plain_wsgi")
    assert revalidates(server, "/")
    assert get(server, "/archive/1994")[1]["Cache-Control"] == "public, max-age=3600"
    assert get(server, "/today")[1]["Cache-Control"] == "no-cache"


def test_the_django_site(serve: Callable[..., Gunicorn]) -> None:
    server = serve("django_site.wsgi", folder=EXAMPLES / "django_site")
    assert revalidates(server, "/")
    assert revalidates(server, "/api/planets")
    _, fields, body = get(server, "/countdown")
    assert (body, fields["ETag"]) == (b"3\n2\n1\n", None)


def test_the_django_site_passes_django_s_own_checks() -> None:
    finished = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=EXAMPLES / "django_site",
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(
    ("path", "media_type", "cache_control"),
    [
        ("/api/planets", "application/json", "private, no-cache"),
        ("/assets/app.3f2a.js", "text/javascript", "public, max-age=31536000, immutable"),
        ("/about", "text/html; charset=utf-8", "no-cache"),
        ("/about.pdf", "application/pdf", None),
    ],
)
def test_the_configuration_does_what_its_comments_say(
    path: str, media_type: str, cache_control: str | None
) -> None:
    heads = []

    def page(_environ: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [("Content-Type", media_type)])
        return [b"content"]

    environ: dict = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    application = NotModified(page, config=EXAMPLES / "notmodified.toml")
    list(application(environ, lambda _status, fields, *_: heads.append(dict(fields))))
    written = heads[0].get("Cache-Control")
    assert (written and set(written.split(", "))) == (cache_control and set(cache_control.split(", ")))


def test_the_configuration_passes_the_check() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "notmodified", "config", "check", str(EXAMPLES / "notmodified.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
