"""What the settings say: NOTMODIFIED, and what stands beside us in MIDDLEWARE."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import conf
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from notmodified._core import Config, NotModified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OURS = "notmodified.django.NotModifiedMiddleware"
STORAGE = "notmodified.django.storage.VersionedStaticFilesStorage"
GZIP = "django.middleware.gzip.GZipMiddleware"


def configuration() -> Config:
    """Read the setting NOTMODIFIED: a mapping with the keys of notmodified.toml, or a path to such a file.

    Raises ImproperlyConfigured, which names the setting, the key, the value seen and what would be right.
    """
    value: Any = getattr(conf.settings, "NOTMODIFIED", None)
    with _named():
        if isinstance(value, Config):
            return value
        if value is None or isinstance(value, Mapping):
            return Config.from_mapping(value or {})
        return Config.load(value)


def core() -> NotModified:
    """Make what judges; raises ImproperlyConfigured as `configuration` does."""
    with _named():
        core = NotModified(_never_called, configuration())
    if core.asks_application:
        msg = (
            'NOTMODIFIED: preconditions = "get" asks the application with a GET, which a middleware cannot: '
            "wrap the WSGI application in notmodified.NotModified, or decorate the views with "
            "notmodified.django.conditional"
        )
        raise ImproperlyConfigured(msg)
    return core


@contextmanager
def _named() -> Iterator[None]:
    """Name the setting in what is raised."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        msg = f"NOTMODIFIED: {str(error).removeprefix('mapping: ')}"
        raise ImproperlyConfigured(msg) from error


def _never_called(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Stand for the application, which Django runs itself."""
    raise NotImplementedError


@dataclass(frozen=True)
class Entry:
    """A line of MIDDLEWARE."""

    path: str
    place: int
    middleware: Any

    def is_a(self, path: str) -> bool:
        """Tell whether it is the class of that path or one derived from it."""
        if self.path == path:
            return True
        return isinstance(self.middleware, type) and issubclass(self.middleware, import_string(path))

    def __str__(self) -> str:
        """Return how to find the line."""
        return f"{self.path!r} (MIDDLEWARE[{self.place}])"


def entries() -> list[Entry]:
    """Return the lines of MIDDLEWARE; what can't be imported, which Django says at start-up, is nothing."""
    found = []
    for place, path in enumerate(conf.settings.MIDDLEWARE):
        middleware = None
        with suppress(ImportError):
            middleware = import_string(path)
        found.append(Entry(path, place, middleware))
    return found


def is_compressed_outside() -> bool:
    """Tell whether Django compresses what has come through us."""
    lines = entries()
    ours = next((entry.place for entry in lines if entry.is_a(OURS)), -1)
    return any(entry.place < ours and entry.is_a(GZIP) for entry in lines)
