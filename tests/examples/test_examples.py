"""The examples, run by Gunicorn in their own folder as their first lines say."""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults

import pytest

from gunicorn_config.command import Gunicorn
from notmodified import EntityTag, NotModified

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
    assert get(server, "/api/planets")[1]["Cache-Control"] == "no-cache"


def test_the_plain_application(serve: Callable[..., Gunicorn]) -> None:
    server = serve("plain_wsgi")
    assert revalidates(server, "/")
    assert get(server, "/archive/1994")[1]["Cache-Control"] == "public, max-age=3600"
    assert get(server, "/today")[1]["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "arguments", [["django_site.wsgi"], ["-k", "asgi", "django_site.asgi:application"]], ids=["wsgi", "asgi"]
)
def test_the_django_site(serve: Callable[..., Gunicorn], arguments: list[str]) -> None:
    """Under WSGI, and under ASGI by Gunicorn's own worker class for it."""
    server = serve(*arguments, folder=EXAMPLES / "django_site")
    for path in ("/", "/api/planets", "/api/moons"):
        assert revalidates(server, path)
    assert get(server, "/api/planets")[1]["Cache-Control"] == "no-cache"
    _, fields, body = get(server, "/countdown")
    assert (body, fields["ETag"]) == (b"3\n2\n1\n", None)


SERVERS = {
    "flask": (EXAMPLES, ["-m", "gunicorn", "--no-control-socket", "--workers", "2", "flask_cached:app"]),
    "django-wsgi": (
        EXAMPLES / "django_site",
        ["-m", "gunicorn", "--no-control-socket", "--workers", "2", "django_site.wsgi"],
    ),
    "django-asgi": (
        EXAMPLES / "django_site",
        ["-m", "gunicorn", "--no-control-socket", "--workers", "2", "-k", "asgi", "django_site.asgi"],
    ),
    "django-uvicorn": (
        EXAMPLES / "django_site",
        ["-m", "uvicorn", "--workers", "2", "--lifespan", "off", "django_site.asgi:application"],
    ),
}


@pytest.fixture
def _one_at_a_time() -> Iterator[None]:
    """Wait for others: the examples share this user's usual store, where who writes /note ends it for all."""
    with Path(tempfile.gettempdir(), f"notmodified-examples-{os.geteuid()}").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=SERVERS)
def cached(request: pytest.FixtureRequest, tmp_path: Path, _one_at_a_time: None) -> Iterator[tuple[str, int]]:
    """A site with two workers and the validator cache on, and a release that no other test has."""
    folder, arguments = SERVERS[request.param]
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "output").open("wb") as output:
        number = str(listener.fileno())
        listen = ["--fd", number] if "uvicorn" in arguments else ["--bind", f"fd://{number}"]
        process = subprocess.Popen(
            [sys.executable, *arguments, *listen],
            cwd=folder,
            env=os.environ
            | {"NOTE_FILE": str(tmp_path / "note"), "GIT_SHA": f"{tmp_path} {time.time()}"}
            | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        address = listener.getsockname()
    yield address
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert "Traceback" not in (tmp_path / "output").read_text()


def ask(
    address: tuple[str, int], method: str, body: bytes | None = None, **fields: str
) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=20)
    connection.request(method, "/note", body, fields)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def test_the_sites_with_a_cache_confirm_a_page_in_any_worker_until_it_is_written(
    cached: tuple[str, int],
) -> None:
    for text in (b"one", b"two"):
        assert ask(cached, "PUT", text)[0] == 204
        # Whoever has the text before this one gets the new one, from whichever worker.
        before = str(EntityTag.of(b"one"))
        for _ in range(6 if text == b"two" else 0):
            status, fields, content = ask(cached, "GET", **{"If-None-Match": before})
            assert (status, content, "; hit" in fields["Cache-Status"]) == (200, text, False)
        status, fields, content = ask(cached, "GET")
        assert (status, content, fields["Cache-Control"]) == (200, text, "no-cache")
        assert "Notmodified-Cache-Control" not in fields
        for _ in range(12):
            status, again, _ = ask(cached, "GET", **{"If-None-Match": fields["ETag"]})
            assert (status, again["Cache-Control"], again["ETag"]) == (304, "no-cache", fields["ETag"])
            assert "notmodified; hit" in again["Cache-Status"]
            assert "Notmodified-Cache-Control" not in again


INVALIDATE = {
    "flask": ["-m", "flask", "--app", "flask_cached", "caching", "invalidate"],
    "django-wsgi": ["manage.py", "invalidate_caching"],
    "django-asgi": ["-m", "notmodified", "invalidate"],
    "django-uvicorn": ["manage.py", "invalidate_caching"],
}


def test_the_sites_with_a_cache_are_told_by_the_command_line(
    cached: tuple[str, int], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["cached"]
    tag = ask(cached, "GET")[1]["ETag"]

    def is_hit() -> bool:
        return "; hit" in ask(cached, "GET", **{"If-None-Match": tag})[1]["Cache-Status"]

    def forget(path: str) -> None:
        finished = subprocess.run(
            [sys.executable, *INVALIDATE[name], path],
            cwd=SERVERS[name][0],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "django_site.settings"},
            check=False,
            capture_output=True,
            text=True,
        )
        assert (finished.returncode, finished.stdout) == (0, f"forgotten: {path}\n"), finished.stderr

    assert is_hit()
    forget("/other")
    assert is_hit()
    forget("/note")
    assert not is_hit()


def test_the_django_site_passes_django_s_own_checks() -> None:
    finished = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "INFO"],
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
        ("/assets/app.3f2a.js", "text/javascript", "max-age=31536000, immutable"),
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
