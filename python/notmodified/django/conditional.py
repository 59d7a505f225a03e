"""`@conditional`: a view's preconditions judged inside authentication, before the view acts."""

from __future__ import annotations

from functools import wraps
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asgiref.sync import async_to_sync, sync_to_async
from asgiref.sync import iscoroutinefunction as is_marked_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase  # noqa: TC002 - likewise

from notmodified.conditional import Answer, Guard, failed, finish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_View = TypeVar("_View", bound="Callable[..., Any]")


def conditional(
    function: Callable[..., Any], *, require: bool = False, accept_weakened: bool | None = None
) -> Callable[[_View], _View]:
    """Judge the preconditions of a view's requests (RFC 9110 §13) by what `function` says is current.

    `function(request, *args, **kwargs)` gets what the view gets and returns an EntityTag, a tag as str, a
    datetime, a pair (tag, datetime) either of which may be None, a Representation, None for 'no such
    resource' (then If-Match: * fails and If-None-Match: * passes), or ASK_APP to let the view judge. It may
    be async.

    A write whose precondition is false gets 412 and the view does not run; where `function` raises it gets
    503. With `require` a write without a precondition gets 428 (RFC 6585). A read gets its 304: without
    running the view where `function` returns a Representation with headers, else after it. With
    `accept_weakened` If-Match takes W/"x" for "x", as proxies that compress write it; left out, it is as the
    middleware around the view is configured.

    For view functions and methods, sync and async, and for `method_decorator`; below the decorators that
    authenticate. What was judged is in `request.META["notmodified.validator"]`.
    """
    guard = _Guard(function, Guard.of(function, require=require, accept_weakened=accept_weakened))

    def decorate(view: _View) -> _View:
        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> HttpResponseBase | Awaitable[HttpResponseBase]:
            if _answers_async(view, args):
                return call_async(*args, **kwargs)
            answer = guard.before(*args, **kwargs)
            return _finished(args, view(*args, **kwargs)) if answer is None else _response(answer)

        @wraps(view)
        async def call_async(*args: Any, **kwargs: Any) -> HttpResponseBase:
            answer = await guard.before_async(*args, **kwargs)
            if answer is not None:
                return _response(answer)
            response = view(*args, **kwargs)
            return _finished(args, await response if isawaitable(response) else response)

        return cast("_View", call_async if iscoroutinefunction(view) else call)

    return decorate


class _Guard:
    """The function, and what is done with it before the view."""

    def __init__(self, function: Callable[..., Any], guard: Guard) -> None:
        is_async = is_marked_async(function)
        self._function = async_to_sync(function) if is_async else function
        self._function_async = function if is_async else sync_to_async(function)
        self._guard = guard
        self._name = function

    def before(self, *args: Any, **kwargs: Any) -> Answer | None:
        """Return the answer, or None if the view is to run."""
        request, rest = _split(args)
        if (asks := self._guard.arrive(request.META)) is not True:
            return asks or None
        try:
            return self._guard.judge(request.META, self._function(request, *rest, **kwargs))
        except Exception:  # noqa: BLE001 - it is logged, and answered
            return failed(request.META, self._name)

    async def before_async(self, *args: Any, **kwargs: Any) -> Answer | None:
        """Return the answer, or None if the view is to run."""
        request, rest = _split(args)
        if (asks := self._guard.arrive(request.META)) is not True:
            return asks or None
        try:
            return self._guard.judge(request.META, await self._function_async(request, *rest, **kwargs))
        except Exception:  # noqa: BLE001 - it is logged, and answered
            return failed(request.META, self._name)


def _split(args: tuple[Any, ...]) -> tuple[HttpRequest, tuple[Any, ...]]:
    """Find the request: the first argument, or the second where a method is decorated without more ado."""
    at = 0 if hasattr(args[0], "META") else 1
    return args[at], args[at + 1 :]


def _answers_async(view: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Tell whether the caller awaits the answer: `dispatch` of a class with async handlers is a function."""
    # A method as method_decorator() hands it over is a partial of the bound method.
    bound = getattr(view, "func", view)
    owner = getattr(bound, "__self__", None) or args[0]
    is_dispatch = getattr(bound, "__name__", "") == "dispatch"
    return is_marked_async(view) or (is_dispatch and getattr(owner, "view_is_async", False) is True)


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.content or b"", status=answer.status)
    del response["Content-Type"]
    for name, value in answer.headers:
        response[name] = value
    return response


def _finished(args: tuple[Any, ...], response: HttpResponseBase) -> HttpResponseBase:
    request, _ = _split(args)
    answer = finish(request.META, response.status_code, list(response.items()))
    if answer is None:
        return response
    if answer.content is None:
        for name, value in answer.headers:
            response[name] = value
        kept = {name.lower() for name, _ in answer.headers}
        for name in [name for name, _ in response.items() if name.lower() not in kept]:
            del response[name]
        return response
    made = _response(answer)
    made.cookies = response.cookies
    # What the view opened is closed when the request is over, as it would have been.
    made._resource_closers.extend(response._resource_closers)  # noqa: SLF001
    return made
