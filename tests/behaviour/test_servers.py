"""What `kit.servers` says a server lacks, it lacks without the middleware; what it does not say, it has.

So no exception in that table can hide a defect of ours, and none outlives its reason.
"""

from __future__ import annotations

import json

import pytest

from apps import content
from kit.answer import new_id
from kit.over_socket import BadFramingError, Connection, OverSocket
from kit.servers import KINDS

WAIT = 1.5  # seconds, for what answers at once or never
BARE = [("X-Stack", "plain/bare"), ("X-Request-Id", "probe")]


def ask(server, path, stack="plain/bare", method="GET", *fields):
    """Ask on a connection of its own, wait not long, and check what follows the answer."""
    with OverSocket(server).connect() as connection:
        connection.socket.settimeout(WAIT)
        connection.send(method, path, [("X-Stack", stack), ("X-Request-Id", new_id()), *fields])
        answer = connection.read_head(method)
        connection.read_body(answer)
        connection.check()
        return answer


def keep_alive(server):
    """Whether the connection is kept after answers of every kind."""
    with Connection(server.address) as connection:
        for _ in range(2):
            connection.send("GET", "/no-content-at-all", BARE)
            connection.read_body(connection.read_head("GET"))
        return connection.open


def says_when_it_closes(server):
    """Whether an answer on a connection that is closed after it says so."""
    with Connection(server.address) as connection:
        connection.send("GET", "/page", BARE)
        connection.read_body(connection.read_head("GET"))
        connection.check()
        return True


def head_of_streams(server):
    return "Content-Length" not in ask(server, "/stream", "plain/bare-without-head-bodies", "HEAD")


def head_without_length(server):
    return "Content-Length" not in ask(server, "/page", "django/bare-without-head-bodies", "HEAD")


def bare_204(server):
    return "Content-Length" not in ask(server, "/no-content-at-all")


def answers_500(server):
    return ask(server, "/raise-at-once").status == 500


def close_may_fail(server):
    """Whether the answer is out by then, even if it has no body."""
    with Connection(server.address) as connection:
        connection.socket.settimeout(WAIT)
        connection.send("GET", "/raise-in-close-of-nothing", BARE)
        return connection.read_head("GET").status == 200


def late_error(server):
    """Whether a client can tell that a body broke off."""
    try:
        ask(server, "/raise-middle")
    except BadFramingError:
        return True
    return False


def leading_blanks(server):
    return ask(server, "/cookies", "django/bare").status == 200


def file_wrapper(server):
    """Whether there is one that wraps."""
    return ask(server, "/has-file-wrapper").body == b"1"


def can_write(server):
    return ask(server, "/write").status == 200


def repeated_dates(server):
    lines = [("If-Modified-Since", content.DATE), ("If-Modified-Since", content.DATE)]
    return (
        ","
        in json.loads(ask(server, "/echo", "plain/bare", "GET", *lines).body)["HTTP_IF_MODIFIED_SINCE"][6:]
    )


def streams(server):
    name = new_id()
    with Connection(server.address) as connection:
        connection.socket.settimeout(WAIT)
        connection.send("GET", f"/signalled?shape=events&name={name}", BARE)
        try:
            for number in range(content.SIGNALS):
                connection.wait_for(f"data: {number} of {name}\n\n".encode())
                (content.files() / f"{name}-{number}").touch()
        finally:
            for number in range(content.SIGNALS):
                (content.files() / f"{name}-{number}").touch()
    return True


PROBES = {
    "keep-alive": keep_alive,
    "says-when-it-closes": says_when_it_closes,
    "head-of-streams": head_of_streams,
    "head-without-length": head_without_length,
    "bare-204": bare_204,
    "500": answers_500,
    "close-may-fail": close_may_fail,
    "late-error": late_error,
    "values-that-begin-with-a-blank": leading_blanks,
    "file-wrapper": file_wrapper,
    "write": can_write,
    "repeated-dates": repeated_dates,
    "streaming": streams,
}
PROBED_ELSEWHERE = {"sendfile", "access-log", "socket", "wsgi"}


@pytest.mark.needs("socket", "wsgi")
@pytest.mark.parametrize("ability", PROBES)
def test_a_server_lacks_what_the_table_says_and_nothing_else(running, server_kind, ability):
    try:
        able = PROBES[ability](running(server_kind.name))
    except (BadFramingError, TimeoutError, ConnectionError):
        able = False
    assert able == (ability not in server_kind.lacks)


def test_every_lack_has_a_probe():
    for kind in KINDS.values():
        assert set(kind.lacks) <= set(PROBES) | PROBED_ELSEWHERE
