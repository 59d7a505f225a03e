"""Streams are not held up: each chunk reaches the client before the application makes the next.

The application makes a chunk only after the client has confirmed the one before, so that a
middleware that waits for a second chunk waits forever. No clock decides, but for giving up.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import content
from kit.answer import new_id
from kit.in_process import Server, environ_of
from kit.over_socket import Connection
from notmodified import NotModified


def receive_signalled(site, path, shape, config, *fields, method="GET"):
    name = new_id()
    with Connection(site.running.address) as connection:
        named = [("X-Stack", f"{site.app}/{config}"), ("X-Request-Id", name), *fields]
        connection.send(method, f"{path}?shape={shape}&name={name}", named)
        for number in range(content.SIGNALS):
            connection.wait_for(f"data: {number} of {name}\n\n".encode())
            (content.files() / f"{name}-{number}").touch()


@pytest.mark.needs("socket", "streaming")
@pytest.mark.parametrize("shape", ["events", "chunks", "tagged", "dated"])
@pytest.mark.parametrize("config", ["default", "etag-content", "lasting", "take-over"])
def test_chunks_arrive_one_by_one(site, shape, config):
    receive_signalled(site, "/signalled", shape, config)


@pytest.mark.needs("socket", "streaming")
def test_a_declared_length_above_the_limit_is_no_reason_to_wait(site):
    # `small` has max_body = 50.
    assert content.signalled_length(new_id()) > 50
    receive_signalled(site, "/signalled", "declared", "small")


@pytest.mark.needs("socket", "streaming")
def test_a_precondition_is_no_reason_to_wait(site):
    receive_signalled(site, "/signalled", "events", "default", ("If-None-Match", '"other"'))
    receive_signalled(site, "/signalled", "tagged", "default", ("If-None-Match", '"other"'))


@pytest.mark.needs("socket", "streaming")
def test_an_event_stream_with_a_declared_length_is_not_waited_for(site):
    """Whoever declares it: the type says that its events are wanted at once."""
    receive_signalled(site, "/signalled", "declared-events", "default")


@pytest.mark.needs("socket", "streaming")
@pytest.mark.apps("plain")
@pytest.mark.parametrize("shape", ["events", "chunks", "tagged"])
def test_nor_is_a_generator_that_starts_late(site, shape):
    receive_signalled(site, "/signalled-late", shape, "default")


@pytest.mark.needs("socket", "streaming", "write")
@pytest.mark.apps("plain")
@pytest.mark.parametrize("shape", ["events", "chunks", "tagged"])
def test_nor_is_what_is_written(site, shape):
    receive_signalled(site, "/signalled-written", shape, "default")


chunk_lists = st.lists(st.binary(max_size=50), max_size=12)


def streaming(chunks, made, headers=()):
    """Make an application that streams these chunks and notes how many it has made."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), *headers])
        return generate()

    def generate():
        for chunk in chunks:
            made.append(chunk)
            yield chunk

    return NotModified(application)


@given(chunk_lists, st.sampled_from([(), (("ETag", '"x"'),), (("Content-Type", "text/event-stream"),)]))
def test_the_very_chunks_come_out_none_joined_none_dropped_none_early(chunks, headers):
    made = []
    server = Server(environ_of("GET", "/"))
    result = streaming(chunks, made, headers)(server.environ, server.start_response)
    received = []
    for chunk in result:
        received.append(chunk)
        assert made == received
    assert received == chunks


@given(chunk_lists, st.integers(-3, 3))
def test_a_declared_body_comes_out_whole_whatever_was_declared(chunks, off):
    declared = max(0, sum(map(len, chunks)) + off)
    server = Server(environ_of("GET", "/"))
    made = []
    headers = [("Content-Length", str(declared))]
    result = streaming(chunks, made, headers)(server.environ, server.start_response)
    body = b"".join(result)
    assert body[:declared] == b"".join(chunks)[:declared]
    if len(b"".join(chunks)) <= declared:
        assert body == b"".join(chunks)
