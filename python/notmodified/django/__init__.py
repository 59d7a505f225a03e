"""Django's face of notmodified: a middleware class for WSGI and ASGI, its settings and system checks.

# settings.py
INSTALLED_APPS = ["notmodified.django", ...]  # for the system checks
MIDDLEWARE = ["notmodified.django.NotModifiedMiddleware", ...]  # first
NOTMODIFIED = {"policy": [...]}  # may be left out: the keys of notmodified.toml, or a path to one

The middleware works without the application; without it nobody runs the checks.
"""

from notmodified.django.cache_policy import cache_policy
from notmodified.django.conditional import conditional
from notmodified.django.middleware import NotModifiedMiddleware, stats
from notmodified.django.signals import invalidates

__all__ = ["NotModifiedMiddleware", "cache_policy", "conditional", "invalidates", "stats"]
