"""Django asked in this process, for an audit: by WSGI, as a server does."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test.client import ClientHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Handler(WSGIHandler):  # type: ignore[misc]  # Django has no types
    """Answers with what a test client's handler says, and nothing done to it: servers don't mend a 304."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._answer = get_response

    def get_response(self, request: Any) -> Any:
        return self._answer(request)


def application_of(client: Any) -> WSGIHandler:
    """Return a WSGI application of what stands behind a test client, its middleware and forced users."""
    handler = client.handler
    if not isinstance(handler, ClientHandler):
        handler = ClientHandler()
    if handler._middleware_chain is None:  # noqa: SLF001  Django's own clients do so at their first request
        handler.load_middleware()
    return _Handler(handler.get_response)


@contextmanager
def connections_kept() -> Iterator[None]:
    """Let no request end the test's connections to its database, as Django's test clients don't either."""
    signals = (request_started, request_finished)
    connected = [signal for signal in signals if signal.disconnect(close_old_connections)]
    try:
        yield
    finally:
        for signal in connected:
            signal.connect(close_old_connections)
