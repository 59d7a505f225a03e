"""The validator cache on a Redis or Valkey server: what is promised of it, on a real one."""

from __future__ import annotations

import logging
import os
import signal
import time

import pytest
import redis
import valkey

from cache.site import FRESH, Site
from notmodified import Config, ConfigError, NotModified, StoreError, invalidate


@pytest.fixture(scope="module")
def running(start_server, tmp_path_factory):
    with start_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(running):
    """Return a server that all share, empty."""
    running.command("FLUSHALL")
    return running


def site(server, *fields, store=None, **options):
    return Site(*(fields or (FRESH,)), store=store or server.socket_url, release="1", **options)


def stats(of):
    return of.application.stats()


@pytest.mark.parametrize("scheme", ["unix", "redis", "valkey"])
def test_a_304_comes_from_the_server_that_the_url_names(server, scheme):
    url = server.socket_url if scheme == "unix" else f"{scheme}://127.0.0.1:{server.port}"
    one, other = site(server, store=url), site(server)
    tag = one.ask()["ETag"]
    assert not other.runs(lambda: other.again(tag=tag))
    invalidate("/page")
    assert other.runs(lambda: other.again(tag=tag))


def clients(server):
    return {
        "redis": redis.Redis.from_url(server.socket_url),
        "decoding": redis.Redis.from_url(server.socket_url, decode_responses=True),
        "resp2": redis.Redis.from_url(server.socket_url, protocol=2),
        "resp3": redis.Redis.from_url(server.socket_url, protocol=3),
        "valkey": valkey.Valkey.from_url(server.socket_url),
        "function": lambda: valkey.Valkey.from_url(server.socket_url),
    }


@pytest.mark.parametrize("which", ["redis", "decoding", "resp2", "resp3", "valkey", "function"])
def test_a_client_of_the_applications_own_is_named(server, which, named):
    client = clients(server)[which]
    own = site(server, store=named(client))
    assert own.remembers()
    assert own.application.stats()["cache_store_errors"] == 0
    if which != "function":
        client.close()


def test_a_look_up_is_one_script_and_a_page_that_is_never_stored_none(server):
    fresh = site(server)
    tag = fresh.ask()["ETag"]
    before = server.scripts_run()
    for _ in range(5):
        assert fresh.again(tag=tag).reason == "remembered"
    assert server.scripts_run() == before + 5
    never = site(server, ("Cache-Control", "no-store"))
    never.ask(target="/never")
    before = server.scripts_run()
    for _ in range(5):
        never.ask(("If-None-Match", '"x"'), target="/never")
    assert server.scripts_run() == before
    assert stats(never)["cache_refused_no_store"] == 6


def test_a_page_that_becomes_storable_is_learned_at_once(server):
    page = site(server, ("Cache-Control", "no-store"))
    page.ask()
    page.says.fields = [FRESH]
    page.ask()
    assert page.remembers()
    # And is asked for ever after, whatever some clients are told.
    page.says.fields = [("Cache-Control", "private")]
    invalidate("/page")
    page.ask()
    page.says.fields = [FRESH]
    assert page.remembers()


def test_a_server_that_forgot_the_scripts_is_told_them(server):
    page = site(server)
    assert page.remembers()
    server.command("SCRIPT", "FLUSH")
    assert not page.runs(lambda: page.again(tag=page.tag))
    assert stats(page)["cache_store_errors"] == 0


def test_variants_and_groups_are_kept_there_too(server):
    page = site(server, FRESH, ("Vary", "Accept-Language"), ("Cache-Groups", '"articles"'))
    for language in ("de", "en"):
        assert page.remembers(("Accept-Language", language))
    tag = page.tag
    invalidate(groups=["articles"])
    assert page.again(("Accept-Language", "en"), tag=tag).reason == "not-modified"


def test_a_write_is_heard_of_by_every_host(server):
    one, other = site(server), site(server)
    tag = one.ask()["ETag"]
    assert other.again(tag=tag).reason == "remembered"
    one.ask(method="POST")
    assert other.again(tag=tag).reason == "not-modified"


def test_stale_while_revalidate_runs_the_application_once(server):
    page = site(server, ("Cache-Control", "public, max-age=0, stale-while-revalidate=60"))
    page.says.fields = [("Cache-Control", "public, max-age=1, stale-while-revalidate=60")]
    tag = page.ask()["ETag"]
    time.sleep(1.1)
    other = site(server)
    words = [other.again(tag=tag).reason for _ in range(3)]
    assert words == ["not-modified", "remembered", "remembered"]


