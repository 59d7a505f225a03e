"""`notmodified check`: what breaks revalidation of live URLs, or of an application, and where."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from notmodified.check import Limits, judge
from notmodified.check import text as plain_text
from notmodified.check.in_process import parts_of_app
from notmodified.check.recording import judge_parts, written
from notmodified.commands import output
from notmodified.commands.reporting import Reporting, has_rich
from notmodified.report import check_page
from notmodified.report.words import clean
from notmodified.severity import FAIL_ON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from notmodified.check.document import Document
    from notmodified.check.recording import Recording


# What a recording may have, so that whatever is named as one is not read without end.
_LARGEST_RECORDING = 512 << 20


class _UsageError(ValueError):
    """The arguments make no sense together."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check` to the command line."""
    parser = commands.add_parser(
        "check",
        help="audit caching of live URLs, or of an application: what breaks revalidation, and where",
        description="Ask for URLs as clients and caches do, and say what breaks revalidation, which hop "
        "does it, which bytes show it, and the line that ends it. Only safe methods are used. Exit status: "
        "0 fine, 1 findings at or above --fail-on, 2 usage or input error.",
    )
    parser.add_argument("urls", nargs="*", metavar="URL", help="URLs; with --app, paths (default: /)")
    parser.add_argument(
        "--app", metavar="MODULE:NAME", help="ask this WSGI or ASGI application, in this process"
    )
    parser.add_argument(
        "--origin", metavar="URL", help="the application's own address: ask for the same there too"
    )
    parser.add_argument(
        "--via",
        action="append",
        default=[],
        metavar="URL",
        help="the address of a hop between, the innermost first; may be repeated",
    )
    parser.add_argument(
        "--crawl",
        type=_number,
        default=0,
        metavar="N",
        help="follow links of the same origin to N more pages",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        type=_header,
        metavar="NAME:VALUE",
        help="a field that each request has",
    )
    parser.add_argument("--cookie", metavar="PAIRS", help="cookies that each request has: a=1; b=2")
    parser.add_argument(
        "--timeout", type=_seconds, default=10.0, metavar="S", help="seconds for one response (default: 10)"
    )
    parser.add_argument(
        "--rate",
        type=_rate,
        metavar="N",
        help="requests a second at most, 0 for any number (default: 10, on this machine any number)",
    )
    parser.add_argument(
        "--replicas",
        type=_number,
        default=3,
        metavar="N",
        help="connections over which the same is asked, to meet several servers (default: 3)",
    )
    parser.add_argument("--proxy", metavar="URL", help="a proxy to ask through: http://host:port")
    trusting = parser.add_mutually_exclusive_group()
    trusting.add_argument("--insecure", action="store_true", help="take any certificate")
    trusting.add_argument(
        "--ca", metavar="FILE", help="take certificates of these authorities (PEM), not of the system's"
    )
    parser.add_argument(
        "--allow-unsafe",
        action="store_true",
        help="send PUTs without content too, whose preconditions are false: who ignores them acts",
    )
    parser.add_argument("--record", metavar="FILE", help="write what was sent and answered")
    parser.add_argument("--replay", metavar="FILE", help="judge what --record wrote, ask nobody")
    parser.add_argument(
        "--html", metavar="OUT", help="write one page for a browser beside the summary: OUT.html"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="show the heads of what shows a finding")
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="error",
        help="exit with 1 if there is a finding so bad (default: error)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.set_defaults(run=functools.partial(_run, parser))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if not (arguments.urls or arguments.app or arguments.replay):
        parser.error("give a URL, or --app MODULE:NAME")
    return _COMMAND.run(arguments)


def _number(written: str) -> int:
    if not written.isascii() or not written.isdigit():
        msg = f"give a whole number, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(written)


def _seconds(written: str) -> float:
    seconds = _rate(written)
    if seconds == 0:
        msg = "give more than 0 seconds"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _rate(written: str) -> float:
    try:
        number = float(written)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        msg = f"give a number, 0 or more, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _header(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    is_sendable = name.isascii() and name.replace("-", "").isalnum() and value.isprintable()
    if not colon or not is_sendable:
        msg = f"write NAME:VALUE, not {written!r}"
        raise argparse.ArgumentTypeError(msg)
    return name, value.strip()


def _judged(arguments: argparse.Namespace) -> Document:
    return _replayed(arguments) if arguments.replay else _asked(arguments)


def _write(arguments: argparse.Namespace, document: Document) -> Iterator[str]:
    if arguments.html:
        output.write(arguments.html, check_page.render(document))
        yield f"report written to {clean(arguments.html)}"


