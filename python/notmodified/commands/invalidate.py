"""`notmodified invalidate`: have the validator cache forget a path, a URL, groups, or everything."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from notmodified import ConfigError, StoreError, invalidate

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `invalidate` to the command line."""
    parser = commands.add_parser(
        "invalidate",
        help="have the validator cache forget a path, a URL, groups, or everything",
        description="Have the validator cache of this host forget stored responses: when this is done, "
        "the next request for them runs the application, in every worker. The store is that of the "
        "configuration. Exit status: 0 if it is done, 2 if it is not.",
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
        help="the configuration of the server (default: the file that NOTMODIFIED_CONFIG names)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    targets: list[str] = arguments.targets
    groups: list[str] = arguments.group
    try:
        for target in targets:
            invalidate(target, config=arguments.config)
        if groups or arguments.all or not targets:
            invalidate(groups=groups, everything=arguments.all, config=arguments.config)
    except (ConfigError, LookupError, OSError, StoreError, ValueError) as error:
        if arguments.json:
            print(json.dumps({"invalidated": False, "error": str(error)}, indent=2))
        else:
            print(f"notmodified invalidate: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        facts = {"invalidated": True, "targets": targets, "groups": groups, "everything": arguments.all}
        print(json.dumps(facts, indent=2))
    else:
        named = [
            *targets,
            *(f"group {group}" for group in groups),
            *(["everything"] if arguments.all else []),
        ]
        print(f"forgotten: {', '.join(named)}")
    return 0
