"""`notmodified logs`: what in an access log was needless, and which setting ends it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import TYPE_CHECKING, cast

from notmodified import Config
from notmodified._core import analyse_logs
from notmodified.commands.reporting import Reporting, has_rich
from notmodified.report import text
from notmodified.report.words import clean, counted
from notmodified.severity import FAIL_ON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from notmodified.report.document import Document

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_LEAST_MEMORY = 128 << 20
_CLIENT_CACHE = 256 << 20
# Bytes from which reading takes long enough for a bar.
_LARGE = 64 << 20


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `logs` to the command line."""
    parser = commands.add_parser(
        "logs",
        help="analyse access logs: which requests were needless, and what ends them",
        description="Read access logs of Gunicorn, nginx and others, replay them client by client, and say "
        "what was needless, what it cost, and which setting ends it. Exit status: 0 fine, 1 findings at or "
        "above --fail-on, 2 usage or input error.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="logs, plain or compressed (gzip, zstd, bzip2); - for standard input",
    )
    parser.add_argument(
        "--format",
        metavar="FMT",
        help="how lines are written: Gunicorn's access_log_format, nginx's log_format, or combined, common, "
        "notmodified, json (default: told from the first lines)",
    )
    parser.add_argument(
        "--field",
        action="append",
        default=[],
        type=_field,
        metavar="NAME=KEY",
        help="for JSON lines: a field's key, such as milliseconds=http.took (dots for nested objects)",
    )
    parser.add_argument(
        "--routes",
        metavar="FILE",
        help="the site's routes: what flask routes or manage.py caching_routes print, or one a line, such as "
        "/articles/{id}, /articles/<int:id> or ^articles/(?P<id>[0-9]+)/$",
    )
    parser.add_argument(
        "--risk",
        type=_share,
        default=0.01,
        metavar="SHARE",
        help="the share of uses in which a proposed lifetime may be outdated, 0.01 or 1%% (default: 1%%)",
    )
    parser.add_argument(
        "--max-memory",
        type=_memory,
        default=1 << 30,
        metavar="SIZE",
        help="memory to stay within; more is estimated from some of the clients (default: 1G)",
    )
    parser.add_argument(
        "--simulate",
        metavar="TOML",
        help="say what would have happened under the policies of this configuration",
    )
    parser.add_argument(
        "--shared-cache",
        action="store_true",
        help="with --simulate: with a shared cache in front of the server",
    )
    parser.add_argument(
        "--client-cache",
        type=_size,
        metavar="SIZE",
        help="with --simulate: how much a client's cache holds (default: 256M)",
    )
    parser.add_argument("--policies", metavar="OUT", help="write the proposed policies, for notmodified.toml")
    parser.add_argument(
        "--html", metavar="OUT", help="write one page with charts, for a browser and for print"
    )
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="never",
        help="exit with 1 if there is a finding so bad (default: never)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.set_defaults(run=_COMMAND.run)


def _field(written: str) -> tuple[str, str]:
    name, equals, key = written.partition("=")
    if not equals or not key:
        msg = f"write NAME=KEY, such as milliseconds=took, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return name, key


def _share(written: str) -> float:
    try:
        share = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        msg = f"a risk is a share such as 0.01 or 1%, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return share


def _size(written: str) -> int:
    match = re.fullmatch(r"(\d+)([KMG]?)(?:I?B)?", written.upper())
    if match is None:
        msg = f"give a size such as 256M or 2G, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]) * _UNITS[match[2]]


def _memory(written: str) -> int:
    size = _size(written)
    if size < _LEAST_MEMORY:
        msg = f"give at least {_LEAST_MEMORY >> 20}M, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return size


