"""`@conditional`: a view's preconditions judged inside authentication, before the view acts."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Response, current_app, request
from werkzeug.datastructures import Headers

from notmodified.conditional import Answer, Guard, failed, finish

if TYPE_CHECKING:
    from collections.abc import Callable

_View = TypeVar("_View", bound="Callable[..., Any]")


def conditional(
    function: Callable[..., Any], *, require: bool = False, accept_weakened: bool | None = None
) -> Callable[[_View], _View]:
    """Judge the preconditions of a view's requests (RFC 9110 §13) by what `function` says is current.

    `function(**view_args)` gets the variables of the route and returns an EntityTag, a tag as str, a
    datetime, a pair (tag, datetime) either of which may be None, a Representation, None for 'no such
    resource' (then If-Match: * fails and If-None-Match: * passes), or ASK_APP to let the view judge.

    A write whose precondition is false gets 412 and the view does not run; where `function` raises it gets
    503. With `require` a write without a precondition gets 428 (RFC 6585). A read gets its 304: without
    running the view where `function` returns a Representation with headers, else after it. With
    `accept_weakened` If-Match takes W/"x" for "x", as proxies that compress write it; left out, it is as the
    middleware around the view is configured.

    Goes below `@app.route` and below what authenticates. What was judged is in
    `request.environ["notmodified.validator"]`.
    """
    guard = Guard.of(function, require=require, accept_weakened=accept_weakened)

    def decorate(view: _View) -> _View:
        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> Response:
            environ = request.environ
            asks = guard.arrive(environ)
            if isinstance(asks, Answer):
                return _response(asks)
            if asks:
                try:
                    answer = guard.judge(environ, current_app.ensure_sync(function)(**kwargs))
                except Exception:  # noqa: BLE001 - it is logged, and answered
                    answer = failed(environ, function)
                if answer is not None:
                    return _response(answer)
            return _finished(current_app.make_response(current_app.ensure_sync(view)(*args, **kwargs)))

        return cast("_View", call)

    return decorate


def _response(answer: Answer) -> Response:
    response = current_app.response_class(answer.content or b"", status=answer.status)
    response.headers = Headers(answer.headers)
    return response


def _finished(response: Response) -> Response:
    answer = finish(request.environ, response.status_code, list(response.headers))
    if answer is None:
        return response
    if answer.content is None:
        response.headers = Headers(answer.headers)
        return response
    made = _response(answer)
    made.call_on_close(response.close)
    return made
