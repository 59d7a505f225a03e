"""The same resource behind notmodified and behind what else does conditional requests in Python.

Each peer is used as its own documentation says: Django's ConditionalGetMiddleware around a view, Werkzeug's
`add_etag()` and `make_conditional()` on the response, WebOb's conditional response with `md5_etag()`.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from wsgiref.util import FileWrapper, setup_testing_defaults

from django.core.handlers.wsgi import WSGIRequest
from django.http import FileResponse, HttpResponse
from django.middleware.http import ConditionalGetMiddleware
from werkzeug.utils import send_file
from werkzeug.wrappers import Response as WerkzeugResponse

from apps.django_settings import configure
from notmodified import NotModified

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports `cgi`
    from webob import Response as WebObResponse
    from webob.static import FileApp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

configure()


@dataclass(frozen=True)
class Resource:
    """What the view answers: this, or a file."""

    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b"the content"
    file: Path | None = None

    @property
    def status_line(self) -> str:
        return f"{self.status} Whatever"


@dataclass(frozen=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes


def environ_of(method: str, fields: dict[str, str]) -> dict[str, object]:
    environ: dict[str, object] = {"REQUEST_METHOD": method, "wsgi.file_wrapper": FileWrapper}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in fields.items()}
    setup_testing_defaults(environ)
    return environ


def answer_of(application: Callable, environ: dict[str, object]) -> Answer:
    heads: list[tuple[str, list[tuple[str, str]]]] = []
    pieces: Iterable[bytes] = application(environ, lambda *head: heads.append(head[:2]))
    body = b"".join(pieces)
    if hasattr(pieces, "close"):
        pieces.close()
    status, fields = heads[-1]
    return Answer(int(status[:3]), {name.lower(): value for name, value in fields}, body)


def notmodified(resource: Resource, method: str, fields: dict[str, str]) -> Answer:
    def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
        start_response(resource.status_line, [("Content-Type", "text/plain"), *resource.fields.items()])
        if resource.file is not None:
            return environ["wsgi.file_wrapper"](resource.file.open("rb"))
        return [resource.body]

    return answer_of(NotModified(application), environ_of(method, fields))


def django(resource: Resource, method: str, fields: dict[str, str]) -> Answer:
    def view(_request: WSGIRequest) -> HttpResponse:
        if resource.file is not None:
            return FileResponse(resource.file.open("rb"))
        return HttpResponse(
            resource.body, status=resource.status, headers=resource.fields, content_type="text/plain"
        )

    request = WSGIRequest(environ_of(method, fields))
    response = ConditionalGetMiddleware(view)(request)
    body = b"".join(response)
    response.close()
    return Answer(response.status_code, {name.lower(): value for name, value in response.items()}, body)


def werkzeug(resource: Resource, method: str, fields: dict[str, str]) -> Answer:
    environ = environ_of(method, fields)
    if resource.file is not None:
        return answer_of(send_file(resource.file, environ), environ)
    response = WerkzeugResponse(resource.body, status=resource.status, headers=resource.fields)
    response.add_etag()
    return answer_of(response.make_conditional(environ), environ)


def webob(resource: Resource, method: str, fields: dict[str, str]) -> Answer:
    environ = environ_of(method, fields)
    if resource.file is not None:
        return answer_of(FileApp(os.fspath(resource.file)), environ)
    response = WebObResponse(body=resource.body, status=resource.status, conditional_response=True)
    response.headers.update(resource.fields)
    if "ETag" not in resource.fields:
        response.md5_etag()
    return answer_of(response, environ)


PEERS: dict[str, Callable[[Resource, str, dict[str, str]], Answer]] = {
    "notmodified": notmodified,
    "Django `ConditionalGetMiddleware`": django,
    "Werkzeug `make_conditional`": werkzeug,
    "WebOb": webob,
}
__all__ = ["PEERS", "Answer", "Resource"]
