"""`flask caching check`: Flask's command line finds it as soon as notmodified is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from flask.cli import ScriptInfo, pass_script_info

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group()
def caching() -> None:
    """HTTP caching of this app (notmodified)."""


@caching.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error", "never"]),
    default="error",
    show_default=True,
    help="Exit with 1 if there is a finding so bad.",
)
@click.option("--cookie", help="Cookies that each request has: a=1; b=2")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.option("--verbose", "-v", is_flag=True, help="Show the heads of what shows a finding.")
@pass_script_info
def check(
    info: ScriptInfo,
    /,
    paths: Sequence[str],
    cookie: str | None,
    **how: Any,
) -> None:
    """Say what breaks the caching of PATHs of this app (default: /).

    The app is asked in this process, as `notmodified check --app` does it, at its own SERVER_NAME. Exit
    status: 0 fine, 1 findings at or above --fail-on, 2 usage or input error.
    """
    # Flask loads this module for each of its commands: what only this one needs is loaded here.
    from notmodified.check.report import NotAPathError, report  # noqa: PLC0415
    from notmodified.flask.in_process import subject_of  # noqa: PLC0415

    app = info.load_app()
    try:
        lines, is_bad = report(subject_of(app, cookie), paths, **how)
    except NotAPathError as error:
        raise click.UsageError(str(error)) from error
    for line in lines:
        click.echo(line)
    if is_bad:
        raise click.exceptions.Exit(1)
