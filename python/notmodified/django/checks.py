"""System checks: what in the settings keeps notmodified from doing its work, and which line to change.

`manage.py check --tag notmodified` runs these alone. Errors are what would stop the server from starting.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from django import conf as django_conf
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from notmodified.django import conf

TAG = "notmodified"


def check_settings(**_: object) -> list[CheckMessage]:
    """Check the setting itself, and that there is none that only looks like it."""
    messages: list[CheckMessage] = []
    try:
        conf.core()
    except ImproperlyConfigured as error:
        hint = "`notmodified config check FILE` says the same of a file, docs/configuration.md has every key."
        messages.append(Error(str(error), hint=hint, id="notmodified.E001"))
    for name in dir(django_conf.settings):
        if name == "NOTMODIFIED" or not name.isupper():
            continue
        if name.startswith("NOTMODIFIED_"):
            key = name.removeprefix("NOTMODIFIED_").lower()
            hint = f"Write NOTMODIFIED = {{{key!r}: ...}} in its place."
        elif difflib.SequenceMatcher(None, name, "NOTMODIFIED").ratio() > 0.9:  # noqa: PLR2004 - as NOT_MODIFIED
            hint = "Call it NOTMODIFIED."
        else:
            continue
        messages.append(Warning(f"Nothing reads the setting {name}.", hint=hint, id="notmodified.W006"))
    return messages


def check_static_files(**_: object) -> list[CheckMessage]:
    """Check that the versions of static files can be had, where our storage is to say them."""
    backend = (django_conf.settings.STORAGES.get("staticfiles") or {}).get("BACKEND")
    if backend != conf.STORAGE or django_conf.settings.DEBUG:
        return []
    try:
        len(storages["staticfiles"].versions)
    except ImproperlyConfigured as error:
        hint = "Run `manage.py collectstatic` where these settings hold, after each change of a static file."
        return [Warning(str(error), hint=hint, id="notmodified.W007")]
    return []


_CSRF = "django.middleware.csrf.CsrfViewMiddleware"
_CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"

# What must not be outside of us, and why.
_INSIDE = {
    "django.middleware.common.CommonMiddleware": "it gives each 304 a Content-Length",
    "django.middleware.locale.LocaleMiddleware": "it gives each 304 a Content-Language",
    "django.middleware.cache.UpdateCacheMiddleware": (
        "it stores no page that is answered with 304, so a page that clients only revalidate is never cached"
    ),
}


def check_middleware(**_: object) -> list[CheckMessage]:
    """Check what stands beside us in MIDDLEWARE, and on which side."""
    entries = conf.entries()
    ours = [entry for entry in entries if entry.is_a(conf.OURS)]
    # Without one there is a wrapper around all of Django.
    place = ours[0].place if ours else -1
    messages: list[CheckMessage] = [
        Warning(
            f"{again} is there a second time, and does nothing inside the first.",
            hint=f"Remove {again}.",
            id="notmodified.W003",
        )
        for again in ours[1:]
    ]
    for entry in entries:
        if entry.is_a(_CONDITIONAL):
            messages.append(
                Warning(
                    f"{entry} judges conditional requests too, and its 304 loses most fields of the page.",
                    hint=f"Remove {entry}: notmodified does what it did.",
                    id="notmodified.W001",
                )
            )
        elif entry.is_a(conf.GZIP) and entry.place > place:
            where = f"Move {entry} above {ours[0]}" if ours else f"Remove {entry}"
            messages.append(
                Warning(
                    f"{entry} compresses each page before notmodified sees it: also one that then need not "
                    "be sent; and one with a CSRF token or a nonce, which can't be masked then, gets no 304.",
                    hint=f"{where}, or let the server in front of Django compress.",
                    id="notmodified.W002",
                )
            )
        elif entry.place < place:
            messages.extend(
                Warning(
                    f"{entry} is outside of notmodified: {reason}.",
                    hint=f"Move {ours[0]} above {entry}; first of all is best.",
                    id="notmodified.W004",
                )
                for path, reason in _INSIDE.items()
                if entry.is_a(path)
            )
    return messages


def check_csrf(**_: object) -> list[CheckMessage]:
    """Tell of pages with CSRF tokens, until the setting has an `etag.ignore`, be it an empty one."""
    entries = conf.entries()
    guarding = next((entry for entry in entries if entry.is_a(_CSRF)), None)
    if guarding is None or not any(entry.is_a(conf.OURS) for entry in entries) or _has_decided():
        return []
    return [
        Info(
            f"Pages with a CSRF token ({guarding}) differ in each response, so they never get a 304.",
            hint=(
                "Add 'etag': {'ignore': ['django-csrf']} to NOTMODIFIED, which masks the token; "
                "docs/volatile.md says when that is safe. {'ignore': []} leaves it, without this message."
            ),
            id="notmodified.I001",
        )
    ]


def _has_decided() -> bool:
    value = getattr(django_conf.settings, "NOTMODIFIED", None)
    if isinstance(value, Mapping) and "etag" in value:
        return True
    try:
        config = conf.configuration()
    except ImproperlyConfigured:  # of which check_settings speaks
        return True
    return bool(config.ignore) or any(policy["ignore"] for policy in config.policies)
