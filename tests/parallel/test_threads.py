"""One instance, many threads: each gets its own answer, and what is counted adds up to the last one.

`make test-parallel` runs each of these in four threads at once besides (pytest-run-parallel), and with them
the tests of tags, evaluation, Cache-Control and configuration.
"""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

from notmodified import CacheControl, Config, Decision, EntityTag, NotModified, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 8
ROUNDS = 200
# Beyond some hundred KiB other threads run while a body is hashed.
BODIES = [
    bytes([65 + number]) * size for number, size in enumerate((0, 1, 2000, 100_000, 400_000, 1_000_000))
]
TAGS = [str(EntityTag.of(body)) for body in BODIES]


def together(work: Callable[[int], None], *, threads: int = THREADS) -> None:
    """Let each thread do the work, none before all are there; raise what one of them raises."""
    ready = threading.Barrier(threads)

    def start(number: int) -> None:
        ready.wait(30)
        work(number)

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(start, number) for number in range(threads)]:
            done.result(60)


def ask(application: Callable[..., Any], **environ: Any) -> tuple[str, dict[str, str], bytes]:
    heads: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
        heads.append((status, dict(headers)))
        return written.append

    written: list[bytes] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}
    result = application(environ, start_response)
    try:
        body = b"".join([*written, *result])
    finally:
        if hasattr(result, "close"):
            result.close()
    ((status, headers),) = heads
    return status, headers, body


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> object:
    """Answer with the body of that number, in one of the ways there are."""
    number = int(environ["PATH_INFO"][1:])
    body = BODIES[number]
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    write = start_response("200 OK", headers)
    shape = environ.get("shape", "list")
    if shape == "list":
        return [body]
    if shape == "pieces":
        return [body[:7], body[7:]]
    if shape == "stream":
        return (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    write(body)
    return []


def test_each_thread_gets_its_own_answer_and_the_counts_add_up():
    wrapped = NotModified(application)
    shapes = ["list", "pieces", "stream"]

    def work(thread: int) -> None:
        for turn in range(ROUNDS // 4):
            number = (thread + turn) % len(BODIES)
            environ = {"PATH_INFO": f"/{number}", "shape": shapes[turn % 3]}
            status, headers, body = ask(wrapped, **environ)
            assert (status, headers["ETag"], body) == ("200 OK", TAGS[number], BODIES[number])
            status, headers, body = ask(wrapped, **environ, HTTP_IF_NONE_MATCH=TAGS[number])
            assert (status, headers, body) == ("304 Not Modified", {"ETag": TAGS[number]}, b"")
            status, _, _ = ask(wrapped, **environ, HTTP_IF_NONE_MATCH=TAGS[number - 1])
            assert status == "200 OK"
            status, _, _ = ask(wrapped, **environ, HTTP_IF_MATCH=TAGS[number - 1])
            assert status == "412 Precondition Failed"

    together(work)
    stats = wrapped.stats()
    each = THREADS * (ROUNDS // 4)
    expected = {"requests": 4 * each, "tags_made": 4 * each}
    expected |= dict.fromkeys(("unconditional", "not_modified", "modified", "failed"), each)
    expected |= dict.fromkeys(("partial", "unsatisfiable", "required", "unavailable", "passed"), 0)
    expected |= dict.fromkeys(("remembered", "without_app"), 0)
    expected |= dict.fromkeys(("app", "bypass", "errors", "ill_formed_tags", "narrowed"), 0)
    saved = stats.pop("bytes_not_sent")
    assert stats == expected
    assert saved == sum(
        len(BODIES[(thread + turn) % len(BODIES)]) for thread in range(THREADS) for turn in range(ROUNDS // 4)
    )


def test_no_count_is_lost_however_quick_the_requests():
    def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("ETag", '"a"'), ("Content-Length", "5")])
        return [b"hello"]

    wrapped = NotModified(hello)

    def work(thread: int) -> None:
        for _ in range(10 * ROUNDS):
            ask(wrapped, HTTP_IF_NONE_MATCH='"a"')

    together(work)
    stats = wrapped.stats()
    count = THREADS * 10 * ROUNDS
    assert (stats["requests"], stats["not_modified"]) == (count, count)
    assert stats["bytes_not_sent"] == 5 * count


def test_stats_can_be_read_while_requests_run():
    wrapped = NotModified(application)

    def work(thread: int) -> None:
        seen = 0
        for _ in range(ROUNDS):
            if thread % 2:
                now = wrapped.stats()["requests"]
                assert now >= seen
                seen = now
            else:
                ask(wrapped, PATH_INFO="/2")

    together(work)
    assert wrapped.stats()["requests"] == THREADS // 2 * ROUNDS


def test_files_that_change_are_never_answered_with_a_tag_of_other_content(tmp_path: Path):
    """The tags of files are remembered, one memory for all threads."""
    # One for each of the threads that run this at once.
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    names = [folder / f"{number}" for number in range(4)]
    for name in names:
        name.write_bytes(b"first " + name.name.encode())

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> object:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](open(environ["file"], "rb"), 64 * 1024)  # noqa: PTH123 - a view's way

    wrapped = NotModified(serve)
    more = folder / "more"

    def work(thread: int) -> None:
        for turn in range(ROUNDS // 4):
            name = names[(thread + turn) % len(names)]
            if thread == 0:
                # Replaced, as deployments do it: what was opened before stays as it was.
                more.write_bytes(f"{turn} ".encode() * (turn + 1))
                more.replace(name)
            environ = {"file": str(name), "wsgi.file_wrapper": FileWrapper}
            status, headers, body = ask(wrapped, **environ)
            assert status == "200 OK"
            # None where it was replaced while it was read: its ctime is another then.
            assert headers.get("ETag") in (None, str(EntityTag.of(body)))
            assert headers["Content-Length"] == str(len(body))

    together(work)
    assert wrapped.stats()["errors"] == 0


def test_a_head_that_another_thread_changes_is_sent_as_it_was_or_as_it_is():
    """Applications may keep one list of headers for all their answers, and change it."""
    shared = [("Content-Type", "text/plain"), ("X-Number", "0")]

    def sloppy(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        shared[1] = ("X-Number", environ["number"])
        shared.append(("X-More", "1"))
        start_response("200 OK", shared)
        shared.pop()
        return [BODIES[4]]

    wrapped = NotModified(sloppy)

    def work(thread: int) -> None:
        for turn in range(ROUNDS // 8):
            status, headers, body = ask(wrapped, number=str(turn))
            assert (status, body, headers["ETag"]) == ("200 OK", BODIES[4], TAGS[4])

    together(work)
    assert wrapped.stats()["errors"] == 0


def test_values_are_shared_by_threads():
    tag = EntityTag.parse('W/"a"')
    directives = CacheControl.parse("public, max-age=60, x=y")
    config = Config(policy=[{"path": "/{a}/**", "cache_control": "no-store"} for _ in range(50)])
    environ = {"REQUEST_METHOD": "GET", "HTTP_IF_NONE_MATCH": '"b", "a"'}

    def work(thread: int) -> None:
        for turn in range(ROUNDS):
            assert evaluate(environ, etag=tag) is Decision.NOT_MODIFIED
            assert EntityTag.of(BODIES[turn % 4]) == EntityTag.parse(TAGS[turn % 4])
            assert str(directives) == "public, max-age=60, x=y"
            assert hash(tag) == hash(EntityTag.parse('W/"a"'))
            assert config.explain(f"/{thread}/{turn}")[0] == "applies"
            assert CacheControl.parse(str(directives)) == directives

    together(work)


def test_policies_are_matched_by_many_threads_at_once():
    """Each thread has its own cache of the automaton."""
    policy = [{"path": f"/{number}/**", "cache_control": f"max-age={number}"} for number in range(200)]

    def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("ETag", '"a"')])
        return [b"hello"]

    wrapped = NotModified(hello, policy=policy)

    def work(thread: int) -> None:
        for turn in range(ROUNDS):
            number = (31 * thread + turn) % 200
            _, headers, _ = ask(wrapped, PATH_INFO=f"/{number}/x/{turn}")
            assert headers["Cache-Control"] == f"max-age={number}"

    together(work)
