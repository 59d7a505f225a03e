"""HTTP caching of Python web apps: right, cheap and visible.

Wrap a WSGI application and every response has a validator, every precondition is judged as RFC 9110 §13
says, and unchanged content is answered with 304:

    from notmodified import NotModified

    application = NotModified(application)
"""

from notmodified._core import (
    CacheControl,
    Config,
    ConfigError,
    EntityTag,
    NotModified,
    __version__,
    evaluate,
)
from notmodified.decision import Decision
from notmodified.wrap import wrap

__all__ = [
    "CacheControl",
    "Config",
    "ConfigError",
    "Decision",
    "EntityTag",
    "NotModified",
    "__version__",
    "evaluate",
    "wrap",
]
