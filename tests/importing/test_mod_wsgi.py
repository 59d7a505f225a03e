"""Under mod_wsgi in a real Apache: in the main interpreter it works, in others the log says what to set."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

import notmodified
from kit.over_socket import Connection
from kit.ports import free_port
from kit.proxies import APACHE_MODULES, fill_in, launch
from kit.tools import require, require_file
from notmodified import EntityTag

SITE = """
from notmodified import NotModified

def site(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/file":
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))
    return [repr((environ["mod_wsgi.process_group"], environ["mod_wsgi.application_group"])).encode()]

application = NotModified(site)
"""
WHAT_TO_SET = "under mod_wsgi set WSGIApplicationGroup %{GLOBAL}"
STARTS_WITHIN = 20


class Apache:
    def __init__(self, folder):
        self.folder = folder
        self.address = ("127.0.0.1", free_port())

    def ask(self, path, *requests):
        """Ask one after the other on one connection, so that each answer must be framed right."""
        answers = []
        with Connection(self.address) as connection:
            for method, *fields in requests:
                connection.send(method, path, fields)
                answer = connection.read_head(method)
                connection.read_body(answer)
                answers.append(answer)
        return answers

    def waits_for(self, happened):
        deadline = time.monotonic() + STARTS_WITHIN
        while not happened():
            if time.monotonic() > deadline:
                output = "".join(log.read_text(errors="replace") for log in self.folder.glob("*.log"))
                raise AssertionError(output[-3000:])
            time.sleep(0.05)

    def answers(self):
        try:
            self.ask("/embedded/", ["GET"])
        except OSError:
            return False
        return True

    def logged(self):
        return (self.folder / "error.log").read_text(errors="replace")


@pytest.fixture(scope="module")
def apache():
    program = require("apache2")
    require_file(f"{APACHE_MODULES}/mod_wsgi.so", "libapache2-mod-wsgi-py3")
    # Where pytest has its folders, an Apache that root started cannot read.
    folder = Path(tempfile.mkdtemp(prefix="notmodified-mod_wsgi-"))
    folder.chmod(0o755)
    process = None
    try:
        (folder / "site").mkdir()
        shutil.copytree(Path(notmodified.__file__).parent, folder / "site" / "notmodified")
        (folder / "site" / "site.wsgi").write_text(SITE)
        server = Apache(folder)
        places = {"address": "{}:{}".format(*server.address)}
        configuration = fill_in(Path(__file__).with_name("mod_wsgi.conf"), "apache2", folder, places)
        process = launch(folder, program, "-DFOREGROUND", "-f", str(configuration))
        server.waits_for(server.answers)
        yield server
    finally:
        if process:
            # Asked kindly, it waits 10 s for a process that has had two interpreters, whatever ran in them.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(("path", "group"), [("/embedded/", ""), ("/daemon/", "site")])
def test_in_the_main_interpreter_pages_have_their_tags_and_their_304s(apache, path, group):
    page = repr((group, "")).encode()
    has = ("If-None-Match", str(EntityTag.of(page)))
    got, confirmed, looked_at, again = apache.ask(path, ["GET"], ["GET", has], ["HEAD"], ["GET"])
    assert (got.status, got.body, got["ETag"]) == (200, page, has[1])
    assert (confirmed.status, confirmed["ETag"]) == (304, has[1])
    assert not confirmed.names() & {"content-length", "content-type", "transfer-encoding"}
    assert (looked_at.status, looked_at["ETag"]) == (200, has[1])
    assert again.body == page


@pytest.mark.parametrize("path", ["/embedded/file", "/daemon/file"])
def test_in_the_main_interpreter_files_have_the_tag_of_their_content(apache, path):
    tag = str(EntityTag.of(SITE.encode()))
    got, confirmed, looked_at = apache.ask(path, ["GET"], ["GET", ("If-None-Match", tag)], ["HEAD"])
    assert (got.status, got.body, got["ETag"]) == (200, SITE.encode(), tag)
    assert confirmed.status == 304
    assert looked_at["Content-Length"] == got["Content-Length"] == str(len(SITE))


@pytest.mark.parametrize("path", ["/interpreter/", "/daemon-interpreter/"])
def test_in_another_interpreter_the_log_says_what_to_set(apache, path):
    before = apache.logged().count(WHAT_TO_SET)
    (refused,) = apache.ask(path, ["GET"])
    assert refused.status == 500
    apache.waits_for(lambda: apache.logged().count(WHAT_TO_SET) > before)