def test_the_child_of_a_fork_has_a_connection_of_its_own(server):
    page = site(server)
    tag = page.ask()["ETag"]
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            words = {page.again(tag=tag).reason for _ in range(50)}
            os._exit(0 if words == {"remembered"} else 1)
        children.append(child)
    assert {page.again(tag=tag).reason for _ in range(50)} == {"remembered"}
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def test_a_server_that_is_gone_is_no_failure_of_the_page(own, caplog):
    page = site(own)
    tag = page.ask()["ETag"]
    own.kill()
    with caplog.at_level(logging.ERROR, "notmodified"):
        assert [page.again(tag=tag).reason for _ in range(20)] == ["not-modified"] * 20
    assert len(caplog.records) == 1
    counts = stats(page)
    assert (counts["cache_store_errors"], counts["cache_breaker_opened"], counts["cache_skipped"]) == (
        1,
        1,
        19,
    )
    with pytest.raises(StoreError, match="ConnectionError"):
        invalidate("/page")
    # It comes back empty, and is asked again within some seconds.
    own.start()
    deadline = time.monotonic() + 15
    while not page.remembers():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_hangs_costs_one_time_out_and_then_nothing(own):
    page = site(own, store_timeout=0.2)
    tag = page.ask()["ETag"]
    own.signal(signal.SIGSTOP)
    taken = []
    for _ in range(10):
        start = time.monotonic()
        assert page.again(tag=tag).reason == "not-modified"
        taken.append(time.monotonic() - start)
    assert 0.15 < taken[0] < 5
    assert sorted(taken[1:])[4] < 0.15, taken
    start = time.monotonic()
    with pytest.raises(StoreError, match="TimeoutError"):
        invalidate("/page")
    assert time.monotonic() - start < 5
    # What could not be invalidated then is, before anything is answered.
    own.signal(signal.SIGCONT)
    deadline = time.monotonic() + 15
    before = stats(page)["cache_missed_nothing"]
    while stats(page)["cache_missed_nothing"] == before:
        assert page.again(tag=tag).reason == "not-modified"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert page.again(tag=tag).reason == "remembered"


def test_a_write_while_the_server_is_gone_is_made_up_for(own):
    page = site(own, store_timeout=0.1)
    tag = page.ask()["ETag"]
    own.signal(signal.SIGSTOP)
    page.again(tag=tag)
    assert page.ask(method="POST").status == 200
    assert stats(page)["cache_postponed"] == 1
    own.signal(signal.SIGCONT)
    deadline = time.monotonic() + 15
    while page.again(tag=tag).reason != "remembered":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert stats(page)["cache_missed_nothing"] == 1


@pytest.mark.parametrize(
    "url",
    [
        "redis://:p4ssw0rd@127.0.0.1:1/0",
        "redis://somebody:p4ssw0rd@127.0.0.1:1/0?socket_timeout=1",
        "redis://127.0.0.1:1/0?password=p4ssw0rd",
        "redis://:p4ss/p4ssw0rd@127.0.0.1:1/0",
        "redis://:p4ss?p4ssw0rd@127.0.0.1:1/0",
        "rediss://:p4ssw0rd@127.0.0.1:1/0",
        "unix://:p4ssw0rd@/nowhere/socket",
        "redsi://:p4ssw0rd@127.0.0.1:1/0",
    ],
)
def test_the_password_is_told_nobody(url, caplog):
    said = []
    with caplog.at_level(logging.DEBUG):
        try:
            config = Config(store=url, release="1")
            said += [repr(config), str(config.store), repr(config.policies)]
            application = NotModified(lambda _environ, _start: [], config)
            said.append(repr(application))
            with pytest.raises(StoreError) as raised:
                invalidate("/page", config=config)
            said.append(repr(raised.value))
        except ConfigError as error:
            said += [repr(error), repr(error.__cause__)]
    said += [record.getMessage() + str(record.exc_text) + str(record.exc_info) for record in caplog.records]
    assert said
    assert not [text for text in said if "p4ss" in text]


def test_a_wrong_password_is_told_nobody_either(own, caplog):
    own.command("ACL", "SETUSER", "somebody", "on", ">p4ssw0rd", "~*", "+@all")
    with caplog.at_level(logging.DEBUG):
        page = site(own, store=f"redis://somebody:p4ssw0rt@127.0.0.1:{own.port}")
        assert page.ask().status == 200
        with pytest.raises(StoreError, match="AuthenticationError") as raised:
            invalidate("/page")
    assert "p4ss" not in repr(raised.value) + caplog.text


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("redis", "expected"),
        ("http://127.0.0.1/", "expected"),
        ("nothing.there:client", "it cannot be imported"),
        ("os:path", "is no client of redis-py or valkey-py"),
    ],
)
def test_what_is_no_store_is_refused_at_the_start(store, told):
    with pytest.raises(ConfigError, match=told):
        NotModified(lambda _environ, _start: [], {"store": store, "release": "1"})


@pytest.mark.parametrize(
    "timeout", [0, -1, 61, True, "1", "0ms", "60001ms", "2m", "1h", "0.25s", "250 ms", ""]
)
def test_a_time_out_is_seconds_or_a_time_with_its_unit(timeout):
    with pytest.raises(ConfigError, match=r"store_timeout.*seconds, from 0\.001 to 60"):
        Config(store="redis://127.0.0.1", store_timeout=timeout)
    assert Config(store_timeout=0.1).store_timeout == 0.1
    assert Config(store_timeout=2).store_timeout == 2.0
    for written, seconds in [("250ms", 0.25), ("1ms", 0.001), ("2s", 2.0), ("1m", 60.0)]:
        assert Config(store_timeout=written).store_timeout == seconds
