"""Django under ASGI, with our middleware class, behind an entrance like that of `apps.stacks`.

`django-asgi` has plain views, which Django runs in threads; those of `django-async` are coroutines. Both
stream by asynchronous generators, since Django gathers other streams itself under ASGI.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING

from apps.django_app import handler  # first: it configures Django

from django.core.handlers.asgi import ASGIHandler  # isort: skip

from apps import journal
from apps.stacks import CONFIGS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from io import IOBase
    from typing import Any

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]


class Handler(ASGIHandler):
    urlconf = "apps.django_asgi_urls"

    def create_request(self, scope: Scope, body_file: IOBase) -> tuple:
        request, error = super().create_request(scope, body_file)
        request.urlconf = self.urlconf
        journal.arrived(request.META)
        return request, error


class AsyncViews(Handler):
    urlconf = "apps.django_async_urls"


@cache
def stack(name: str) -> ASGIHandler:
    app, _, config = name.partition("/")
    kind = {"django-asgi": Handler, "django-async": AsyncViews}[app]
    if config == "bare":
        return kind()
    if config == "nested":
        return handler(kind, {}, times=2)
    return handler(kind, CONFIGS[config])


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    name = dict(scope["headers"])[b"x-stack"].decode()
    if name == "control":
        await control(scope, send)
    else:
        await stack(name)(scope, receive, send)


async def control(scope: Scope, send: Send) -> None:
    """Tell what is known of the request whose id is the path; without one, which server this is."""
    request_id = scope["path"].removeprefix("/")
    me = {"server": os.environ.get("NOTMODIFIED_TEST_SERVER"), "pid": os.getpid()}
    body = json.dumps(journal.of(request_id) if request_id else me).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
