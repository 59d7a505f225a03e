"""The server still uses sendfile: seen from outside the process, by its system calls."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gunicorn_config.command import Gunicorn
from kit.tools import require

SIZE = 100_000


class Trace:
    """What a process calls while the block runs."""

    def __init__(self, process, folder):
        self.output = folder / f"trace-{time.monotonic_ns()}"
        self.process = process

    def __enter__(self):
        command = [require("strace"), "-f", "-e", "trace=sendfile", "-o", self.output]
        self.strace = subprocess.Popen([*command, "-p", str(self.process)], stderr=subprocess.PIPE)
        # Said once it has been stopped; that it has a tracer shows earlier, while it still runs untraced.
        said = self.strace.stderr.readline()
        assert b" attached" in said, said
        return self

    def __exit__(self, *exc):
        # The client can have everything before the call that sent it has returned and is written down.
        deadline = time.monotonic() + 10
        while "(sleeping)" not in Path(f"/proc/{self.process}/status").read_text(encoding="ascii"):
            assert time.monotonic() < deadline, "it never waits for the next request"
            time.sleep(0.01)
        os.kill(self.strace.pid, signal.SIGINT)
        self.strace.communicate(timeout=10)

    def sent(self):
        """Return how many octets the calls have sent."""
        return sum(int(n) for n in re.findall(r"sendfile\(.*= (\d+)", self.output.read_text()))


@pytest.mark.needs("socket", "sendfile")
def test_a_file_goes_out_by_sendfile_with_its_tag(site):
    path = f"/file?length={SIZE}"
    site.get(path)
    with Trace(site.running.worker, site.running.folder) as trace:
        answer = site.get(path)
        assert len(answer.body) == SIZE
        assert "ETag" in answer
    assert trace.sent() == SIZE


@pytest.mark.needs("socket", "sendfile")
def test_not_an_octet_is_sent_with_a_304_or_for_head(site):
    path = f"/file?length={SIZE}"
    tag = site.get(path)["ETag"]
    with Trace(site.running.worker, site.running.folder) as trace:
        assert site.get(path, ("If-None-Match", tag)).status == 304
        assert site.head(path).status == 200
    assert trace.sent() == 0


@pytest.mark.needs("socket", "sendfile")
@pytest.mark.apps("plain", "flask")
def test_a_range_goes_out_by_sendfile_and_no_more_than_that(site):
    path = f"/file?length={SIZE}"
    whole = site.get(path)
    with Trace(site.running.worker, site.running.folder) as trace:
        answer = site.get(path, ("Range", "bytes=1000-50999"), ("If-Range", whole["ETag"]))
        assert (answer.status, answer.body) == (206, whole.body[1000:51000])
    assert trace.sent() == 50_000


@pytest.mark.needs("socket", "sendfile")
@pytest.mark.apps("flask")
def test_flasks_own_range_is_left_to_flask(site):
    """It comes wrapped, so that there is no sendfile with or without us."""
    answer = site.get("/send-file", ("Range", "bytes=10-19"))
    assert answer.status == 206
    assert answer["Content-Length"] == "10"


DJANGO = """
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, LOGGING_CONFIG=None,
    MIDDLEWARE=["notmodified.django.NotModifiedMiddleware"], NOTMODIFIED="notmodified.toml",
)
from django.core.wsgi import get_wsgi_application
urlpatterns = []
application = get_wsgi_application()
"""
WRAPPER = "notmodified:wrap('wsgiref.simple_server:demo_app', config='notmodified.toml')"


@pytest.mark.parametrize("application", [WRAPPER, "django_page:application"], ids=["wrapper", "django-class"])
def test_a_static_file_that_we_serve_goes_out_by_sendfile(tmp_path, application):
    (tmp_path / "static").mkdir()
    content = os.urandom(SIZE)
    (tmp_path / "static/big.bin").write_bytes(content)
    (tmp_path / "notmodified.toml").write_text('assets = { "/static/" = "static/", serve = true }')
    (tmp_path / "django_page.py").write_text(DJANGO)
    with Gunicorn(tmp_path, application) as server:
        answer = server.ask("GET", "/static/big.0123456789abcdef.bin")
        assert (answer.status, answer.body) == (200, content)
        (worker,) = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        with Trace(worker, tmp_path) as trace:
            answer = server.ask("GET", "/static/big.bin")
            assert answer.body == content
        assert trace.sent() == SIZE
        with Trace(worker, tmp_path) as trace:
            assert server.ask("GET", "/static/big.bin", ("If-None-Match", answer["ETag"])).status == 304
        assert trace.sent() == 0
