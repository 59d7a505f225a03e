"""The recipes against lost updates, under four Gunicorn workers."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunicorn_config.command import Gunicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

EXAMPLES = Path(__file__).parents[2] / "examples"
CLIENTS = 100


@pytest.fixture(params=["flask_locking:app", "drf_locking"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gunicorn]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'documents.db'}?timeout=30")
    monkeypatch.setenv("DATABASE", str(tmp_path / "documents.db"))
    arguments = ("--chdir", str(EXAMPLES), "--preload", "--workers", "4")
    with Gunicorn(tmp_path, *arguments, request.param) as running:
        yield running


def ask(server: Gunicorn, method: str, value: int | None = None, **fields: str) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    body = None if value is None else json.dumps({"value": value})
    headers = {name.replace("_", "-"): field for name, field in fields.items()}
    connection.request(method, "/documents/counter", body, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def increment(server: Gunicorn) -> int:
    """Count up as a client does: read, write if it is still that, else again a little later.

    Return how often it was told no.
    """
    for refused in range(1000):
        _, fields, body = ask(server, "GET")
        status, _, _ = ask(server, "PUT", json.loads(body)["value"] + 1, If_Match=fields["ETag"])
        if status == 204:
            return refused
        assert status == 412
        time.sleep(random.uniform(0, 0.05 * CLIENTS))
    raise AssertionError


def test_its_answers(server: Gunicorn) -> None:
    assert ask(server, "GET")[0] == 404
    assert ask(server, "PUT", 0)[0] == 428
    assert ask(server, "PUT", 0, If_Match="*")[0] == 412
    assert ask(server, "PUT", 0, If_None_Match="*")[0] == 201
    assert ask(server, "PUT", 0, If_None_Match="*")[0] == 412
    status, fields, body = ask(server, "GET")
    assert (status, fields["ETag"], json.loads(body)) == (200, '"1"', {"value": 0})
    assert ask(server, "GET", If_None_Match='"1"')[0] == 304
    assert ask(server, "PUT", 7, If_Match='"0"')[1]["ETag"] == '"1"'
    assert ask(server, "PUT", 7, If_Match='"1"')[1]["ETag"] == '"2"'
    assert json.loads(ask(server, "GET")[2]) == {"value": 7}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "server", ["flask_locking:app", pytest.param("drf_locking", marks=pytest.mark.long)], indirect=True
)
def test_a_hundred_clients_count_to_a_hundred(server: Gunicorn) -> None:
    assert ask(server, "PUT", 0, If_None_Match="*")[0] == 201
    told: list[int] = []
    threads = [threading.Thread(target=lambda: told.append(increment(server))) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == CLIENTS
    assert sum(told) > 0, "nobody was in another's way, so nothing is shown"
    assert json.loads(ask(server, "GET")[2]) == {"value": CLIENTS}
