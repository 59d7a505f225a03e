"""`notmodified.django.conditional`, on functions, classes and coroutines, under WSGI and ASGI."""

from __future__ import annotations

import asyncio

import pytest

from apps import django_app  # noqa: F401 - it configures Django

from django.http import HttpResponse, StreamingHttpResponse  # isort: skip
from django.test import AsyncRequestFactory, RequestFactory  # isort: skip
from django.utils.decorators import method_decorator  # isort: skip
from django.views import View  # isort: skip

from notmodified import ASK_APP, Representation
from notmodified.django import conditional

HEADERS = {"Cache-Control": "no-cache", "Vary": "Cookie"}
TOLD = {
    "one": '"v1"',
    "known": Representation('"v1"', headers=HEADERS),
    "none": None,
    "ask": ASK_APP,
}
ran = []


def version(request, doc):
    if doc == "raise":
        msg = "the database is away"
        raise RuntimeError(msg)
    return TOLD[doc]


async def version_async(request, doc):
    return version(request, doc)


def respond(request, doc):
    ran.append((request.method, request.META.get("notmodified.validator", "nobody")))
    response = HttpResponse(f"hello {doc}", headers={"X-Own": "kept"})
    response.set_cookie("seen", "1")
    return response


async def respond_async(request, doc):
    return respond(request, doc)


class Docs(View):
    def get(self, request, doc):
        return respond(request, doc)

    put = get


class AsyncDocs(View):
    async def get(self, request, doc):
        return respond(request, doc)

    put = get


class Dispatching(Docs):
    @conditional(version)
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


class Handling(Docs):
    @conditional(version)
    def put(self, request, doc):
        return respond(request, doc)

    @method_decorator(conditional(version))
    def get(self, request, doc):
        return respond(request, doc)


VIEWS = {
    "function": conditional(version)(respond),
    "function-async-validator": conditional(version_async)(respond),
    "coroutine": conditional(version)(respond_async),
    "coroutine-async-validator": conditional(version_async)(respond_async),
    "class": method_decorator(conditional(version), name="dispatch")(type("A", (Docs,), {})).as_view(),
    "class-async": method_decorator(conditional(version), name="dispatch")(
        type("B", (AsyncDocs,), {})
    ).as_view(),
    "dispatch": Dispatching.as_view(),
    "handlers": Handling.as_view(),
}

ASYNC = {VIEWS[name] for name in ("coroutine", "coroutine-async-validator", "class-async")}


@pytest.fixture(params=VIEWS)
def view(request):
    return VIEWS[request.param]


def ask(view, method, doc, **fields):
    ran.clear()
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    factory = AsyncRequestFactory() if view in ASYNC else RequestFactory()
    answer = view(getattr(factory, method.lower())("/", headers=headers), doc=doc)
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


def test_a_write_is_judged_before_the_view(view):
    failed = ask(view, "PUT", "one", If_Match='"v0"')
    assert (failed.status_code, failed["ETag"], ran) == (412, '"v1"', [])
    assert failed["Content-Type"] == "application/problem+json"
    passed = ask(view, "PUT", "one", If_Match='"v1"')
    assert (passed.status_code, ran) == (200, [("PUT", Representation('"v1"'))])


def test_a_read_gets_its_304_with_the_fields_and_cookies_of_the_view(view):
    whole = ask(view, "GET", "one")
    assert (whole.status_code, whole["ETag"], whole.content) == (200, '"v1"', b"hello one")
    again = ask(view, "GET", "one", If_None_Match='"v1"')
    assert (again.status_code, again.content, again["X-Own"]) == (304, b"", "kept")
    assert "Content-Type" not in again
    assert again.cookies["seen"].value == "1"


def test_with_the_fields_known_the_view_does_not_run(view):
    again = ask(view, "GET", "known", If_None_Match='"v1"')
    assert (again.status_code, ran) == (304, [])
    assert {name: again[name] for name in HEADERS} == HEADERS


def test_a_function_that_raises_closes_writes_and_opens_reads(view, caplog):
    assert ask(view, "PUT", "raise", If_Match='"v1"').status_code == 503
    assert ran == []
    assert "the database is away" in caplog.text
    assert ask(view, "GET", "raise", If_None_Match='"v1"').status_code == 200


def test_no_resource_can_be_created_but_not_changed(view):
    assert ask(view, "PUT", "none", If_Match="*").status_code == 412
    assert ask(view, "PUT", "none", If_None_Match="*").status_code == 200
    assert ran == [("PUT", None)]


def test_a_precondition_may_be_required():
    required = conditional(version, require=True)(respond)
    assert ask(required, "PUT", "one").status_code == 428
    assert ran == []
    assert ask(required, "PUT", "one", If_Match='"v1"').status_code == 200


def test_where_the_function_says_so_the_view_judges(view):
    assert ask(view, "PUT", "ask", If_Match='"v0"').status_code == 200
    assert ran == [("PUT", "nobody")]


def test_a_stream_is_closed_after_its_304():
    closed = []

    def stream(request, doc):
        response = StreamingHttpResponse([b"x"])
        response._resource_closers.append(lambda: closed.append(doc))
        return response

    answer = ask(conditional(version)(stream), "GET", "one", If_None_Match='"v1"')
    assert (answer.status_code, closed) == (304, [])
    answer.close()
    assert closed == ["one"]


def test_a_head_that_fails_has_no_content(view):
    answer = ask(view, "HEAD", "one", If_Match='"v0"')
    assert (answer.status_code, answer["Content-Type"]) == (412, "application/problem+json")
    assert answer.content == b""
