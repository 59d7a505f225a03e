"""`manage.py caching_routes`: a project's routes, for `notmodified logs --routes`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notmodified.django.routes import templates


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    """The command."""

    help = "Prints this project's routes as path templates, one a line: what notmodified logs --routes reads."
    requires_system_checks: list[str] = []  # noqa: RUF012  Django's own commands have it so

    def handle(self, **_: Any) -> None:
        """Print them."""
        try:
            for template in templates():
                self.stdout.write(template)
        except ValueError as error:
            raise CommandError(str(error)) from error
