"""A simulation from the log under one policy predicts the log under another: real Gunicorn, real caches."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests
from hishel import CacheOptions, SqliteStorage
from hishel.requests import CacheAdapter

from gunicorn_config.command import Gunicorn
from logs.writing import analysed
from notmodified import Config

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS, PAGES, SECONDS, PAUSE = 8, 10, 60, 0.3
APP = """
import pathlib, time
from notmodified import NotModified

began = float(pathlib.Path("began").read_text())

def site(environ, start_response):
    page = int(environ["PATH_INFO"].rpartition("/")[2])
    version = int((time.time() - began + 7 * page) / 23)
    body = b"%d of %d;" % (version, page) * 100 * (page + 1)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

application = NotModified(site, config="notmodified.toml")
"""
CURRENT = '[[policy]]\npath = "/page/*"\ncache_control = {no_cache = true}\n'
LASTING = """
[[policy]]
path = ["/page/1", "/page/2", "/page/3"]
cache_control = {no_cache = true}

[[policy]]
path = "/page/*"
cache_control = {max_age = 6}
"""


def visit(number: int, at: tuple[str, int], folder: Path, began: float) -> None:
    """Be one client, with a cache of its own; the same seconds and pages under each policy."""
    chance = random.Random(number)
    storage = SqliteStorage(database_path=str(folder / f"cache-{number}.db"))
    with requests.Session() as session:
        session.trust_env = False
        session.headers["User-Agent"] = f"Mozilla/5.0 (client {number})"
        session.mount("http://", CacheAdapter(storage=storage, rfc=CacheOptions(shared=False)))
        moment = 0.0
        while (moment := moment + chance.expovariate(1 / PAUSE)) < SECONDS:
            page = min(int(chance.paretovariate(0.7)), PAGES)
            time.sleep(max(0, began + moment - time.time()))
            session.get(f"http://{at[0]}:{at[1]}/page/{page}").raise_for_status()
    storage.close()


@pytest.mark.long
def test_the_simulation_predicts_what_another_policy_does(tmp_path: Path) -> None:
    began = time.time() + 4
    running, clients = [], []
    for name, configuration in (("a", CURRENT), ("b", LASTING)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "app.py").write_text(APP)
        (folder / "notmodified.toml").write_text(configuration)
        (folder / "began").write_text(str(began))
        arguments = ("-k", "gthread", "--threads", "8", "-c", "python:notmodified.gunicorn")
        running.append(Gunicorn(folder, *arguments, "--access-logfile", "access.log", "app"))
        running[-1].__enter__()
        clients += [
            threading.Thread(target=visit, args=(number, running[-1].address, folder, began))
            for number in range(CLIENTS)
        ]
    try:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    finally:
        for gunicorn in running:
            gunicorn.__exit__()
    config = Config.load(tmp_path / "b/notmodified.toml")
    predicted = analysed(tmp_path / "a/access.log", simulate=config)["simulation"]["after"]
    real = analysed(tmp_path / "b/access.log")["totals"]
    assert real["requests"] < 0.9 * analysed(tmp_path / "a/access.log")["totals"]["requests"]
    assert predicted["requests"] == pytest.approx(real["requests"], rel=0.05)
    assert predicted["not_modified"] == pytest.approx(real["by_status"]["304"]["requests"], rel=0.05)
    assert predicted["bytes"] == pytest.approx(real["bytes"], rel=0.05)
