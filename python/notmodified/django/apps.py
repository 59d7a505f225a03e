"""The application for INSTALLED_APPS, which brings the system checks."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.core.checks import register


class NotModifiedConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """What Django knows of `notmodified.django`."""

    name = "notmodified.django"
    label = "notmodified"
    verbose_name = "notmodified"

    def ready(self) -> None:
        """Register the system checks."""
        checks = import_module("notmodified.django.checks")
        for name in ("check_settings", "check_middleware", "check_csrf", "check_static_files"):
            register(getattr(checks, name), checks.TAG)
