"""What Gunicorn's workers make of applications that send content where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kit.proxies import Origin
from kit.servers import ServerKind, start
from notmodified.check import judge
from notmodified.check.live import Options, record_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Such as compare If-None-Match as text.
NAIVE = {"weak-form-ignored", "list-misread", "star-ignored", "if-match-ignored"}
TOLD = {
    ("sync", "body-in-304"): NAIVE | {"content-fields-in-304"},
    ("sync", "empty-file"): {"not-http", "validator-ignored", "if-match-ignored"},
    # It answers 500 to a 304 with content, and sends that of HEAD.
    ("gevent_pywsgi", "body-in-304"): NAIVE | {"not-http", "precondition-breaks"},
    ("gevent_pywsgi", "nobody-judges"): {"not-http", "validator-ignored", "if-match-ignored"},
    # It closes in place of an answer with content where there is none.
    ("tornado", "body-in-304"): NAIVE | {"unreachable", "precondition-breaks"},
    ("tornado", "nobody-judges"): {"unreachable", "validator-ignored", "if-match-ignored"},
    **{(worker, "healthy"): set() for worker in ("sync", "gevent_pywsgi", "tornado")},
}


@pytest.fixture(scope="module")
def of_worker(served_files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Origin]]:
    """Give the origin under a worker class, started when it is first asked for."""
    running: dict[str, Origin] = {}

    def get(worker: str) -> Origin:
        if worker not in running:
            kind = ServerKind("origin", ("origin", "-k", worker))
            running[worker] = Origin(start(kind, tmp_path_factory.mktemp(worker), {}))
        return running[worker]

    yield get
    for origin in running.values():
        origin.server.stop()


@pytest.mark.parametrize(("worker", "name"), TOLD)
def test_what_a_worker_makes_of_it(of_worker, worker: str, name: str) -> None:
    (page,) = judge(record_urls([f"{of_worker(worker).url}/gallery/{name}/page"], Options()))["pages"]
    assert {finding["id"] for finding in page["findings"]} == TOLD[worker, name]
