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


def gunicorn(port: int, arguments: list[str], application: str = "apps.stacks:application") -> None:
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", application),
            *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--no-control-socket"),
            *("--access-logfile", "access.log", "--access-logformat", LOG_FORMAT),
            *arguments,
        ],
    )


def gunicorn_asgi(port: int, arguments: list[str]) -> None:
    gunicorn(port, ["-k", "asgi", *arguments], "apps.asgi:application")


def origin(port: int, arguments: list[str]) -> None:
    """Serve what proxies and clients visit, with the access log that users are told to keep."""
    from notmodified.gunicorn import access_log_format

    os.execv(
        sys.executable,
        [
            *(
                sys.executable,
                "-m",
                "gunicorn",
                "apps.origin:application",
                "-k",
                "gthread",
                "--threads",
                "16",
            ),
            *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--no-control-socket", "--keep-alive", "60"),
            *("--access-logfile", "access.log"),
            *("--access-logformat", access_log_format + " peer=%({remote_port}e)s", *arguments),
        ],
    )


def program(port: int, arguments: list[str]) -> None:
    """Run another program, which knows its ports."""
    os.execv(arguments[0], arguments)


def waitress(port: int, arguments: list[str]) -> None:
    import waitress as server

    from apps.stacks import application

    server.serve(application, host="127.0.0.1", port=port, threads=4)


def cheroot(port: int, arguments: list[str]) -> None:
    from cheroot.wsgi import Server

    from apps.stacks import application

    Server(("127.0.0.1", port), application, numthreads=4).start()


def granian(port: int, arguments: list[str]) -> None:
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "granian", "apps.stacks:application"),
            *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "1", "--blocking-threads", "4", "--no-access-log", *arguments),
        ],
    )


def uwsgi(port: int, arguments: list[str]) -> None:
    (program,) = arguments
    os.execv(
        program,
        [
            *(program, "--http-socket", f"127.0.0.1:{port}", "--module", "apps.stacks:application"),
            *("--home", sys.prefix, "--master", "--processes", "1", "--threads", "4"),
            *("--die-on-term", "--disable-logging", "--need-app", "--buffer-size", "32768"),
        ],
    )


def uvicorn(port: int, arguments: list[str]) -> None:
    import uvicorn as server

    server.run("apps.asgi:application", host="127.0.0.1", port=port, lifespan="off", access_log=False)


STARTERS = {
    starter.__name__: starter
    for starter in (gunicorn, gunicorn_asgi, origin, program, waitress, cheroot, granian, uwsgi, uvicorn)
}


def main() -> None:
    port, server, *arguments = sys.argv[1:]
    # Kept across exec.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    STARTERS[server](int(port), arguments)


if __name__ == "__main__":
    main()
