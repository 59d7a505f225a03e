"""Ports that no other test takes in between.

A port that the system calls free may be a client's a moment later: clients get theirs from the same range.
These are from below it, and each process of a run has some of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket

FIRST = 10_000
OF_A_PROCESS = 100
PROCESSES = 100
# A node of a Cluster takes this port above its own as well.
BUS = 10_000


def _own() -> range:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + (os.getppid() * 8 + number) % PROCESSES * OF_A_PROCESS
    return range(first, first + OF_A_PROCESS)


_ports = itertools.cycle(_own())


def free_port() -> int:
    """Return a port at which nobody listens, nor at the one that a Cluster's node takes with it."""
    for port in itertools.islice(_ports, OF_A_PROCESS):
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + BUS)),
        ):
            return port
    msg = f"none of the {OF_A_PROCESS} ports of this process is free"
    raise RuntimeError(msg)
