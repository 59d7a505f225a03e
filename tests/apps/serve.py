"""Serve the sample applications: `python -m apps.serve PORT SERVER [ARGUMENTS…]`.

Ends when whoever started it ends, however that happens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

# What the access log says of a request; the request's id comes first.
LOG_FORMAT = (
    "%({x-request-id}i)s|%(m)s|%(s)s|%({http_if_none_match}e)s|%({notmodified.result}e)s|%({sample.user}e)s"
)


def gunicorn(port: int, arguments: list[str]) -> None:
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", "apps.stacks:application"),
            *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--no-control-socket"),
            *("--access-logfile", "access.log", "--access-logformat", LOG_FORMAT),
            *arguments,
        ],
    )


def main() -> None:
    port, server, *arguments = sys.argv[1:]
    # Kept across exec.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    {"gunicorn": gunicorn}[server](int(port), arguments)


if __name__ == "__main__":
    main()
