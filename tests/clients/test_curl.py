"""curl keeps a tag in a file, or goes by a file's time."""

from __future__ import annotations

import email.utils
import os
import subprocess

import pytest

from kit.answer import new_id
from kit.tools import require

WAYS = ["straight", "nginx", "nginx-gzip", "apache-deflate", "apache-brotli", "varnish-gzip"]


@pytest.fixture
def curl(tmp_path):
    """Run curl in a folder of its own; return the status it got."""
    path = require("curl")

    def run(*arguments):
        done = subprocess.run(
            [
                path,
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--write-out",
                "%{stderr}%{http_code}",
                *arguments,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        return int(done.stderr)

    return run


@pytest.mark.parametrize("way", WAYS)
def test_a_tag_that_curl_saved_gets_it_a_304_and_a_changed_page_whole(curl, tmp_path, origin, proxies, way):
    at = origin if way == "straight" else proxies(way)
    page = f"{at.url}/articles/who-decides?{new_id()}"
    get = ("--compressed", "--etag-save", "tag", "--etag-compare", "tag", "-o", "page", page)
    assert curl(*get) == 200
    first = (tmp_path / "page").read_text()
    for _ in range(2):  # It saves what the 304 says, and compares with that.
        assert curl(*get) == 304
        assert (tmp_path / "page").read_text() == first
    title = origin.edit("who-decides")
    assert curl(*get) == 200
    assert title in (tmp_path / "page").read_text()
    assert curl(*get) == 304


@pytest.mark.parametrize("way", ["straight", "nginx-gzip", "apache-deflate"])
def test_by_the_time_of_a_file_that_curl_has(curl, tmp_path, origin, proxies, way):
    at = origin if way == "straight" else proxies(way)
    file = tmp_path / "almanac"
    get = ("--remote-time", "-z", "almanac", "-o", "almanac", f"{at.url}/almanac.csv?{new_id()}")
    assert curl("--remote-time", "-o", "almanac", get[-1]) == 200
    whole = file.read_bytes()
    assert curl(*get) == 304
    assert file.read_bytes() == whole
    older = file.stat().st_mtime - 1
    os.utime(file, (older, older))
    assert curl(*get) == 200
    assert file.read_bytes() == whole


def test_by_a_date(curl, tmp_path, origin):
    url = f"{origin.url}/almanac.csv?{new_id()}"
    curl("--remote-time", "-o", "almanac", url)
    written = (tmp_path / "almanac").stat().st_mtime
    assert curl("-o", "again", "-z", email.utils.formatdate(written, usegmt=True), url) == 304
    assert curl("-o", "again", "-z", email.utils.formatdate(written - 1, usegmt=True), url) == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_look_at_the_head_says_what_a_get_would(curl, tmp_path, origin, proxies, way):
    at = origin if way == "straight" else proxies(way)
    url = f"{at.url}/articles/who-decides?{new_id()}"
    assert curl("-I", "-o", "head", url) == 200
    assert curl("-D", "head of get", "-o", "page", url) == 200
    tags = [
        [line for line in (tmp_path / name).read_text().splitlines() if line.lower().startswith("etag:")]
        for name in ("head", "head of get")
    ]
    assert tags[0] == tags[1] != []
    assert curl("-I", "-o", "head", "-H", f"If-None-Match: {tags[0][0].partition(': ')[2]}", url) == 304
