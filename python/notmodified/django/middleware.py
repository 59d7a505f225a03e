"""The middleware class: Django's requests and responses for the core that judges WSGI exchanges too."""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

from notmodified._core import Exchange
from notmodified.django import conf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import TypeAlias

    from notmodified._core import NotModified, Untaken

    # Status line, fields, content.
    _Answer: TypeAlias = tuple[str, list[tuple[str, str]], bytes]

# Content longer than this, in bytes, is hashed in a thread where an event loop would have to wait for it.
LONG = 2**20


class NotModifiedMiddleware:
    """Give responses their validators and answer conditional GET and HEAD, under WSGI and ASGI.

    It belongs first in MIDDLEWARE. Its configuration is the setting NOTMODIFIED; if something in that is
    wrong `ImproperlyConfigured` is raised at start-up. What became of a request stands in
    `request.META["notmodified.result"]` afterwards, which under WSGI is the environ that access logs read.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Wrap what is inside; raises ImproperlyConfigured."""
        self.get_response = get_response
        self.core = conf.core()
        self.is_compressed_outside = conf.is_compressed_outside()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        _instances.add(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request with what is inside, or with less."""
        if self._is_async:
            return self._call_async(request)
        passage = _Passage.begin(self, request)
        if passage is None:
            return self.get_response(request)
        if isinstance(passage, Replacement):
            return passage
        try:
            response = passage.stand_in()
            if response is None:
                response = self.get_response(request)
        except BaseException:
            passage.abandon()
            raise
        return passage.answer(response)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        passage = _Passage.begin(self, request)
        if passage is None:
            return await self.get_response(request)
        if isinstance(passage, Replacement):
            return passage
        try:
            response = passage.stand_in()
            if response is None:
                response = await self.get_response(request)
        except BaseException:
            passage.abandon()
            raise
        if _takes_long(response):
            answer = await asyncio.to_thread(passage.answer, response)
        else:
            answer = passage.answer(response)
        if isinstance(answer, _StaticFile):
            answer.streaming_content = _read_beside(iter(answer.streaming_content))
        return answer


_instances: WeakSet[NotModifiedMiddleware] = WeakSet()


def stats() -> dict[str, int]:
    """Return the counts of this process, by name, as `notmodified.NotModified.stats()` has them."""
    total: Counter[str] = Counter()
    for middleware in list(_instances):
        total.update(middleware.core.stats())
    return dict(total)


class _Passage:
    """One request on its way through the middleware."""

    __slots__ = ("_exchange", "_method", "_middleware", "_paths", "_request")

    def __init__(
        self,
        middleware: NotModifiedMiddleware,
        exchange: Exchange | Untaken,
        request: HttpRequest,
        method: str | None,
    ) -> None:
        self._middleware = middleware
        self._exchange = exchange
        self._request = request
        self._method = method  # while the view sees another
        self._paths: tuple[str, str, str] | None = None  # so too

    @classmethod
    def begin(cls, middleware: NotModifiedMiddleware, request: HttpRequest) -> _Passage | Replacement | None:
        """Take the request in; None if it is somebody else's, a response if no view is needed for it."""
        environ = request.META
        environ.setdefault("REQUEST_METHOD", request.method)  # made by hand, it has none
        if "wsgi.url_scheme" not in environ:  # as in each of ASGI
            environ["wsgi.url_scheme"] = request.scheme
        asked, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        # What compresses outside would do so with a part as with a whole, and nobody could use it.
        hidden = environ.pop("HTTP_RANGE", None) if middleware.is_compressed_outside else None
        try:
            exchange = _arrive(middleware.core, environ)
        finally:
            if hidden is not None:
                environ["HTTP_RANGE"] = hidden
        if exchange is None:
            return None
        if isinstance(exchange, tuple):
            answer = Replacement(None, *exchange)
            if middleware.is_compressed_outside and answer.status_code == HTTPStatus.NOT_MODIFIED:
                # How long the content would be is not known; too much in Vary does no harm.
                patch_vary_headers(answer, ("Accept-Encoding",))
            return answer
        method = None
        if environ["REQUEST_METHOD"] is not asked:
            method, request.method = request.method, environ["REQUEST_METHOD"]
        request.__dict__.pop("headers", None)  # made of META when first looked at
        passage = cls(middleware, exchange, request, method)
        if environ.get("PATH_INFO", "") != path:
            passage._see(path, environ["PATH_INFO"])
        return passage

    def _see(self, asked: str, path: str) -> None:
        """Have what is inside see the path of a static file without its version."""
        request = self._request
        self._paths = asked, request.path_info, request.path
        request.path = request.path.removesuffix(request.path_info) + path
        request.path_info = path

    def stand_in(self) -> HttpResponseBase | None:
        """Return the response that is a static file of ours, which no view makes; None if there is none."""
        head: list[tuple[str, list[tuple[str, str]]]] = []
        content = self._exchange.stand_in(lambda *given: head.append(given))
        if content is None:
            return None
        status, fields = head[0]
        file = getattr(content, "filelike", None)
        response = HttpResponse(b"".join(content)) if file is None else _StaticFile(file)
        code, _, response.reason_phrase = status.partition(" ")
        response.status_code = int(code)
        response.headers = ResponseHeaders(fields)
        return response

    def answer(self, response: HttpResponseBase) -> HttpResponseBase:
        """Judge the response; return it, or one in its place."""
        try:
            changed = self._exchange.answer(
                f"{response.status_code} {response.reason_phrase}",
                [
                    *response.items(),
                    *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()),
                ],
                _body(response),
            )
            self._restore()
            if changed is None:
                return response
            status, fields, content = changed
            if isinstance(content, bytes):
                replacement = Replacement(response, status, fields, content)
                if self._middleware.is_compressed_outside and _would_be_compressed(response):
                    patch_vary_headers(replacement, ("Accept-Encoding",))
                return replacement
            if content is not None:
                _divide(response, status, content)
            _write(fields, response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the view's own response goes out
            self._exchange.fail(error)
            self._restore()
            del response["Notmodified-Cache-Control"]  # is for us alone
        return response

    def abandon(self) -> None:
        """There is no response."""
        self._exchange.abandon()
        self._restore()

    def _restore(self) -> None:
        if self._method is not None:
            self._request.method, self._method = self._method, None
        if self._paths is not None:
            request = self._request
            request.META["PATH_INFO"], request.path_info, request.path = self._paths
            self._paths = None
        self._request.__dict__.pop("headers", None)


def _arrive(core: NotModified, environ: dict[str, Any]) -> Exchange | Untaken | _Answer | None:
    path = environ.get("PATH_INFO", "")
    if path.isascii():
        return Exchange.arrive(core, environ)
    # Django has made text of it; policies are for PEP 3333's path, which has a character for each octet.
    octets = path.encode("utf-8", "surrogatepass").decode("latin-1")
    environ["PATH_INFO"] = octets
    try:
        return Exchange.arrive(core, environ)
    finally:
        seen = environ["PATH_INFO"]
        environ["PATH_INFO"] = path if seen == octets else seen.encode("latin-1").decode()


async def _read_beside(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read a file where the event loop need not wait for it."""
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block


def _takes_long(response: HttpResponseBase) -> bool:
    """Whether the response is a file or long."""
    if response.streaming:
        return getattr(response, "file_to_stream", None) is not None
    return len(response.content) > LONG


def _would_be_compressed(response: HttpResponseBase) -> bool:
    """Tell whether GZipMiddleware, which looks at the length, would say Vary for this response."""
    is_long = response.streaming or len(response.content) >= 200  # noqa: PLR2004 - its own number
    return is_long and not response.has_header("Content-Encoding")


class _File:
    """A file as the core knows it from servers' wrappers."""

    __slots__ = ("filelike",)

    def __init__(self, filelike: object) -> None:
        self.filelike = filelike


def _body(response: HttpResponseBase) -> tuple[bytes] | _File | None:
    """Return what may be looked at: the content or the file, never a stream."""
    if not response.streaming:
        return (response.content,)
    file = getattr(response, "file_to_stream", None)
    return None if file is None else _File(file)


def _write(fields: list[tuple[str, str]], response: HttpResponseBase) -> None:
    """Give the response these fields; its cookies, which are none of its headers for Django, stay."""
    wanted = dict(fields)
    headers = response.headers
    for name in [name for name in headers if name not in wanted]:
        del headers[name]
    for name, value in wanted.items():
        if name != "Set-Cookie" and headers.get(name) != value:
            headers[name] = value


def _divide(response: HttpResponseBase, status: str, ranges: Iterator[bytes]) -> None:
    """Let a response with a file send ranges of it."""
    code, _, response.reason_phrase = status.partition(" ")
    response.status_code = int(code)
    response.file_to_stream = None
    # That of the class above FileResponse: it takes what it gets for the file that its headers tell of.
    StreamingHttpResponse._set_streaming_content(response, ranges)  # noqa: SLF001


class _StaticFile(FileResponse):  # type: ignore[misc]  # Django has no types
    """A static file of ours, whose fields are known."""

    block_size = 64 * 1024

    def set_headers(self, filelike: object) -> None:
        """Say nothing of what the name of the file on disk seems to tell."""


class Replacement(HttpResponse):  # type: ignore[misc]  # Django has no types
    """What goes out in place of a view's response: a 304, an error of ours, or a HEAD's without content.

    The view's response is closed with it.
    """

    _replaced: HttpResponseBase | None = None

    def __init__(
        self, replaced: HttpResponseBase | None, status: str, fields: list[tuple[str, str]], content: bytes
    ) -> None:
        """Take over all but fields, status and content, where a view has made a response."""
        code, _, reason = status.partition(" ")
        super().__init__(content, status=code, reason=reason)
        self.headers = ResponseHeaders(pair for pair in fields if pair[0] != "Set-Cookie")
        if replaced is None:
            return
        self.cookies = replaced.cookies
        if replaced.has_header("Set-Cookie"):  # besides
            self.headers["Set-Cookie"] = replaced["Set-Cookie"]
        # What decorators leave on a response for other middleware, as xframe_options_exempt does.
        for name, value in vars(replaced).items():
            if not name.startswith("_") and name not in ("file_to_stream", "text"):  # of the content
                self.__dict__.setdefault(name, value)
        self._replaced = replaced

    def close(self) -> None:
        """Close the view's response, which tells that the request is finished."""
        replaced, self._replaced = self._replaced, None
        if replaced is None:
            super().close()
            return
        self.closed = True
        replaced._handler_class = self._handler_class  # noqa: SLF001 - the handler knows of this one only
        replaced._resource_closers[:0] = self._resource_closers  # noqa: SLF001 - closed with it
        replaced.close()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a cache may pickle."""
        return {name: value for name, value in vars(self).items() if name != "_replaced"}
