"""The applications that Gunicorn serves in the comparison: `python -m comparison.served NAME FD`.

Every one answers `/N` with N bytes. Ends when whoever started it ends, however that happens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

PR_SET_PDEATHSIG = 1

Size = Literal["2 KiB", "100 KiB"]
BODIES: dict[Size, bytes] = {"2 KiB": b"0123456789abcdef" * 128, "100 KiB": b"0123456789abcdef" * 6400}
CONTENT = {len(body): body for body in BODIES.values()}


def plain(environ: dict, start_response: Callable) -> list[bytes]:
    body = CONTENT[int(environ["PATH_INFO"][1:])]
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]


def view(_request: HttpRequest, size: int) -> HttpResponse:
    return HttpResponse(CONTENT[size])


urlpatterns = [path("<int:size>", view)]


def configure_django(middleware: list[str]) -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, MIDDLEWARE=middleware, ROOT_URLCONF=__name__, SECRET_KEY="-"
    )


def plain_app() -> WSGIApplication:
    return plain


def plain_with_us() -> WSGIApplication:
    return NotModified(plain)


def django_app() -> WSGIApplication:
    configure_django([])
    return get_wsgi_application()


def django_with_us() -> WSGIApplication:
    return NotModified(django_app())


def django_with_middleware() -> WSGIApplication:
    configure_django(["django.middleware.http.ConditionalGetMiddleware"])
    return get_wsgi_application()


def main() -> None:
    name, listener = sys.argv[1:]
    # Kept across exec.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", f"comparison.served:{name}()", "--bind", f"fd://{listener}"),
            *("--worker-class", "sync", "--workers", "1", "--timeout", "120"),
            *("--no-control-socket", "--log-level", "warning"),
        ],
    )


if __name__ == "__main__":
    main()