def _analyse(arguments: argparse.Namespace) -> Document:
    config = Config.load(arguments.simulate) if arguments.simulate else None
    if config is None and (arguments.shared_cache or arguments.client_cache is not None):
        msg = "--shared-cache and --client-cache go with --simulate"
        raise ValueError(msg)
    files = [file for pattern in arguments.files for file in _files(pattern)]
    routes: list[tuple[str, str]] = []
    if arguments.routes:
        from notmodified import url_map  # noqa: PLC0415  few have routes to read

        routes = url_map.read(arguments.routes)

    def analyse(progress: Callable[[int], object] | None) -> str:
        return analyse_logs(
            files,
            format=arguments.format,
            fields=arguments.field,
            routes=routes,
            risk=arguments.risk,
            max_memory=arguments.max_memory,
            simulate=config,
            shared_cache=arguments.shared_cache,
            client_cache=_CLIENT_CACHE if arguments.client_cache is None else arguments.client_cache,
            progress=progress,
        )

    return cast("Document", json.loads(_watched(files, analyse)))


def _files(pattern: str) -> list[str]:
    """Return the files that a pattern stands for: not everything that calls us is a shell."""
    # Not pathlib, which takes longer to import than a small log to read.
    if pattern == "-" or os.path.exists(pattern):  # noqa: PTH110
        return [pattern]
    import glob  # noqa: PLC0415  shells expand most of them

    if not glob.has_magic(pattern):
        return [pattern]
    files = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  which takes no absolute pattern
    if not files:
        msg = f"no file is like {pattern}"
        raise ValueError(msg)
    return files


def _watched(files: list[str], analyse: Callable[[Callable[[int], object] | None], str]) -> str:
    """Analyse with a progress bar, if there is somebody to see it and enough to do."""
    if not sys.stderr.isatty():
        return analyse(None)
    size = sum(os.stat(file).st_size for file in files if file != "-" and os.path.isfile(file))  # noqa: PTH113, PTH116
    if size < _LARGE or not has_rich():
        return analyse(None)
    from notmodified.report.terminal import progress  # noqa: PLC0415  rich comes with an extra

    with progress() as bar:
        task = bar.add_task("reading", total=size)
        return analyse(lambda read: bar.update(task, completed=read))


def _show(_arguments: argparse.Namespace, document: Document) -> None:
    if sys.stdout.isatty():
        if has_rich():
            from notmodified.report import terminal  # noqa: PLC0415  rich comes with an extra

            terminal.show(document)
            return
        print(
            "notmodified logs: rich not installed, so this is plain text; pip install 'notmodified[logs]'",
            file=sys.stderr,
        )
    for line in text.lines(document):
        print(line)


def _write(arguments: argparse.Namespace, document: Document) -> Iterator[str]:
    """Write the files that are asked for; tell of each."""
    if not (arguments.policies or arguments.html):
        return
    from notmodified.commands import output  # noqa: PLC0415  most write none

    if arguments.policies:
        tables = _policies(document)
        output.write(arguments.policies, "\n".join(tables))
        yield f"{counted(len(tables) - 1, 'policy', 'policies')} written to {clean(arguments.policies)}"
    if arguments.html:
        from notmodified.report import log_page  # noqa: PLC0415  a page takes longer to import than to write

        output.write(arguments.html, log_page.render(document))
        yield f"report written to {clean(arguments.html)}"


def _policies(document: Document) -> list[str]:
    """Return what comes first, and the proposals: the most special path first, since the first match wins."""
    from notmodified import url_map  # noqa: PLC0415  few have policies written

    proposed = [one for one in text.proposed(document) if one[1]["policy"]]
    proposed.sort(key=lambda one: url_map.generality(one[0]["route"]))
    head = (
        "# Proposed by `notmodified logs`; what they would do: `notmodified logs --simulate THIS-FILE LOG`.\n"
    )
    tables = [
        f"# {clean(route['route'])}: {clean(proposal['why'])}\n{proposal['policy']}"
        for route, proposal in proposed
    ]
    if any(proposal["kind"] == "validator-cache" for _, proposal in proposed):
        head += '\nstore = "host"\n'
    return [head, *tables]


def _severities(document: Document) -> Iterator[str]:
    return (finding["severity"] for finding in document["findings"])


_COMMAND = Reporting("logs", ("policies", "html"), _analyse, _write, _show, _severities)
