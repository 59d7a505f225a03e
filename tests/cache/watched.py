"""Readers and writers of a served site, and a watch over them: nothing stale may be confirmed.

The pages are those of `apps.versions`. Once somebody was told that a page has changed, no answer may confirm
what was there before, and nothing may answer 5xx, whatever is done to the servers meanwhile.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from apps import versions
from kit.redis_server import wait_until
from notmodified import EntityTag, StoreError, invalidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    Address = tuple[str, int]

TESTS = Path(__file__).parents[1]
PAGES = [f"page-{number}" for number in range(4)]


class Watch:
    """What was acknowledged, what was answered, and what was wrong."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.acknowledged = dict.fromkeys(PAGES, 0)
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.done = threading.Event()

    def acknowledge(self, page: str, number: int) -> None:
        with self.lock:
            self.acknowledged[page] = number
        self.count("written")

    def count(self, word: str) -> None:
        with self.lock:
            self.answers[word] += 1

    @contextlib.contextmanager
    def over(self, tasks: list[Callable[[], object]]) -> Iterator[None]:
        """Have each done by a thread of its own meanwhile; then nothing may have been wrong."""
        threads = [threading.Thread(target=task) for task in tasks]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.done.set()
            for thread in threads:
                thread.join()
        assert not self.wrong, self.wrong[:5]
        # It all happened, and not only in words.
        assert self.answers["remembered"] > 0, self.answers
        assert self.answers["written"] > 0, self.answers


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pages, for this process and the servers that it starts."""
    monkeypatch.setenv("VERSIONS_FOLDER", str(folder))
    monkeypatch.setattr(versions, "FOLDER", folder)
    for page in PAGES:
        versions.write(page, 0)


def ask(address: Address, method: str, page: str, body: bytes | None = None, **fields: str):
    """Return status, fields and content; None if the connection broke, as it does when a worker is killed."""
    connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        connection.request(method, f"/{page}", body, {"Host": "test.example", **fields})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def tag_of(number: int) -> str:
    return str(EntityTag.of(versions.content(number)))


def read(address: Address, watch: Watch) -> None:
    tags: dict[str, tuple[str, int]] = {}
    while not watch.done.is_set():
        page = random.choice(PAGES)
        known = [number for of, number in tags.values() if of == page]
        held = random.choice(sorted(known)[-3:]) if known else None
        fields = {} if held is None else {"If-None-Match": tag_of(held)}
        at_least = watch.acknowledged[page]
        answer = ask(address, "GET", page, **fields)
        if answer is None:
            watch.count("broken")
            continue
        status, headers, content = answer
        if status == 304:
            said = held
            assert said is not None
            word = "remembered" if "; hit" in headers.get("Cache-Status", "") else "304"
        elif status == 200:
            said = int(content.split()[1])
            tags[headers["ETag"]] = (page, said)
            word = "200"
        else:
            watch.wrong.append(f"{status} for {page}: {content!r}")
            continue
        watch.count(word)
        if said < at_least:
            watch.wrong.append(f"{word} {page}: {said} was confirmed after {at_least} was acknowledged")


def write(watch: Watch, page: str, settings: Mapping[str, object], address: Address | None = None) -> None:
    """Change one page, which nobody else does, and see that it is known: by PUT too, at an address."""
    number = 0
    while not watch.done.is_set():
        number += 1
        if address is not None and random.random() < 0.5:
            answer = ask(address, "PUT", page, b"%d" % number)
            if answer is None:
                watch.count("broken")
                continue  # It may have been written or not, and nobody was told.
            if answer[0] != 204:
                watch.wrong.append(f"{answer[0]} for a PUT")
                continue
        else:
            versions.write(page, number)
            if not tell(watch, page, settings):
                return
        watch.acknowledge(page, number)
        time.sleep(random.random() / 10)


def tell(watch: Watch, page: str, settings: Mapping[str, object]) -> bool:
    how = random.choice([{"target": f"/{page}"}, {"groups": [page]}, {"everything": True}])
    while not watch.done.is_set():
        with contextlib.suppress(StoreError):
            invalidate(**how, config=settings)
            return True
        watch.count("not told")
        time.sleep(0.05)
    return False


def is_remembered(address: Address, page: str) -> bool:
    """Tell whether the page as it is now is confirmed from memory."""
    fields = {"If-None-Match": tag_of(versions.read(page))}
    deadline = time.monotonic() + 10
    while (answer := ask(address, "GET", page, **fields)) is None:
        assert time.monotonic() < deadline
    return "; hit" in answer[1]["Cache-Status"]


def see_that_it_works(address: Address, settings: Mapping[str, object]) -> None:
    """See that the store remembers and forgets as before."""
    for page in PAGES:
        wait_until(lambda page=page: is_remembered(address, page))
        invalidate(f"/{page}", config=settings)
        assert not is_remembered(address, page)
