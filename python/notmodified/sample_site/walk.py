"""The visitor's walk through the sample site, and what it saved.

Everything that is told here was seen by the client or logged by Gunicorn; nothing is computed from what
ought to happen. Each step says what it expects, so a walk is a test of the whole arrangement as well.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from notmodified.sample_site.client import Exchange, Visitor

_CONNECTIONS = 200
# Both streams of the site send four pieces, at least 50 ms apart.
_PIECES = 4
_SPREAD_SECONDS = 0.1
_ARTICLE = "/api/articles/304-is-not-an-error"


@dataclass(frozen=True)
class Step:
    """One step of the walk: why it is taken, what came, and what was wrong with that."""

    title: str
    exchange: Exchange
    remark: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Saving:
    """What one 304 did not send: the difference to the last whole answer to the same request."""

    path: str
    whole: int
    not_modified: int

    @property
    def saved(self) -> int:
        """Bytes on the wire that were not needed."""
        return self.whole - self.not_modified


class Walk:
    """The visitor's way through the site, step by step, and what it saved."""

    def __init__(self, visitor: Visitor) -> None:
        """Prepare the walk; `steps()` takes it."""
        self._visitor = visitor
        self._whole: dict[str, Exchange] = {}
        self.steps_taken: list[Step] = []
        self.savings: list[Saving] = []

    @property
    def problems(self) -> list[str]:
        """What was not as it should be, each with the step it happened in."""
        return [f"{step.title}: {problem}" for step in self.steps_taken for problem in step.problems]

    def steps(self) -> Iterator[Step]:
        """Take the walk."""
        page = yield from self._first("/", "A first visit")
        yield from self._again(page, "The same page again, with the tag it came with")
        api = yield from self._first("/api/articles", "The same articles from the JSON API")
        yield from self._again(api, "The API again")

        yield from self._edit()
        page = yield from self._changed(page, "The page after the edit, with the old tag")
        yield from self._changed(api, "The API after the edit, with the old tag")
        yield from self._again(page, "The page once more, with the new tag")
        yield from self._head(page)
        yield from self._failed_precondition(page)

        almanac = yield from self._first("/almanac.csv", "A download through wsgi.file_wrapper")
        yield from self._again(almanac, "The download again")
        yield from self._stream("/export.ndjson", "A streamed answer", "no piece waited for another")
        yield from self._stream("/events?count=4", "Server-sent events", "each event came when it happened")
        yield from self._other_worker(page)
        yield from self._remembered()

    def _take(
        self, title: str, exchange: Exchange, expected: tuple[int, str], remark: str = "", **wrong: bool
    ) -> Iterator[Step]:
        """Check one step and hand it out; the names in `wrong` say what went wrong where they are true."""
        problems = [text.replace("_", " ") for text, is_wrong in wrong.items() if is_wrong]
        seen = (exchange.status, exchange.result)
        if seen != expected:
            problems.insert(
                0, f"expected {expected[0]} {expected[1]}, got {seen[0]} {seen[1] or '(not logged)'}"
            )
        if exchange.status == http.client.NOT_MODIFIED and exchange.path in self._whole:
            whole = self._whole[exchange.path].bytes_received
            self.savings.append(Saving(exchange.path, whole, exchange.bytes_received))
        elif exchange.method == "GET" and exchange.status == http.client.OK:
            self._whole[exchange.path] = exchange
        step = Step(title, exchange, remark, tuple(problems))
        self.steps_taken.append(step)
        yield step

    def _first(self, path: str, title: str) -> Generator[Step, None, Exchange]:
        exchange = self._visitor.ask("GET", path)
        yield from self._take(
            title,
            exchange,
            (200, "unconditional"),
            f"it came with ETag: {exchange.etag}, made from its content",
            the_answer_has_no_strong_entity_tag=not exchange.etag.startswith('"'),
            the_answer_has_no_body=not exchange.body,
            the_answer_lacks_its_policy_s_Cache_Control="no-cache" not in (_cache_control(exchange) or ""),
        )
        return exchange

    def _again(self, known: Exchange, title: str) -> Iterator[Step]:
        exchange = self._visitor.ask("GET", known.path, {"If-None-Match": known.etag})
        yield from self._take(
            title,
            exchange,
            (304, "not-modified"),
            f"{known.bytes_received:,} bytes became {exchange.bytes_received:,}",
            the_304_has_a_body=bool(exchange.body),
            the_304_describes_a_body="content-length" in exchange.fields or "content-type" in exchange.fields,
            the_304_has_another_tag=exchange.etag != known.etag,
            the_304_has_another_Cache_Control=_cache_control(exchange) != _cache_control(known),
        )

    def _edit(self, title: str = "304 is not an error, it is a saving") -> Iterator[Step]:
        change = json.dumps({"title": title}).encode()
        exchange = self._visitor.ask("PUT", _ARTICLE, {"Content-Type": "application/json"}, change)
        yield from self._take(
            "Somebody edits an article", exchange, (200, "bypass"), "a write: the middleware stands aside"
        )

    def _changed(self, known: Exchange, title: str) -> Generator[Step, None, Exchange]:
        exchange = self._visitor.ask("GET", known.path, {"If-None-Match": known.etag})
        yield from self._take(
            title,
            exchange,
            (200, "modified"),
            f"the content is new, and so is its tag: {exchange.etag}",
            the_tag_is_the_old_one=exchange.etag == known.etag,
            the_content_is_the_old_one=exchange.body == known.body,
        )
        return exchange

    def _head(self, known: Exchange) -> Iterator[Step]:
        exchange = self._visitor.ask("HEAD", known.path)
        yield from self._take(
            "HEAD: the head of the page alone",
            exchange,
            (200, "unconditional"),
            "the same tag and length as GET's, and no body",
            it_has_a_body=bool(exchange.body),
            its_tag_is_not_that_of_GET=exchange.etag != known.etag,
            its_length_is_not_that_of_GET=exchange.fields.get("content-length") != str(len(known.body)),
        )

    def _failed_precondition(self, known: Exchange) -> Iterator[Step]:
        exchange = self._visitor.ask("GET", known.path, {"If-Match": '"a-tag-from-elsewhere"'})
        yield from self._take(
            "If-Match with a tag that the page does not have",
            exchange,
            (412, "failed"),
            "precondition failed, and nobody got the wrong page",
            the_page_was_sent_all_the_same=known.body in exchange.body,
        )

    def _stream(self, path: str, title: str, remark: str) -> Iterator[Step]:
        exchange = self._visitor.ask("GET", path)
        first, last = (exchange.arrivals or (0.0,))[0], (exchange.arrivals or (0.0,))[-1]
        count = len(exchange.arrivals)
        times = f"the first after {first * 1e3:.1f} ms, the last after {last * 1e3:.0f} ms"
        yield from self._take(
            title,
            exchange,
            (200, "bypass"),
            f"{count} pieces, {times}: {remark}",
            it_came_in_one_piece=count < _PIECES,
            the_first_piece_waited_for_the_last=last - first < _SPREAD_SECONDS,
        )

    def _other_worker(self, known: Exchange) -> Iterator[Step]:
        """Ask on new connections until another worker answers: its tag has to be the same."""
        for _ in range(_CONNECTIONS):
            self._visitor.close()
            exchange = self._visitor.ask("GET", known.path, {"If-None-Match": known.etag})
            if exchange.worker != known.worker:
                break
        yield from self._take(
            "The page from the other worker process",
            exchange,
            (304, "not-modified"),
            f"made by {known.worker}, confirmed by {exchange.worker}: the same content has the same tag",
            no_other_worker_answered=exchange.worker == known.worker,
            its_tag_is_another=exchange.etag != known.etag,
        )

    def _remembered(self) -> Iterator[Step]:
        """Ask for the page of which the site says that it holds, and see whether its view runs."""
        page = yield from self._first("/report", "A page that takes its time to be made")
        yield from self._from_memory(page, "Is it still good? The validator cache knows")
        for _ in range(_CONNECTIONS):
            self._visitor.close()
            if self._visitor.ask("GET", "/").worker != page.worker:
                break
        yield from self._from_memory(page, "The other worker knows it too")
        yield from self._edit("304 saves the work as well")
        yield from self._changed(page, "The report after the edit, which ended what was stored")

    def _from_memory(self, known: Exchange, title: str) -> Iterator[Step]:
        runs = self._report_runs()
        exchange = self._visitor.ask("GET", known.path, {"If-None-Match": known.etag})
        ran = self._report_runs() - runs
        took = (
            f"{(known.server_seconds or 0) * 1e3:.1f} ms became {(exchange.server_seconds or 0) * 1e3:.2f} ms"
        )
        yield from self._take(
            title,
            exchange,
            (304, "remembered"),
            f"{took} by {exchange.worker}; the view has run {runs} time{'' if runs == 1 else 's'}, as before",
            the_view_ran=ran != 0,
            the_304_has_another_tag=exchange.etag != known.etag,
            it_does_not_say_how_old_it_is="age" not in exchange.fields,
        )

    def _report_runs(self) -> int:
        runs: int = json.loads(self._visitor.ask("GET", "/report/runs").body)["runs"]
        return runs


def _cache_control(exchange: Exchange) -> str | None:
    return exchange.fields.get("cache-control")
