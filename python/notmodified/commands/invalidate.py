"""`notmodified invalidate`: have the validator cache forget a path, a URL, groups, or everything."""

from __future__ import annotations

import functools
import json
import os
import sys
from typing import TYPE_CHECKING

from notmodified import ConfigError, NoStoreError, StoreError, invalidate
from notmodified._core import has_stores
from notmodified.invalidation import configured

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from notmodified import Config

STATUS = "Exit status: 0 if it is done, 1 if there is no store to forget anything from, 2 if it is not done."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `invalidate` to the command line."""
    parser = commands.add_parser(
        "invalidate",
        help="have the validator cache forget a path, a URL, groups, or everything",
        description="Have the validator cache of this host forget stored responses: when this is done, "
        "the next request for them runs the application, in every worker. The store is that of the "
        "configuration, and of the user who runs this: run it as the user of the server. " + STATUS,
    )
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="PATH|URL",
        help="a path, with every host, query and variant of it; or a URL, exactly that",
    )
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="NAME",
        help="a cache group (RFC 9875); may be repeated",
    )
    parser.add_argument("--all", action="store_true", help="everything in the store")
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="the configuration of the server (default: the setting NOTMODIFIED of Django's settings that "
        "DJANGO_SETTINGS_MODULE names, else the file that NOTMODIFIED_CONFIG names)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.set_defaults(run=functools.partial(_run, parser))


class NotForgottenError(Exception):
    """Nothing was forgotten: why, and the exit status that says so."""

    def __init__(self, why: str, status: int) -> None:
        """Take both."""
        super().__init__(why)
        self.status = status


def forget(
    targets: Sequence[str], groups: Sequence[str], *, everything: bool, config: Config | None = None
) -> str:
    """Invalidate what is named and return the line that says so.

    Raises NotForgottenError; what comes before a target that is wrong is forgotten all the same.
    """
    try:
        for target in targets:
            invalidate(target, config=config)
        if groups or everything:
            invalidate(groups=groups, everything=everything, config=config)
    except NoStoreError as error:
        raise NotForgottenError(str(error), 1) from error
    except (LookupError, OSError, StoreError, ValueError) as error:
        raise NotForgottenError(str(error), 2) from error
    named = [*targets, *(f"group {group}" for group in groups), *(["everything"] if everything else [])]
    return f"forgotten: {', '.join(named)}"


def forget_of_app(
    application: object, targets: Sequence[str], groups: Sequence[str], *, everything: bool
) -> str:
    """Do so in the stores of an application, which it has as long as it lives, and tell its hooks."""
    if not targets and not groups and not everything:
        why = "nothing to invalidate: give a path, a URL, --group or --all"
        raise NotForgottenError(why, 2)
    if not has_stores(shared=True):
        why = f'{application!r} has no store that a server shares: configure one, such as store = "host"'
        raise NotForgottenError(why, 2)
    return forget(targets, groups, everything=everything)


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    targets: list[str] = arguments.targets
    groups: list[str] = arguments.group
    everything: bool = arguments.all
    if not targets and not groups and not everything:
        parser.error("nothing to invalidate: give a path, a URL, --group or --all")
    # As servers do: the settings of a site are imported, and clients of a store.
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib takes longer to import than this to run
    try:
        config = configured(arguments.config, "--config")
        line = forget(targets, groups, everything=everything, config=config)
    except (ConfigError, LookupError, NotForgottenError, OSError) as error:
        if arguments.json:
            print(json.dumps({"invalidated": False, "error": str(error)}, indent=2))
        else:
            print(f"notmodified invalidate: {error}", file=sys.stderr)
        return error.status if isinstance(error, NotForgottenError) else 2
    if arguments.json:
        facts = {"invalidated": True, "targets": targets, "groups": groups, "everything": everything}
        print(json.dumps(facts, indent=2))
    else:
        print(line)
    return 0
