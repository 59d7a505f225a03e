"""A Django site in one file: static files with versions in their URLs, served by the middleware class.

python shop.py collectstatic --no-input && gunicorn shop:application
"""

from __future__ import annotations

import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

HERE = Path(__file__).resolve().parent
COLLECTED = HERE / "collected"

settings.configure(
    SECRET_KEY="for an example on this machine only",
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    INSTALLED_APPS=["django.contrib.staticfiles", "notmodified.django"],
    MIDDLEWARE=["notmodified.django.NotModifiedMiddleware"],
    STATIC_URL="/static/",
    STATICFILES_DIRS=[HERE / "static"],
    STATIC_ROOT=COLLECTED,
    # `{% static %}` says the versions, and collectstatic writes the files under them.
    STORAGES={"staticfiles": {"BACKEND": "notmodified.django.storage.VersionedStaticFilesStorage"}},
    # The middleware serves them, and says how long they may be kept.
    NOTMODIFIED={
        "assets": {"/static/": str(COLLECTED), "serve": True},
        "policy": [{"path": "/**", "media_type": "text/html", "preset": "page"}],
    },
)

PAGE = """{% load static %}<!doctype html>
<title>Versioned URLs</title>
<link rel="stylesheet" href="{% static 'css/app.css' %}">
<h1>Versioned URLs</h1>
"""


def page(_: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render())


urlpatterns = [path("", page)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
else:
    application = get_wsgi_application()
