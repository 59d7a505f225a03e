"""A fault at any step, while Django's class is at work: the view's own response goes out."""

from __future__ import annotations

import asyncio
import logging

import pytest

from apps.django_settings import configure

configure()

from django.http import FileResponse, HttpResponse, StreamingHttpResponse  # noqa: E402 - needs the settings
from django.test import RequestFactory, override_settings  # noqa: E402

from notmodified import EntityTag, _core  # noqa: E402
from notmodified.django import NotModifiedMiddleware  # noqa: E402

STEPS, _ = _core.inject_fault()
CONTENT = b"content " * 100
TAG = str(EntityTag.of(CONTENT))


def file_response(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(CONTENT)
    return FileResponse(target.open("rb"))


SHAPES = {
    "whole": lambda _: HttpResponse(CONTENT),
    "stream": lambda _: StreamingHttpResponse(iter([CONTENT])),
    "file": file_response,
}


@pytest.fixture(autouse=True)
def disarmed():
    yield
    _core.inject_fault()


@pytest.mark.parametrize("panic", [False, True], ids=["exception", "panic"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "asynchronous"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_fault_leaves_the_views_response_intact(method, asynchronous, step, shape, panic, caplog, tmp_path):
    response = SHAPES[shape](tmp_path)

    def view(_):
        return response

    async def coroutine(_):
        return response

    ours = NotModifiedMiddleware(coroutine if asynchronous else view)
    request = getattr(RequestFactory(), method)("/", HTTP_IF_NONE_MATCH=TAG)
    _core.inject_fault(step, panic=panic)
    with caplog.at_level(logging.DEBUG, logger="notmodified"):
        answer = asyncio.run(ours(request)) if asynchronous else ours(request)
    _, armed_still = _core.inject_fault()
    if not armed_still:
        assert ours.core.stats()["errors"] == 1
        assert ours.core.stats()["requests"] in (0, 1)
        assert f"injected at {step}" in caplog.text
        if step not in ("Note", "Restore"):
            assert request.META["notmodified.result"] == "error"
            assert (answer.status_code, "ETag" in answer) == (200, False)
    assert request.method == request.META["REQUEST_METHOD"] == method.upper()
    assert request.META["HTTP_IF_NONE_MATCH"] == TAG
    if answer.status_code == 200 and method == "get":
        assert b"".join(answer) == CONTENT
    answer.close()
    assert response.closed


@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "asynchronous"])
@pytest.mark.parametrize("step", ["Arrive", "Fields", "Head", "Answer", "Headers"])
@pytest.mark.parametrize("method", ["get", "put"])
def test_a_fault_neither_shows_what_is_for_us_alone_nor_hides_a_write(method, step, asynchronous, tmp_path):
    """Of the validator cache: its own field leaves no response, and a write ends what is stored."""
    fields = {"Notmodified-Cache-Control": "max-age=60"}

    def view(_):
        return HttpResponse(CONTENT, headers=fields)

    async def coroutine(request):
        return view(request)

    store = {"store": "host", "store_path": str(tmp_path / "store"), "store_size": 2**20, "release": "test"}
    with override_settings(NOTMODIFIED=store):
        ours = NotModifiedMiddleware(coroutine if asynchronous else view)

    def ask(method, **more):
        request = getattr(RequestFactory(), method)("/", **more)
        answer = asyncio.run(ours(request)) if asynchronous else ours(request)
        assert "Notmodified-Cache-Control" not in answer
        return request.META["notmodified.result"]

    ask("get")
    assert ask("get", HTTP_IF_NONE_MATCH=TAG) == "remembered"
    _core.inject_fault(step)
    ask(method)
    _, armed_still = _core.inject_fault()
    assert not armed_still
    if method == "put":
        assert ask("get", HTTP_IF_NONE_MATCH=TAG) == "not-modified"
