"""`manage.py check_caching`: what breaks the caching of this project's pages, and the line that ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import conf
from django.core.management.base import BaseCommand, CommandError
from django.http.request import validate_host

from notmodified.check.report import NotAPathError, report
from notmodified.check.subject import Subject
from notmodified.severity import FAIL_ON

if TYPE_CHECKING:
    from argparse import ArgumentParser

_VERBOSE = 2


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    """The command."""

    help = (
        "Says what breaks the caching of this project's pages, which bytes show it, and the line that ends "
        "it. WSGI_APPLICATION is asked in this process, with safe methods only. Exit status: 0 fine, "
        "1 findings at or above --fail-on, 2 usage or input error."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012  Django's own commands have it so

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what `notmodified check` has too."""
        parser.add_argument("paths", nargs="*", metavar="PATH", help="paths to audit (default: /)")
        parser.add_argument(
            "--fail-on",
            choices=FAIL_ON,
            default="error",
            help="exit with 1 if there is a finding so bad (default: error)",
        )
        parser.add_argument("--cookie", metavar="PAIRS", help="cookies that each request has: a=1; b=2")
        parser.add_argument("--host", help="the host to ask for (default: one that ALLOWED_HOSTS allows)")
        parser.add_argument("--json", action="store_true", help="print one JSON document instead")

    def handle(self, *_: object, **options: Any) -> None:
        """Audit; raises CommandError, whose `returncode` is 1 for findings and 2 for input that is wrong."""
        from django.core.servers.basehttp import get_internal_wsgi_application  # noqa: PLC0415  needs settings

        scheme = "https" if conf.settings.SECURE_SSL_REDIRECT else "http"
        subject = Subject.at(get_internal_wsgi_application(), options["host"] or _host(), scheme=scheme)
        try:
            lines, is_bad = report(
                replace(subject, cookie=options["cookie"], is_asgi=False),
                options["paths"],
                fail_on=options["fail_on"],
                as_json=options["json"],
                verbose=options["verbosity"] >= _VERBOSE,
            )
        except NotAPathError as error:
            raise CommandError(str(error), returncode=2) from error
        for line in lines:
            self.stdout.write(line)
        if is_bad:
            msg = f"findings at or above --fail-on {options['fail_on']}"
            raise CommandError(msg, returncode=1)


def _host() -> str:
    """Return a host that the project answers at."""
    allowed = conf.settings.ALLOWED_HOSTS
    if not allowed or validate_host("localhost", allowed):
        return "localhost"
    first: str = allowed[0]
    return f"www{first}" if first.startswith(".") else first
