"""A fault at any step of a guarded write lets nothing through that a precondition forbids."""

from __future__ import annotations

import io

import pytest

from notmodified import NotModified, _core

STEPS, _ = _core.inject_fault()


@pytest.fixture(autouse=True)
def disarmed():
    yield
    _core.inject_fault()


class Site:
    def __init__(self, **options):
        self.wrapped = NotModified(self.application, **options)
        self.wrote = 0

    def application(self, environ, start_response):
        self.wrote += environ["REQUEST_METHOD"] == "PUT"
        start_response("200 OK", [("ETag", '"v1"')])
        return [b"content"]

    def put(self, tag):
        heads = []
        environ = {
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": "/doc",
            "HTTP_IF_MATCH": tag,
            "wsgi.input": io.BytesIO(b"{}"),
        }
        list(self.wrapped(environ, lambda status, headers, *rest: heads.append(status)))
        (status,) = heads
        return int(status[:3])


@pytest.fixture(params=["function", "get"])
def site(request):
    options = {
        "function": {"validators": {"/doc": lambda _environ: '"v1"'}},
        "get": {"policy": [{"path": "/**", "preconditions": "get"}]},
    }
    return Site(**options[request.param])


@pytest.mark.parametrize("panic", [False, True], ids=["exception", "panic"])
@pytest.mark.parametrize("step", STEPS)
def test_a_write_that_must_not_go_through_does_not(site, step, panic):
    _core.inject_fault(step, panic=panic)
    assert site.put('"v0"') in {412, 503}
    assert site.wrote == 0


@pytest.mark.parametrize("step", ["Arrive", "Fields", "Validator"])
def test_what_cannot_be_judged_is_503(site, step):
    _core.inject_fault(step)
    assert site.put('"v1"') == 503
    assert site.wrote == 0
    assert site.put('"v1"') == 200
