"""From a test client, or an application, to what is audited."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from notmodified.check.recording import judge
from notmodified.check.subject import Subject, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from notmodified.check.document import Document
    from notmodified.check.recording import Answer

_T = TypeVar("_T")


class Client(Protocol):
    """A test client of Flask, Django or Werkzeug."""

    def get(self, path: str, /) -> Any:
        """Ask for a path."""


ClientOrApp: TypeAlias = Client | Callable[..., Any]


def is_of(instance: object, module: str, name: str) -> bool:
    """Tell whether it is of a class that may not even be loaded."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(instance, found)


def is_django_client(client: object) -> bool:
    """Tell whether it is a client of Django's, one that waits or one that doesn't."""
    return is_of(client, "django.test.client", "ClientMixin")


def subject_of(client_or_app: ClientOrApp, path: str) -> tuple[Subject, str]:
    """Return what to audit, and the target: a client asks for the path once, and so tells how it asks.

    Raises TypeError if it is neither a known client nor an application, ValueError if the path is none.
    """
    if not path.startswith("/"):
        msg = f"give a path, which starts with /, not {path!r}"
        raise ValueError(msg)
    if is_of(client_or_app, "django.test.client", "AsyncClient"):
        msg = "an AsyncClient can't be waited for here: give a django.test.Client, or get_asgi_application()"
        raise TypeError(msg)
    if is_of(client_or_app, "werkzeug.test", "Client") or is_django_client(client_or_app):
        client: Any = client_or_app
        response = client.get(path)
        environ = environ_of(response)
        response.close()
        return as_asked_by(client_or_app, environ), target_of(environ)
    if not callable(client_or_app):
        kind = type(client_or_app).__name__
        msg = f"give a test client of Flask, Django or Werkzeug, or an application, not {kind}"
        raise TypeError(msg)
    return Subject.at(client_or_app, _host()), path


def environ_of(response: Any) -> dict[str, object]:
    """Return the environ of the request that a test client's response is for; empty if it does not say."""
    for name in ("wsgi_request", "asgi_request"):  # Django's
        request = getattr(response, name, None)
        if request is not None:
            return dict(request.META)
    return dict(getattr(getattr(response, "request", None), "environ", {}))


def as_asked_by(client: Any, environ: dict[str, object]) -> Subject:
    """Return the application behind a client, asked as it was in this environ."""
    if not is_django_client(client):
        return Subject.as_in(client.application, environ)
    from notmodified.django.in_process import application_of  # noqa: PLC0415  Django is there

    return Subject.as_in(application_of(client), environ)


def audit(subject: Subject, targets: Sequence[str]) -> Document:
    """Ask for targets as clients and caches do, and judge what is answered."""
    return _away_from_loops(lambda: judge(subject.record(targets)))


def get(subject: Subject, target: str, *fields: tuple[str, str]) -> Answer:
    """Ask once."""
    return _away_from_loops(lambda: subject.get(target, *fields))


def _away_from_loops(ask: Callable[[], _T]) -> _T:
    """Ask in a thread where an event loop runs, as in a test that is a coroutine."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with _connections_kept():
            return ask()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, ask).result()


def _connections_kept() -> AbstractContextManager[None]:
    if "django.test.client" not in sys.modules:
        return nullcontext()
    from notmodified.django.in_process import connections_kept  # noqa: PLC0415  Django is there

    return connections_kept()


def _host() -> str:
    """Return a host that an application answers at: Django's tests allow one of their own."""
    conf = sys.modules.get("django.conf")
    if conf is not None and conf.settings.configured and "testserver" in conf.settings.ALLOWED_HOSTS:
        return "testserver"
    return "localhost"
