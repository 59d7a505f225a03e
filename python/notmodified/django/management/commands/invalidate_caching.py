"""`manage.py invalidate_caching`: have the validator cache of this project forget something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from notmodified.commands.invalidate import STATUS, NotForgottenError, forget_of_app

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    """The command."""

    help = (
        "Has the validator cache of this project forget paths, URLs, groups, or everything, as notmodified "
        "invalidate does. WSGI_APPLICATION is loaded, and its hooks of on_invalidate are told. Run it as the "
        "user of the server. " + STATUS
    )
    requires_system_checks: list[str] = []  # noqa: RUF012  Django's own commands have it so

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what `notmodified invalidate` has too."""
        parser.add_argument("targets", nargs="*", metavar="PATH|URL", help="paths, or URLs, to forget")
        parser.add_argument(
            "--group", action="append", default=[], metavar="NAME", help="a cache group; may be repeated"
        )
        parser.add_argument("--all", action="store_true", help="everything in the store")

    def handle(self, *_: object, **options: Any) -> None:
        """Forget; raises CommandError, whose `returncode` is the exit status."""
        from django.core.servers.basehttp import get_internal_wsgi_application  # noqa: PLC0415  needs settings

        application = get_internal_wsgi_application()
        try:
            line = forget_of_app(application, options["targets"], options["group"], everything=options["all"])
        except NotForgottenError as error:
            raise CommandError(str(error), returncode=error.status) from error
        self.stdout.write(line)
