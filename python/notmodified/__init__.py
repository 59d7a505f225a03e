"""HTTP caching of Python web apps: right, cheap and visible.

Wrap a WSGI application and every response has a validator, every precondition is judged as RFC 9110 §13
says, and unchanged content is answered with 304:

    from notmodified import NotModified

    application = NotModified(application)
"""

import importlib
from typing import TYPE_CHECKING

from notmodified._core import (
    ASK_APP,
    Assets,
    CacheControl,
    Config,
    ConfigError,
    EntityTag,
    NotModified,
    Representation,
    StoreError,
    __version__,
    asset_url,
    evaluate,
)
from notmodified.decision import Decision
from notmodified.wrap import wrap

if TYPE_CHECKING:
    from notmodified.invalidation import Invalidated, NoStoreError, invalidate, on_invalidate

__all__ = [
    "ASK_APP",
    "Assets",
    "CacheControl",
    "Config",
    "ConfigError",
    "Decision",
    "EntityTag",
    "Invalidated",
    "NoStoreError",
    "NotModified",
    "Representation",
    "StoreError",
    "__version__",
    "asset_url",
    "evaluate",
    "invalidate",
    "on_invalidate",
    "wrap",
]


def __getattr__(name: str) -> object:
    """Import what most processes never ask for when it is asked for (PEP 562): it is much of the import."""
    if name not in {"Invalidated", "NoStoreError", "invalidate", "on_invalidate"}:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name, obj=importlib.import_module(__name__))
    found: object = getattr(importlib.import_module("notmodified.invalidation"), name)
    globals()[name] = found
    return found
