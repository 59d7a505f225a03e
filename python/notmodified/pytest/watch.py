"""Which pages the test clients get: notes of their answers, taken while somebody wants them."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from notmodified.check.subject import target_of
from notmodified.pytest.subjects import as_asked_by, environ_of, is_django_client, is_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from notmodified.check.subject import Subject

_OK = 200
# The one method of each kind of client through which all its requests go.
_METHODS = (
    ("werkzeug.test", "Client", "open"),
    ("django.test.client", "Client", "request"),
    ("django.test.client", "AsyncClient", "request"),
)


class Key(NamedTuple):
    """What makes two requests be for the same page."""

    application: str
    url: str
    has_credentials: bool


@dataclass(frozen=True)
class Touched:
    """A page that a client got."""

    client: Any
    environ: dict[str, object]
    key: Key
    target: str

    def subject(self) -> Subject:
        """Return what to audit."""
        return as_asked_by(self.client, self.environ)


_notebooks: list[list[Touched]] = []
_undo: list[Callable[[], None]] = []


@contextmanager
def watching() -> Iterator[list[Touched]]:
    """Note each page that is got while this lasts, in the order in which they are."""
    notebook: list[Touched] = []
    if not _notebooks:
        _patch()
    _notebooks.append(notebook)
    try:
        yield notebook
    finally:
        # The very one: two that are equal, as empty ones are, may be open.
        _notebooks[:] = [one for one in _notebooks if one is not notebook]
        if not _notebooks:
            while _undo:
                _undo.pop()()


def _patch() -> None:
    for module_name, class_name, method in _METHODS:
        # Who has not got it, or cannot load it, has no such client.
        with suppress(ImportError):
            if find_spec(module_name.partition(".")[0]) is None:
                continue
            found = getattr(import_module(module_name), class_name)
            original = vars(found)[method]
            setattr(found, method, _noting(original, waits=class_name == "AsyncClient"))
            _undo.append(partial(setattr, found, method, original))


def _noting(original: Callable[..., Any], *, waits: bool) -> Callable[..., Any]:
    if waits:

        @wraps(original)
        async def ask_and_wait(self: Any, *args: Any, **kwargs: Any) -> Any:
            response = await original(self, *args, **kwargs)
            _note(self, response)
            return response

        return ask_and_wait

    @wraps(original)
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        response = original(self, *args, **kwargs)
        _note(self, response)
        return response

    return ask


def _note(client: Any, response: Any) -> None:
    environ = environ_of(response)
    if environ.get("REQUEST_METHOD") != "GET" or getattr(response, "status_code", None) != _OK:
        return
    scheme, host = (
        environ.get("wsgi.url_scheme", "http"),
        environ.get("HTTP_HOST", environ.get("SERVER_NAME")),
    )
    target = target_of(environ)
    has_credentials = bool(environ.get("HTTP_COOKIE") or environ.get("HTTP_AUTHORIZATION"))
    key = Key(_name(client), f"{scheme}://{host}{target}", has_credentials)
    for notebook in _notebooks:
        notebook.append(Touched(client, environ, key, target))


def _name(client: Any) -> str:
    """Return what an application is called: each test may make its own instance."""
    if is_django_client(client):
        return "Django"
    application = client.application
    if is_of(application, "flask", "Flask"):
        return str(application.import_name)
    named = application if hasattr(application, "__qualname__") else type(application)
    return f"{named.__module__}.{named.__qualname__}"
