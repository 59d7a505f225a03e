"""The sample application in Django, as one writes it in Django."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from apps import content, journal
from apps.django_settings import configure

configure()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - needs the settings
from django.http import (  # noqa: E402
    FileResponse,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.test.utils import override_settings  # noqa: E402
from django.urls import path as url  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    View = Callable[[HttpRequest], HttpResponseBase]

Handler = TypeVar("Handler")
urlpatterns = []
# The same under ASGI, for `apps.asgi`.
asgi_urlpatterns = []
async_urlpatterns = []


def route(where: str) -> Callable[[View], View]:
    def register(view: View) -> View:
        nonlocal where

        def noted(request: HttpRequest) -> HttpResponseBase:
            environ = request.META
            journal.note(environ, f"called {request.method}")
            response = view(request)
            close = response.close

            def noting_close() -> None:
                journal.note(environ, "close")
                close()

            response.close = noting_close
            return response

        def streaming(request: HttpRequest) -> HttpResponseBase:
            response = noted(request)
            if response.streaming and not isinstance(response, FileResponse):
                response.streaming_content = one_by_one(response.streaming_content)
            return response

        async def coroutine(request: HttpRequest) -> HttpResponseBase:
            return streaming(request)

        where = where.removeprefix("/")
        urlpatterns.append(url(where, noted))
        asgi_urlpatterns.append(url(where, streaming))
        async_urlpatterns.append(url(where, coroutine))
        return view

    return register


async def one_by_one(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    chunks = iter(chunks)
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk


def whole(where: str, body: bytes, *fields: tuple[str, str], status: int = 200) -> None:
    @route(where)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(body, status=status, headers=dict(fields))


def stream(where: str, chunks: list[bytes], *fields: tuple[str, str], kind: str = content.TEXT) -> None:
    @route(where)
    def view(request: HttpRequest) -> StreamingHttpResponse:
        def generate() -> Iterable[bytes]:
            for chunk in chunks:
                journal.note(request.META, "next")
                yield chunk

        return StreamingHttpResponse(generate(), headers={"Content-Type": kind} | dict(fields))


for _path, _body, _fields, _status in content.PAGES:
    whole(_path, _body, *_fields, status=_status)
for _path, _chunks, _fields, _kind in content.STREAMS:
    stream(_path, _chunks, *_fields, kind=_kind)
whole("/page", content.PAGE)
whole("/missing", content.PAGE, ("ETag", content.OWN), status=404)
whole(
    "/own-304",
    content.PAGE,
    ("ETag", content.OWN),
    ("Vary", "Cookie"),
    ("Content-Length", str(len(content.PAGE))),
    status=304,
)


@route("/json")
def data(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"articles": [{"id": n, "title": f"Article {n}"} for n in range(20)]})


@route("/moved")
def moved(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/page", headers={"ETag": content.OWN})


@route("/no-content")
def no_content(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(content.PAGE, status=204, headers={"Content-Length": str(len(content.PAGE))})
    del response.headers["Content-Type"]
    return response


@route("/cookies")
def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(content.PAGE)
    response.set_cookie("one", "1")
    response.set_cookie("two", "2", httponly=True)
    return response


@route("/file")
def file(request: HttpRequest) -> FileResponse:
    opened = (content.files() / request.GET.get("name", "page.bin")).open("rb")
    return FileResponse(opened, content_type="application/octet-stream")


@route("/signalled")
def signalled(request: HttpRequest) -> StreamingHttpResponse:
    name = request.GET["name"]
    fields = dict(content.signalled_fields(request.GET["shape"], name))
    return StreamingHttpResponse(content.signalled(name), headers=fields)


@route("/big-stream")
def big_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(content.big(), content_type="application/octet-stream")


@route("/big-declared")
def big_declared(request: HttpRequest) -> StreamingHttpResponse:
    headers = {"Content-Length": str(content.BIG)}
    return StreamingHttpResponse(content.big(), content_type="application/octet-stream", headers=headers)


@route("/echo")
def echo(request: HttpRequest) -> JsonResponse:
    seen = {
        key: value
        for key, value in request.META.items()
        if key.startswith("HTTP_IF_") or key in ("HTTP_RANGE", "REQUEST_METHOD")
    }
    return JsonResponse(seen, headers={"ETag": content.OWN})


@route("/environ")
def mark_environ(request: HttpRequest) -> HttpResponse:
    request.META["sample.user"] = "alice"
    return HttpResponse("hello")


_bare = WSGIHandler()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _bare(environ, start_response)


_one_at_a_time = threading.Lock()


def handler(kind: Callable[[], Handler], config: Mapping[str, object], *, times: int = 1) -> Handler:
    """Make a handler whose MIDDLEWARE has our class; it reads the settings while it is made."""
    middleware = ["notmodified.django.NotModifiedMiddleware"] * times
    with _one_at_a_time, override_settings(MIDDLEWARE=middleware, NOTMODIFIED=config):
        return kind()
