"""What `import notmodified` adds to the start of a process."""

from __future__ import annotations

import os
import sys

from comparison.measure import OURS, Effort, Samples
from comparison.report import Group, Line

TITLE = "`import notmodified`"


def cpu_of(program: str) -> float:
    """Nanoseconds of CPU time of an interpreter that runs this."""
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", program], os.environ)
    _, status, usage = os.wait4(process, 0)
    if status != 0:
        msg = f"{program!r} failed"
        raise RuntimeError(msg)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def measure(effort: Effort) -> Samples:
    added = [cpu_of("import notmodified") - cpu_of("pass") for _ in range(3 * effort.rounds)]
    return {TITLE: {OURS: added}}


GROUP = Group(
    "import",
    "Import",
    "CPU time of a fresh interpreter that imports it, less that of one that does nothing.",
    measure,
    [Line(TITLE, limit_ns=30e6)],
    once=True,
)
