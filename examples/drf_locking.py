"""Optimistic locking with Django REST framework: no update is lost, whoever writes at the same time.

pip install django djangorestframework gunicorn
gunicorn --workers 4 drf_locking     (DATABASE says where the database is)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DATABASE", "documents.db"),
            "OPTIONS": {"timeout": 30},
        }
    },
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY="an example has no secrets",
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - needs the settings, as all below
from django.db import IntegrityError, connection, models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from notmodified import NotModified  # noqa: E402
from notmodified.django import conditional  # noqa: E402

if TYPE_CHECKING:
    from rest_framework.request import Request


class Document(models.Model):
    name = models.CharField(max_length=100, primary_key=True)
    value = models.IntegerField()
    version = models.IntegerField()  # each write counts it up: it is the entity-tag

    class Meta:
        app_label = "documents"

    def __str__(self) -> str:
        return self.name


with connection.cursor() as cursor:
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS documents_document "
        "(name VARCHAR(100) PRIMARY KEY, value INTEGER NOT NULL, version INTEGER NOT NULL)"
    )
connection.close()  # no worker gets the master's


def version(_request: Request, name: str) -> str | None:
    """Tell the current entity-tag: one small query."""
    found = Document.objects.filter(name=name).values_list("version", flat=True).first()
    return None if found is None else f'"{found}"'


class DocumentView(APIView):
    # On the handlers, so that REST framework has authenticated before anything is judged.
    @conditional(version)
    def get(self, _request: Request, name: str) -> Response:
        document = Document.objects.filter(name=name).first()
        return Response({"value": document.value} if document else None, status=200 if document else 404)

    @conditional(version, require=True)
    def put(self, request: Request, name: str) -> Response:
        value = int(request.data["value"])
        judged = request.META["notmodified.validator"]
        try:
            if judged is None:
                Document.objects.create(name=name, value=value, version=1)
                return Response(status=201, headers={"ETag": '"1"'})
        except IntegrityError:  # somebody else created it meanwhile
            return Response({"title": "Precondition Failed", "status": 412}, status=412)
        # What was judged stands in the WHERE: another worker may have written since.
        seen = int(judged.etag.opaque)
        changed = Document.objects.filter(name=name, version=seen).update(value=value, version=seen + 1)
        if not changed:
            return Response({"title": "Precondition Failed", "status": 412}, status=412)
        return Response(status=204, headers={"ETag": f'"{seen + 1}"'})


urlpatterns = [path("documents/<name>", DocumentView.as_view())]
application = NotModified(get_wsgi_application())
