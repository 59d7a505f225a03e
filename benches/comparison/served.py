"""The applications that Gunicorn serves in the comparison: `python -m comparison.served NAME FD WORKERS`.

Every one answers `/N` with N bytes. Ends when whoever started it ends, however that happens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from comparison import prototypes
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication

PR_SET_PDEATHSIG = 1
RENDERING_NS = 5_000_000
# The environment variable with the place of a store.
STORE = "COMPARISON_STORE"

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


def django_with_prototype() -> WSGIApplication:
    return prototypes.Prototype(django_app())


def django_with_middleware() -> WSGIApplication:
    configure_django(["django.middleware.http.ConditionalGetMiddleware"])
    return get_wsgi_application()


def with_store(application: WSGIApplication) -> NotModified:
    """Every response may answer for an hour, in any worker."""
    policy = {"path": "/**", "notmodified_cache_control": {"max_age": 3600}}
    return NotModified(application, store="host", store_path=os.environ[STORE], release="1", policy=[policy])


def private(environ: dict, start_response: Callable) -> list[bytes]:
    """A page that is never stored."""
    body = CONTENT[int(environ["PATH_INFO"][1:])]
    start_response("200 OK", [("Content-Type", "text/html"), ("Cache-Control", "private")])
    return [body]


def private_alone() -> WSGIApplication:
    return NotModified(private)


def private_with_store() -> WSGIApplication:
    return NotModified(private, store=os.environ[STORE], release="1")


def rendering(application: WSGIApplication) -> WSGIApplication:
    """The same, after as long as many a page takes to be rendered."""

    def slow(environ: dict, start_response: Callable) -> Iterable[bytes]:
        until = time.thread_time_ns() + RENDERING_NS
        while time.thread_time_ns() < until:
            pass
        return application(environ, start_response)

    return slow


def only_304(environ: dict, start_response: Callable) -> list[bytes]:
    """What is sent with a store, by an app that does nothing else."""
    if "HTTP_IF_NONE_MATCH" not in environ:
        return plain(environ, start_response)
    start_response("304 Not Modified", [("ETag", environ["HTTP_IF_NONE_MATCH"]), ("Age", "0")])
    return []


def only_304_app() -> WSGIApplication:
    return only_304


def plain_with_store() -> WSGIApplication:
    return with_store(plain)


def django_with_store() -> WSGIApplication:
    return with_store(django_app())


def rendering_with_store() -> WSGIApplication:
    return with_store(rendering(django_app()))


def rendering_with_middleware() -> WSGIApplication:
    return rendering(django_with_middleware())


def main() -> None:
    name, listener, workers = sys.argv[1:]
    # Kept across exec.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", f"comparison.served:{name}()", "--bind", f"fd://{listener}"),
            *("--worker-class", "sync", "--workers", workers, "--timeout", "120"),
            *("--no-control-socket", "--log-level", "warning"),
        ],
    )


if __name__ == "__main__":
    main()
