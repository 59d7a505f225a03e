"""The least that a Django site can do with."""

from __future__ import annotations

SECRET_KEY = "for an example on this machine only"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "django_site.urls"
WSGI_APPLICATION = "django_site.wsgi.application"
USE_TZ = True
# Without ConditionalGetMiddleware: NotModified, around all of Django, does what it did.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