def _severities(document: Document) -> Iterator[str]:
    return (finding["severity"] for page in document["pages"] for finding in page["findings"])


def _replayed(arguments: argparse.Namespace) -> Document:
    if arguments.urls or arguments.app or arguments.record:
        msg = "--replay asks nobody: leave URLs, --app and --record out"
        raise _UsageError(msg)
    octets = bytearray()
    with Path(arguments.replay).open("rb") as file:
        # In pieces, for a read of so much at once takes the memory for it first.
        while piece := file.read(1 << 20):
            octets += piece
            if len(octets) > _LARGEST_RECORDING:
                largest = f"{_LARGEST_RECORDING >> 20} MiB"
                msg = f"{arguments.replay}: it is larger than {largest}: ask for fewer pages at a time"
                raise _UsageError(msg)
    try:
        return judge(octets.decode(), linted=True)
    except UnicodeDecodeError as error:
        msg = f"{arguments.replay}: it is no recording of notmodified check: it is no text"
        raise _UsageError(msg) from error
    except ValueError as error:
        msg = f"{arguments.replay}: {error}"
        raise _UsageError(msg) from error


def _asked(arguments: argparse.Namespace) -> Document:
    """Ask, and judge a part at a time."""
    with _progress() as progress:
        parts = _of_app(arguments) if arguments.app else _of_urls(arguments, progress)
        if not arguments.record:
            return judge_parts(parts, linted=True)
        with output.writing(arguments.record) as file:
            return judge_parts(written(parts, file.write), linted=True)


def _of_app(arguments: argparse.Namespace) -> Iterator[Recording]:
    if arguments.origin or arguments.via:
        msg = "--app has no hops: leave --origin and --via out"
        raise _UsageError(msg)
    paths = arguments.urls or ["/"]
    for path in paths:
        if not path.startswith("/"):
            msg = f"with --app give paths, which start with /, not {path!r}"
            raise _UsageError(msg)
    return parts_of_app(_load(arguments.app), paths, limits=_limits(arguments))


def _of_urls(
    arguments: argparse.Namespace, progress: Callable[[str, str], None] | None
) -> Iterator[Recording]:
    if importlib.util.find_spec("urllib3") is None:
        msg = "urllib3 is not installed; pip install 'notmodified[check]'"
        raise _UsageError(msg)
    from notmodified.check.live import Options, parts_of_urls  # noqa: PLC0415  urllib3 comes with an extra

    options = Options(
        limits=_limits(arguments),
        origin=arguments.origin,
        via=tuple(arguments.via),
        crawl=arguments.crawl,
        fields=tuple(arguments.header),
        cookie=arguments.cookie,
        proxy=arguments.proxy,
        verify=not arguments.insecure,
        authority=arguments.ca,
        replicas=arguments.replicas,
        allow_unsafe=arguments.allow_unsafe,
    )
    return parts_of_urls(arguments.urls, options, progress=progress)


def _limits(arguments: argparse.Namespace) -> Limits:
    return Limits(timeout=arguments.timeout, rate=arguments.rate)


def _load(name: str) -> object:
    """Import an application as servers do."""
    module_name, colon, attribute = name.partition(":")
    if not module_name:
        msg = f"write MODULE:NAME, not {name!r}"
        raise _UsageError(msg)
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in (attribute if colon else "application").split("."):
            found = getattr(found, part)
    except Exception as error:
        msg = f"--app {name}: {type(error).__name__}: {error}"
        raise _UsageError(msg) from error
    if not callable(found):
        msg = f"--app {name}: it can't be called"
        raise _UsageError(msg)
    application: object = found
    return application


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, str], None] | None]:
    """Give a function that shows what is asked, if there is somebody to see it."""
    if not sys.stderr.isatty() or not has_rich():
        yield None
        return
    from notmodified.check.terminal import progress  # noqa: PLC0415  rich comes with an extra

    with progress() as bar:
        task = bar.add_task("", total=None)
        yield lambda url, what: bar.update(task, advance=1, description=f"{clean(url, 60)} {what}")


def _show(arguments: argparse.Namespace, document: Document) -> None:
    if sys.stdout.isatty() and has_rich():
        from notmodified.check import terminal  # noqa: PLC0415  rich comes with an extra

        terminal.show(document, verbose=arguments.verbose)
        return
    for line in plain_text.lines(document, verbose=arguments.verbose):
        print(line)


_COMMAND = Reporting("check", ("record", "html"), _judged, _write, _show, _severities)
