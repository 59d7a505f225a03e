"""A 304 out of the validator cache: in-process, with many entries stored, and through a real Gunicorn."""

from __future__ import annotations

import itertools
import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from comparison.functions import DJANGO, TAG, django_site, nothing
from comparison.measure import OURS, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.request import environ_with
from comparison.served import BODIES, STORE
from comparison.serving import DJANGO as DJANGO_MIDDLEWARE
from comparison.serving import UNDER_WAY, all_of, conditional, rotated
from comparison.wrapping import CONTENT_TYPE, Server
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESS, HOST = "304, store = process", "304, store = host"
NOTHING_SAID = "200, nothing said to the cache"
WITHOUT = "the middleware without a store"
FEW, MANY = 1_000, 250_000
MANY_OCTETS = 100_000_000
ONLY_304 = "an app that only answers 304"
TRIVIAL = "a 304 of 2 KiB, workers' CPU time"
VIEW = "a trivial Django view's 304, workers' CPU time"
RENDERED = "a page that renders in 5 ms, asked by 32 clients, a second elapsed"
WORKERS, CLIENTS = 4, 32


def cached_app(_environ: dict, start_response: Callable) -> list[bytes]:
    fields = [
        ("Content-Type", CONTENT_TYPE),
        ("ETag", TAG),
        ("Cache-Control", "no-cache"),
        ("Notmodified-Cache-Control", "max-age=3600"),
    ]
    start_response("200 OK", fields)
    return [BODIES["2 KiB"]]


def silent_app(_environ: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [("Content-Type", CONTENT_TYPE)])
    return [BODIES["2 KiB"]]


def of_path(environ: dict[str, object], path: str) -> dict[str, object]:
    """The request as it is for another path."""
    return {**environ, "PATH_INFO": path, "RAW_URI": f"{path}?{environ['QUERY_STRING']}"}


def host_store(place: Path, octets: int = 32 << 20) -> dict[str, object]:
    return {"store": "host", "store_path": str(place), "store_size": octets, "release": "1"}


def remembered(wrapped: NotModified, environ: dict[str, object]) -> None:
    """Have it stored, and see that it answers from memory."""
    Server().expect(200, wrapped, {**environ, "HTTP_IF_NONE_MATCH": '"another"'})
    Server().expect(304, wrapped, environ)
    if wrapped.stats()["cache_answered"] != 1:
        msg = f"not from memory: {wrapped.stats()}"
        raise AssertionError(msg)


def measure(effort: Effort) -> Samples:
    site = django_site()
    environ = of_path(environ_with(if_none_match=TAG), "/articles/7")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "store"
        process, host = NotModified(cached_app, store="process"), NotModified(cached_app, **host_store(place))
        remembered(process, environ)
        remembered(host, environ)
        Server().expect(304, site, environ)
        names = {
            "serve": Server().serve,
            "environ": environ,
            "plain": environ_with(),
            "nothing": nothing,
            "site": site,
            "process": process,
            "host": host,
            "without": NotModified(silent_app),
            "silent": NotModified(silent_app, **host_store(place)),
        }

        def contender(name: str, application: str, environ: str = "environ") -> Contender:
            statement = f"serve({application}, {environ})"
            return Contender(name, statement, names, f"serve(nothing, {environ})")

        django = contender(DJANGO, "site")
        return side_by_side(
            [
                Work(PROCESS, [contender(OURS, "process"), django]),
                Work(HOST, [contender(OURS, "host"), django]),
                Work(
                    NOTHING_SAID,
                    [contender(OURS, "silent", "plain"), contender(WITHOUT, "without", "plain")],
                ),
            ],
            effort,
        )


def entries(number: int) -> str:
    return f"304 with {number:,} entries stored"


