"""wget -N fetches what is newer than its file, by If-Modified-Since."""

from __future__ import annotations

import os
import subprocess

import pytest

from kit.answer import new_id
from kit.tools import require

DATE = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.fixture
def wget(tmp_path):
    """Run wget in a folder of its own; return what it says."""
    path = require("wget")

    def run(url):
        done = subprocess.run(
            [path, "--no-config", "--no-proxy", "--tries=1", "--timestamping", url],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
            env={**os.environ, "LC_ALL": "C"},
        )
        return done.stderr

    return run


@pytest.mark.parametrize("way", ["straight", "nginx-gzip", "apache-deflate", "varnish"])
def test_a_file_is_fetched_again_when_it_is_newer_and_not_before(
    wget, tmp_path, served_files, origin, proxies, way
):
    at = origin if way == "straight" else proxies(way)
    almanac = served_files / "site" / "almanac.csv"
    target = f"/almanac.csv?{new_id()}"
    mine = tmp_path / target[1:]
    os.utime(almanac, (DATE, DATE))
    assert "200 OK" in wget(at.url + target)
    assert mine.read_bytes() == almanac.read_bytes()
    assert "304 Not Modified" in wget(at.url + target)
    asked = origin.seen(target, 2)
    assert asked[0].if_modified_since is None
    if way != "varnish":  # It keeps the date to itself, and compares.
        assert asked[1].if_modified_since is not None
        assert (asked[1].status, asked[1].result) == (304, "not-modified")

    almanac.write_bytes(almanac.read_bytes() + b"another day\n")
    os.utime(almanac, (DATE + 1, DATE + 1))
    assert "200 OK" in wget(at.url + target)
    assert mine.read_bytes() == almanac.read_bytes()
    assert "304 Not Modified" in wget(at.url + target)
