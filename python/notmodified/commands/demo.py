"""`notmodified demo`: the sample site under Gunicorn, and a client that shows what is saved."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

_NEEDED = ("flask", "gunicorn", "rich")
_MAX_PORT = 65535


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo` to the command line."""
    parser = commands.add_parser(
        "demo",
        help="a sample site under Gunicorn, and a client that shows what it saves",
        description="Start a small Flask site under Gunicorn with two workers, wrapped by NotModified, and "
        "walk through it with an HTTP client that counts bytes. Exit status: 0 if each step went as it "
        "should, 1 if one did not, 2 if the server could not be started.",
    )
    parser.add_argument("--serve", action="store_true", help="leave the site up until Ctrl-C instead")
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="loopback port (default: any free one)"
    )
    parser.add_argument("--json", action="store_true", help="print the same facts as one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return its exit status."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"notmodified demo: {', '.join(missing)} not installed; pip install 'notmodified[demo]'",
            file=sys.stderr,
        )
        return 2
    # Only now: Flask, Gunicorn and rich come with the extra, and the other subcommands do without them.
    from notmodified.sample_site import server, show  # noqa: PLC0415 - as said above

    try:
        if arguments.serve:
            show.stay(as_json=arguments.json, port=arguments.port)
            return 0
        return 0 if show.walk(as_json=arguments.json, port=arguments.port) else 1
    except server.ServerError as error:
        print(f"notmodified demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        msg = f"{port} is not a port"
        raise ValueError(msg)
    return port
