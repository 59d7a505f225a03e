"""`flask caching check` and `flask caching invalidate`: Flask's command line finds them."""

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


@caching.command()
@click.argument("targets", nargs=-1, metavar="[PATH|URL]...")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A cache group; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Everything in the store.")
@pass_script_info
def invalidate(
    info: ScriptInfo,
    /,
    targets: Sequence[str],
    groups: Sequence[str],
    *,
    everything: bool,
) -> None:
    """Have the validator cache of this app forget paths, URLs, groups, or everything.

    As `notmodified invalidate`, with the app's own configuration, and its hooks of on_invalidate are told.
    Run it as the user of the server. Exit status: 0 if it is done, 1 if there is no store to forget anything
    from, 2 if it is not done.
    """
    from notmodified.commands.invalidate import NotForgottenError, forget_of_app  # noqa: PLC0415

    app = info.load_app()
    try:
        click.echo(forget_of_app(app, targets, groups, everything=everything))
    except NotForgottenError as error:
        click.echo(f"{app.name}: {error}", err=True)
        raise click.exceptions.Exit(error.status) from error
