"""A site in Django with forms, logins, nonces and compression: pages that differ in each response.

`NOTMODIFIED_TEST_VARIANT` names what is otherwise: `sessions` keeps the CSRF secret in the session,
`gzip-inside` has GZipMiddleware below NotModified, `gzip-outside` a WSGI compressor around it, and with
`not-configured` nothing is masked.
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.conf import settings

from apps.gzip_wsgi import Gzip
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

VARIANT = os.environ.get("NOTMODIFIED_TEST_VARIANT", "plain")
FOLDER = Path(os.environ.get("NOTMODIFIED_TEST_FOLDER", tempfile.gettempdir()))

settings.configure(
    SECRET_KEY="nothing secret is signed with it",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="apps.forms_django",
    MIDDLEWARE=[
        *(["django.middleware.gzip.GZipMiddleware"] if VARIANT == "gzip-inside" else []),
        "apps.forms_django.security_policy",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.sqlite3"}},
    SESSION_ENGINE="django.contrib.sessions.backends.file",
    SESSION_FILE_PATH=str(FOLDER),
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    CSRF_USE_SESSIONS=VARIANT == "sessions",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    USE_TZ=True,
    LOGGING_CONFIG=None,
)
django.setup()

from django.contrib.auth import login  # noqa: E402 - needs the settings
from django.contrib.auth.models import User  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse as Response  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402

if not (FOLDER / "site.sqlite3").exists():
    call_command("migrate", verbosity=0)
    User.objects.create_user("alice", password="alice")

PAGE = engines["django"].from_string("""<!doctype html>
<html><head><meta name="csrf-token" content="{{ csrf_token }}"></head>
<body hx-headers='{"X-CSRFToken": "{{ csrf_token }}"}'>
<p>An article that does not change. {% for n in numbers %}Sentence number {{ n }}. {% endfor %}</p>
<form method="post" action="/comment">{% csrf_token %}<input name="text"><button>Send</button></form>
<form method="post"><input value='{{ csrf_token }}' type='hidden' name='csrfmiddlewaretoken'></form>
<script>const csrftoken = "{{ csrf_token }}";</script>
</body></html>
""")
SCRIPTS = engines["django"].from_string("""<!doctype html>
<script nonce="{{ nonce }}">window.ready = true</script>
<style nonce='{{ nonce }}'>p { color: red }</style>
""")


def article(request: HttpRequest) -> HttpResponse:
    return Response(PAGE.render({"numbers": range(60)}, request))


def static(request: HttpRequest) -> HttpResponse:
    return Response(b"<!doctype html><p>A page without a form, the same each time.</p>" * 20)


def token(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"csrfToken": get_token(request)})


def comment(request: HttpRequest) -> HttpResponse:
    return Response(f"thank you for {request.POST['text']}")


def enter(request: HttpRequest) -> HttpResponse:
    login(request, User.objects.get(username="alice"))
    return Response("welcome")


def scripts(request: HttpRequest) -> HttpResponse:
    return Response(SCRIPTS.render({"nonce": request.csp_nonce}, request))


def security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Send a Content-Security-Policy with a nonce of its own each time, as django-csp does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.csp_nonce = base64.b64encode(os.urandom(16)).decode()
        response = get_response(request)
        more = request.GET.get("more", "")
        response["Content-Security-Policy"] = f"script-src 'self' 'nonce-{request.csp_nonce}' {more}"
        return response

    return middleware


urlpatterns = [
    path("article", article),
    path("static", static),
    path("token", token),
    path("comment", comment),
    path("login", enter),
    path("scripts", scripts),
]

ignore = [] if VARIANT == "not-configured" else ["django-csrf", "csp-nonce"]
application = NotModified(WSGIHandler(), etag={"ignore": ignore})
if VARIANT == "gzip-outside":
    application = Gzip(application)
