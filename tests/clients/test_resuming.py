"""Downloads that were broken off, resumed by curl, wget and a client that knows If-Range."""

from __future__ import annotations

import os
import random
import subprocess

import pytest

from kit.answer import new_id
from kit.over_socket import Connection
from kit.servers import KINDS
from kit.tools import require

LENGTH = 300_000
OLD, NEW = b"old!" * (LENGTH // 4), b"new!" * (LENGTH // 4)
HAD = 100_000


@pytest.fixture
def server(running, served_files):
    """A Gunicorn that serves `resumed.bin`."""
    (served_files / "resumed.bin").write_bytes(OLD)
    kind = KINDS["gunicorn-gthread"]
    return running(kind.name)


@pytest.fixture
def target(served_files):
    return served_files / "resumed.bin"


@pytest.fixture
def mine(tmp_path):
    """What is there of a download that was broken off."""
    part = tmp_path / "resumed.bin"
    part.write_bytes(OLD[:HAD])
    return part


def url_of(server):
    return "http://{}:{}/file?name=resumed.bin".format(*server.address)


def named():
    return [("X-Stack", "plain/default"), ("X-Request-Id", new_id())]


def run(server, mine, *command):
    path = require(command[0])
    fields = [f"{name}: {value}" for name, value in named()]
    headers = [f"--header={field}" if command[0] == "wget" else f"-H{field}" for field in fields]
    return subprocess.run(
        [path, *command[1:], *headers, url_of(server)],
        cwd=mine.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "LC_ALL": "C", "no_proxy": "*"},
    )


def curl(server, mine, *arguments):
    return run(server, mine, "curl", "-sS", "--dump-header", "head", "-o", mine.name, *arguments)


def wget(server, mine):
    return run(server, mine, "wget", "--no-config", "--tries=1", "-S", "-c", "-O", mine.name)


def head(mine):
    return (mine.parent / "head").read_text()


def test_curl_gets_a_part(server, mine):
    assert curl(server, mine, "-r", "10-19").returncode == 0
    assert mine.read_bytes() == OLD[10:20]
    assert "206 Partial Content" in head(mine)
    assert curl(server, mine, "-r", "0-1,100-101").returncode == 0
    assert "multipart/byteranges" in head(mine)
    assert mine.read_bytes().count(b"Content-Range: bytes ") == 2


def test_curl_resumes(server, mine):
    assert curl(server, mine, "-C", "-").returncode == 0
    assert mine.read_bytes() == OLD
    assert f"Content-Range: bytes {HAD}-{LENGTH - 1}/{LENGTH}" in head(mine)
    assert curl(server, mine, "-C", "-").returncode == 0  # It is all there: 416.
    assert "416 Range Not Satisfiable" in head(mine)
    assert mine.read_bytes() == OLD


def test_curl_with_the_tag_never_has_a_mixture(server, mine, target):
    curl(server, mine, "--etag-save", "tag")
    tag = (mine.parent / "tag").read_text().strip()
    mine.write_bytes(OLD[:HAD])
    assert curl(server, mine, "-C", "-", "-H", f"If-Range: {tag}").returncode == 0
    assert mine.read_bytes() == OLD
    mine.write_bytes(OLD[:HAD])
    target.write_bytes(NEW)
    assert curl(server, mine, "-C", "-", "-H", f"If-Range: {tag}").returncode == 33
    assert mine.read_bytes() == OLD[:HAD]
    mine.unlink()
    assert curl(server, mine).returncode == 0
    assert mine.read_bytes() == NEW


def test_wget_resumes(server, mine):
    done = wget(server, mine)
    assert "206 Partial Content" in done.stderr
    assert mine.read_bytes() == OLD
    done = wget(server, mine)
    assert "The file is already fully retrieved; nothing to do." in done.stderr
    assert mine.read_bytes() == OLD


def test_neither_sends_if_range_of_itself(server, mine, target):
    """So the documentation warns, and nothing that a server does could help."""
    target.write_bytes(NEW)
    assert curl(server, mine, "-C", "-").returncode == 0
    assert mine.read_bytes() == OLD[:HAD] + NEW[HAD:]
    mine.write_bytes(OLD[:HAD])
    wget(server, mine)
    assert mine.read_bytes() == OLD[:HAD] + NEW[HAD:]


def test_whoever_sends_if_range_never_has_a_mixture(server, target):
    """A client that loses its connection again and again, while somebody replaces the file now and then."""
    versions = [bytes([number]) * LENGTH for number in range(1, 30)]
    dice = random.Random(4)
    for _ in range(20):
        write(target, dice.choice(versions))
        had, tag, restarts = b"", "", 0
        while len(had) < LENGTH:
            fields = [("Range", f"bytes={len(had)}-"), ("If-Range", tag)] if had else []
            answer, octets = broken_off(server, fields, after=dice.randrange(20_000, 150_000))
            if answer.status == 200:
                restarts += bool(had)
                had = b""
            else:
                assert answer["Content-Range"] == f"bytes {len(had)}-{LENGTH - 1}/{LENGTH}"
                assert answer["ETag"] == tag
            had, tag = had + octets, answer["ETag"]
            if restarts < 3 and dice.random() < 0.4:
                write(target, dice.choice(versions))
        assert had in versions


def write(target, octets):
    """As deployments do it: aside, and renamed over."""
    aside = target.with_suffix(".new")
    aside.write_bytes(octets)
    aside.replace(target)


def broken_off(server, fields, after):
    """Ask, and go away after so many octets of the answer's body; return its head and them."""
    with Connection(server.address) as connection:
        connection.send("GET", "/file?name=resumed.bin", [*named(), *fields])
        answer = connection.read_head("GET")
        wanted = min(after, int(answer["Content-Length"]))
        octets = connection.unread
        while len(octets) < wanted:
            octets += connection.socket.recv(wanted - len(octets))
        return answer, octets[:wanted]
