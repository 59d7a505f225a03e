"""The system checks: each says what is wrong and which line to change, and none speaks without need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from apps.django_settings import configure

configure()

from django.middleware.gzip import GZipMiddleware  # noqa: E402 - needs the settings, as all below
from django.test import override_settings  # noqa: E402

from notmodified.django import NotModifiedMiddleware, checks  # noqa: E402

OURS = "notmodified.django.NotModifiedMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"


class MyMiddleware(NotModifiedMiddleware):
    """As a project may derive it."""


class MyGZipMiddleware(GZipMiddleware):
    """As a project may derive it."""


def function_middleware(get_response):
    return get_response


HERE = __name__


def found(*middleware, **settings):
    """Return what the checks say of such settings."""
    with override_settings(MIDDLEWARE=list(middleware), **settings):
        return [*checks.check_settings(), *checks.check_middleware(), *checks.check_csrf()]


def one(*middleware, **settings):
    (message,) = found(*middleware, **settings)
    return message


@pytest.mark.parametrize(
    "middleware",
    [
        (OURS,),
        (OURS, SECURITY, SESSION, COMMON, LOCALE),
        (SECURITY, OURS, SESSION, COMMON),
        (GZIP, OURS, COMMON),
        (OURS, UPDATE, COMMON, FETCH),
        (SECURITY, SESSION, COMMON, UPDATE, FETCH),  # inside a wrapper around all of Django
        (f"{HERE}.function_middleware", OURS, "no.such.Middleware"),
    ],
)
def test_what_is_right_is_passed_over(middleware):
    assert found(*middleware, NOTMODIFIED={"max_body": 1000}) == []


@pytest.mark.parametrize("middleware", [(CONDITIONAL, OURS), (OURS, CONDITIONAL), (CONDITIONAL,)])
def test_w001_conditional_get_beside_it(middleware):
    message = one(*middleware)
    assert message.id == "notmodified.W001"
    place = middleware.index(CONDITIONAL)
    assert f"Remove '{CONDITIONAL}' (MIDDLEWARE[{place}])" in message.hint


def test_w002_compression_inside():
    message = one(OURS, COMMON, GZIP)
    assert message.id == "notmodified.W002"
    assert f"Move '{GZIP}' (MIDDLEWARE[2]) above '{OURS}' (MIDDLEWARE[0])" in message.hint


def test_w002_compression_inside_a_wrapper():
    message = one(SECURITY, GZIP)
    assert message.id == "notmodified.W002"
    assert f"Remove '{GZIP}' (MIDDLEWARE[1])" in message.hint


def test_w002_derived_classes_count_as_what_they_are_derived_from():
    message = one(f"{HERE}.MyMiddleware", f"{HERE}.MyGZipMiddleware")
    assert message.id == "notmodified.W002"


def test_w003_twice():
    message = one(OURS, SECURITY, OURS)
    assert message.id == "notmodified.W003"
    assert message.hint == f"Remove '{OURS}' (MIDDLEWARE[2])."


@pytest.mark.parametrize(
    ("outside", "why"), [(COMMON, "Content-Length"), (LOCALE, "Content-Language"), (UPDATE, "never cached")]
)
def test_w004_too_deep(outside, why):
    message = one(SECURITY, outside, OURS)
    assert message.id == "notmodified.W004"
    assert why in message.msg
    assert f"Move '{OURS}' (MIDDLEWARE[2]) above '{outside}' (MIDDLEWARE[1])" in message.hint


def test_w004_says_the_truth():
    """What it warns of happens."""
    from django.http import HttpResponse
    from django.middleware.common import CommonMiddleware
    from django.middleware.locale import LocaleMiddleware
    from django.test import RequestFactory

    ours = NotModifiedMiddleware(lambda _: HttpResponse("page"))
    request = RequestFactory().get("/", HTTP_IF_NONE_MATCH="*")
    assert CommonMiddleware(ours)(request)["Content-Length"] == "0"
    assert LocaleMiddleware(ours)(request)["Content-Language"]


PRESET = {"ignore": ["django-csrf"]}


def test_i001_pages_with_tokens():
    message = one(OURS, SESSION, CSRF, NOTMODIFIED={"max_body": 1000})
    assert message.id == "notmodified.I001"
    assert not message.is_serious()
    assert f"'{CSRF}' (MIDDLEWARE[2])" in message.msg
    assert "'etag': {'ignore': ['django-csrf']}" in message.hint


@pytest.mark.parametrize(
    "settings", [{"etag": PRESET}, {"etag": {"ignore": []}}, {"policy": [{"path": "/f/**", "etag": PRESET}]}]
)
def test_i001_is_silent_once_it_is_decided(settings):
    assert found(OURS, SESSION, CSRF, NOTMODIFIED=settings) == []


def test_i001_is_silent_where_there_is_nothing_to_say(tmp_path):
    (tmp_path / "notmodified.toml").write_text("etag = { ignore = ['django-csrf'] }\n")
    assert found(OURS, SESSION, CSRF, NOTMODIFIED=tmp_path / "notmodified.toml") == []
    assert found(OURS, SESSION) == []
    assert found(SESSION, CSRF) == []  # a wrapper has a configuration of its own
    assert one(OURS, CSRF, NOTMODIFIED={"max_bodi": 1}).id == "notmodified.E001"


def test_e001_a_wrong_setting():
    message = one(OURS, NOTMODIFIED={"max_bodi": 1})
    assert message.id == "notmodified.E001"
    assert message.is_serious()
    assert message.msg == "NOTMODIFIED: max_bodi = 1: no such key, did you mean max_body?"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NOTMODIFIED_MAX_BODY", "Write NOTMODIFIED = {'max_body': ...} in its place."),
        ("NOT_MODIFIED", "Call it NOTMODIFIED."),
        ("NOTMODFIED", "Call it NOTMODIFIED."),
    ],
)
def test_w006_a_setting_that_nothing_reads(name, hint):
    message = one(OURS, **{name: 1})
    assert (message.id, message.hint) == ("notmodified.W006", hint)
    assert name in message.msg


SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["notmodified.django"]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "notmodified.django.NotModifiedMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
]
"""


def manage(tmp_path, settings, *arguments):
    """Run a command of Django's on such a project."""
    (tmp_path / "site_settings.py").write_text(settings)
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments, "--settings=site_settings"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_manage_py_check_shows_them(tmp_path):
    finished = manage(tmp_path, SETTINGS, "check")
    assert finished.returncode == 0
    for word in ("(notmodified.W001)", "(notmodified.W004)", "MIDDLEWARE[2]"):
        assert word in finished.stderr
    assert "identified 2 issues" in finished.stderr
    failing = manage(tmp_path, SETTINGS, "check", "--tag", "notmodified", "--fail-level", "WARNING")
    assert failing.returncode == 1


def test_a_wrong_configuration_fails_it(tmp_path):
    finished = manage(tmp_path, SETTINGS + "NOTMODIFIED = {'policy': [{'pat': '/'}]}\n", "check")
    assert finished.returncode == 1
    assert "(notmodified.E001) NOTMODIFIED: policy[0].pat" in finished.stderr


def test_they_can_be_silenced(tmp_path):
    silenced = "SILENCED_SYSTEM_CHECKS = ['notmodified.W001', 'notmodified.W004']\n"
    finished = manage(tmp_path, SETTINGS + silenced, "check")
    assert "no issues (2 silenced)" in finished.stdout
