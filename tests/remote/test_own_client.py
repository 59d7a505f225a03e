"""The validator cache by a client of the application's own, given as an object."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest
import redis
import redis.asyncio
import valkey
from flask import Flask

from cache.site import FRESH, Site
from gunicorn_config.command import Gunicorn
from kit.in_process import Server, environ_of
from kit.redis_server import RedisServer
from notmodified import Config, ConfigError, EntityTag, NotModified, StoreError, invalidate
from notmodified.flask import NotModified as Extension


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def client(server):
    server.command("FLUSHALL")
    with server.client() as client:
        yield client


def hello(_environ, start_response):
    start_response("200 OK", [FRESH])
    return [b"hello"]


def word_of(application, path="/page"):
    environ = environ_of("GET", path, [("Host", "a.example"), ("If-None-Match", str(EntityTag.of(b"hello")))])
    Server(environ).run(application)
    return environ["notmodified.result"]


@pytest.mark.parametrize("package", [redis.Redis, valkey.Valkey])
def test_a_client_is_given_as_it_is(server, client, package):
    with package.from_url(server.socket_url) as given:
        site = Site(FRESH, store=given, release="1")
        assert site.remembers()
        assert server.command("KEYS", "{notmodified}:1:entry:*")
        tag = site.tag
        invalidate("/page")
        assert site.again(tag=tag).reason == "not-modified"
        assert site.application.stats()["cache_store_errors"] == 0


def test_in_a_mapping_a_config_and_under_an_option(client):
    mapping = {"store": client, "release": "1"}
    config = Config(store=client, release="1")
    assert config.store == "redis.client:Redis"
    for given in (mapping, config):
        application = NotModified(hello, given)
        assert [word_of(application) for _ in range(2)] == ["not-modified", "remembered"]
        # From elsewhere, by the same client.
        invalidate("/page", config=given)
        assert word_of(application) == "not-modified"
        del application
        client.flushall()
    # An option is laid over what the file or mapping says.
    other = NotModified(hello, mapping, store="process", release=None)
    word_of(other)
    assert client.dbsize() == 0
    over = NotModified(hello, {"store": "process", "release": "1"}, store=client)
    word_of(over)
    assert client.dbsize() > 0
    # And another option leaves it as it is.
    kept = NotModified(hello, mapping, settle=1)
    assert word_of(kept) == "remembered"


def test_one_client_is_one_store_and_another_one_another(tmp_path, client):
    with RedisServer(tmp_path / "other") as elsewhere, elsewhere.client() as second:
        one, two = (NotModified(hello, store=each, release="1") for each in (client, second))
        same = NotModified(hello, store=client, release="1")
        assert [word_of(each) for each in (one, same, two)] == ["not-modified", "remembered", "not-modified"]
        invalidate("/page")
        assert [word_of(each) for each in (one, two)] == ["not-modified", "not-modified"]


def test_in_flask(client):
    app = Flask(__name__)
    app.config["NOTMODIFIED"] = {"store": client, "release": "1"}

    @app.get("/page")
    def page():
        return "hello", dict([FRESH])

    Extension(app)
    assert [word_of(app) for _ in range(2)] == ["not-modified", "remembered"]
    invalidate("/page")
    assert word_of(app) == "not-modified"


DJANGO = """
import sys
import django
import redis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path

def page(request):
    return HttpResponse(b"hello", headers={"Cache-Control": "public, max-age=60"})

urlpatterns = [path("page", page)]
client = redis.Redis.from_url(sys.argv[1])
settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["notmodified.django.NotModifiedMiddleware"],
    INSTALLED_APPS=["notmodified.django"],
    NOTMODIFIED={"store": client, "release": "1"},
    ROOT_URLCONF=__name__,
)
django.setup()

from django.core.management import call_command
from notmodified import EntityTag, invalidate

call_command("check", fail_level="WARNING")
site = WSGIHandler()

def word():
    environ = RequestFactory().get("/page", headers={"If-None-Match": str(EntityTag.of(b"hello"))}).environ
    site(environ, lambda *head: None).close()
    return environ["notmodified.result"]

words = [word(), word()]
invalidate("/page")
assert [*words, word()] == ["not-modified", "remembered", "not-modified"], words
client.close()
"""


def test_in_django(server, client):
    program = [sys.executable, "-W", "error", "-c", DJANGO, server.socket_url]
    ran = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert client.dbsize() > 0


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _: redis.asyncio.Redis(), "is asynchronous"),
        (
            lambda server: redis.Redis.from_url(server.socket_url, single_connection_client=True),
            "single connection",
        ),
    ],
)
def test_a_client_that_would_be_used_unsafely_is_refused(server, make, told):
    given = make(server)
    with pytest.raises(ConfigError, match=told):
        NotModified(hello, store=given, release="1")
    if isinstance(given, redis.Redis):
        given.close()


@pytest.mark.parametrize("store", [SimpleNamespace(), object(), len, 5])
def test_what_is_no_client_is_refused(store):
    with pytest.raises((TypeError, ConfigError), match="store"):
        NotModified(hello, store=store, release="1")


def test_its_password_is_told_nobody(caplog):
    with redis.Redis(port=1, password="p4ssw0rd") as given:
        config = Config(store=given, release="1")
        NotModified(hello, config)
        with pytest.raises(StoreError) as raised:
            invalidate("/page", config=config)
    assert "p4ss" not in repr(raised.value) + repr(config) + str(config.store) + caplog.text


@pytest.mark.parametrize(
    "kind", [("sync",), ("gthread", "--threads", "4"), ("gevent",)], ids=lambda kind: kind[0]
)
def test_workers_that_are_forked_have_connections_of_their_own(tmp_path, server, client, kind):
    """The client is made, and has connected, in the master (`--preload`)."""
    (tmp_path / "forked_site.py").write_text(
        textwrap.dedent(f"""
            import os
            import redis
            from notmodified import NotModified

            client = redis.Redis.from_url({server.socket_url!r}, client_name="site")
            client.set("before the fork", os.getpid())

            def pages(environ, start_response):
                ours = ("Notmodified-Cache-Control", "max-age=60")
                start_response("200 OK", [("Cache-Control", "no-cache"), ours])
                return [environ["PATH_INFO"].encode()]

            core = NotModified(pages, store=client, release="1", cache_status=True)

            def application(environ, start_response):
                def start(status, fields, *error):
                    return start_response(status, [*fields, ("Worker", str(os.getpid()))], *error)
                return core(environ, start)
        """)
    )
    arguments = ["--preload", "--workers", "3", "-k", *kind, "forked_site:application"]
    with Gunicorn(tmp_path, *arguments) as gunicorn:
        gunicorn.wait_for("Booting worker")

        def ask(number):
            """Ask for one page of many: an answer to another's question would have another tag."""
            path = f"/{number % 7}"
            answer = gunicorn.ask("GET", path, ("If-None-Match", str(EntityTag.of(path.encode()))))
            assert answer.status == 304, answer
            assert answer["ETag"] == str(EntityTag.of(path.encode()))
            return answer["Worker"], "; hit" in answer["Cache-Status"]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(ask, range(400)))
        workers = {worker for worker, _ in seen}
        assert len(workers) > 1
        assert sum(hit for _, hit in seen) > 300
        connected = [each["id"] for each in client.client_list() if each["name"] == "site"]
        # The master's, which is nobody else's, and one of each worker at least.
        assert len(connected) > len(workers), connected
        invalidate("/3", config={"store": client})
        assert [ask(3)[1], ask(3)[1]] == [False, True]
    assert "Traceback" not in gunicorn.output
