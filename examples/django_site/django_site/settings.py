"""The least that a Django site can do with."""

from __future__ import annotations

import os

SECRET_KEY = "for an example on this machine only"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "django_site.urls"
WSGI_APPLICATION = "django_site.wsgi.application"
USE_TZ = True
INSTALLED_APPS = ["notmodified.django"]  # for its system checks: `manage.py check`
# First, so that it sees what goes out. ConditionalGetMiddleware is not there any more: this does what it did.
MIDDLEWARE = [
    "notmodified.django.NotModifiedMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
# The keys of notmodified.toml, or the path of such a file. May be left out.
NOTMODIFIED = {
    "policy": [{"path": "/api/**", "cache_control": {"no_cache": True}}],
    # The validator cache, for what says Notmodified-Cache-Control: the view of /note.
    "store": "host",
    "release": os.environ.get("GIT_SHA", "development"),
    # Each response says what the cache did; it answers who has something, so ask with the ETag of a 200:
    # curl -i -H 'If-None-Match: "…"' URL
    "cache_status": True,
}