def measure_many(effort: Effort) -> Samples:
    full = effort.processes > 1
    environ = environ_with(if_none_match=TAG)
    server = Server()
    works = []
    with tempfile.TemporaryDirectory() as directory:
        for number in (FEW, MANY):
            stored = number if full else FEW
            store = host_store(Path(directory) / str(number), MANY_OCTETS)
            wrapped = NotModified(cached_app, **store)
            paths = [f"/articles/{each}" for each in range(stored)]
            for path in paths:
                server.serve(wrapped, of_path(environ_with(), path))
            asked = [of_path(environ, path) for path in random.sample(paths, min(stored, 5_000))]
            for each in asked:
                server.expect(304, wrapped, each)
            if wrapped.stats()["cache_answered"] < 0.99 * len(asked):
                msg = f"not from memory: {wrapped.stats()}"
                raise AssertionError(msg)
            # In another order, so that none is asked for that was asked for a moment ago.
            random.shuffle(asked)
            names = {"serve": server.serve, "wrapped": wrapped, "asked": itertools.cycle(asked), "next": next}
            names |= {"nothing": nothing}
            contender = Contender(
                OURS, "serve(wrapped, next(asked))", names, over="serve(nothing, next(asked))"
            )
            works.append(Work(entries(number), [contender]))
        return side_by_side(works, effort)


def measure_gunicorn(effort: Effort) -> Samples:
    # Each connection wakes each idle worker: with as few requests under way as there are workers, what is
    # measured is the waking.
    scenes = (
        (TRIVIAL, {OURS: "plain_with_store", ONLY_304: "only_304_app"}, WORKERS, CLIENTS),
        (VIEW, {OURS: "django_with_store", DJANGO_MIDDLEWARE: "django_with_middleware"}, 1, UNDER_WAY),
        (
            RENDERED,
            {OURS: "rendering_with_store", DJANGO_MIDDLEWARE: "rendering_with_middleware"},
            WORKERS,
            CLIENTS,
        ),
    )
    samples: Samples = {}
    full = effort.processes > 1
    for title, applications, workers, clients in scenes:
        by_clock = title == RENDERED
        starts, rounds, requests = (1 if by_clock else 4, 12, 400) if full else (1, 1, 20)
        # A worker is a few percent faster or slower for as long as it lives, by where its memory lies.
        for _ in range(starts):
            with tempfile.TemporaryDirectory() as directory:
                os.environ[STORE] = str(Path(directory) / "store")
                with all_of(applications, workers if full else 1) as servers:
                    asked = {name: conditional(server, 2 << 10, 304) for name, server in servers.items()}
                    figures = samples.setdefault(title, {name: [] for name in servers})
                    for number in range(rounds):
                        for name in rotated(list(servers), number):
                            elapsed, cpu = servers[name].timed(requests, asked[name], clients)
                            figures[name].append(elapsed if by_clock else cpu)
    return samples


GROUP = Group(
    "cache",
    "A 304 out of the validator cache",
    "The application is not called: what a 304 costs from the store of the process and from that of the "
    "host, less a server that calls nothing; Django's is WSGIHandler with the decorated view, less the same. "
    "Last a 200 of 2 KiB that nothing is said about, with `store = host` and without a store.",
    measure,
    [
        Line(PROCESS, DJANGO, at_least=25),
        Line(HOST, DJANGO, at_least=15),
        Line(NOTHING_SAID, WITHOUT, at_most=1.1),
    ],
)
MANY_GROUP = Group(
    "cache-many",
    "A 304 out of a store with many entries",
    "`store = host`, 100 MB, each request for another path, in no order: the whole 304, less a server that "
    "calls nothing.",
    measure_many,
    [Line(entries(MANY), OURS, peer_work=entries(FEW), at_most=1.5)],
    once=True,
)
GUNICORN_GROUP = Group(
    "gunicorn-cache",
    "Gunicorn: 304s out of the validator cache",
    f"Sync workers, loopback, `store = host`: {WORKERS} of them with {CLIENTS} requests under way, one with "
    f"{UNDER_WAY} for the trivial view. What Gunicorn itself costs is in all of them.",
    measure_gunicorn,
    [
        Line(TRIVIAL, ONLY_304, at_most=1.05),
        Line(VIEW, DJANGO_MIDDLEWARE, at_least=2),
        Line(RENDERED, DJANGO_MIDDLEWARE, at_least=15, rate=True),
    ],
    once=True,
)
