"""`make bench-logs`: large access logs, beside goaccess and `wc -l`; the table goes to benches/LOGS.md.

The logs are made here, the same each time: URLs are asked for as Zipf has it, clients come back, and mostly
for what they have, so that they revalidate. Figures are CPU seconds of whole processes and their largest
resident size, as the kernel counted them for this run; the machine's load does not matter to them much.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROUNDS = 3
AGENTS = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
    for version in range(120, 140)
]
LOGS, READING = "notmodified logs", "its reading and parsing alone, without Python"
LINES, PEER = "`wc -l`, fed by `cat`", "goaccess"
FORMAT = '%h %^[%d:%t %^] "%r" %s %b "%R" "%u" %D'


@dataclass(frozen=True)
class Run:
    """What a process took."""

    cpu: float
    wall: float
    memory: int

    def row(self, name: str, *, memory: bool = True) -> str:
        """Return it as a line of a table."""
        size = self.memory >> 20 if memory else ""
        return f"| {name} | {self.cpu:.2f} | {self.wall:.2f} | {size} |"


def write(path: Path, lines: int, clients: int) -> None:
    """Write a log in the combined format with microseconds."""
    chance = random.Random(304)
    urls = [
        f"/articles/{n}"
        if n % 3
        else f"/static/{n % 97}/style-{n}.css"
        if n % 2
        else f"/api/{n}?page={n % 7}"
        for n in range(20_000)
    ]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(urls) + 1)))
    sizes = [chance.randrange(500, 60_000) for _ in urls]
    agents = [chance.choice(AGENTS) for _ in range(997)]
    # Whether a client had a URL, in so many bits.
    seen = bytearray(1 << 24)
    numbers = range(len(urls))
    start, step = 1_790_000_000, 86_400 * 3 / lines
    with path.open("w", buffering=1 << 20) as out:
        for first in range(0, lines, 10_000):
            stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(start + first * step))
            chosen = chance.choices(numbers, cum_weights=weights, k=10_000)
            for url in chosen[: lines - first]:
                # Half of the requests are of one client in twenty.
                client = int(chance.random() * (clients if chance.random() < 0.5 else clients / 20))
                bit = hash((client, url)) & ((1 << 27) - 1)
                had = seen[bit >> 3] >> (bit & 7) & 1
                seen[bit >> 3] |= 1 << (bit & 7)
                status, size = (304, 0) if had else (200, sizes[url])
                out.write(
                    f"10.{client >> 16 & 255}.{client >> 8 & 255}.{client & 255} - - [{stamp}] "
                    f'"GET {urls[url]} HTTP/1.1" {status} {size} "-" "{agents[client % 997]}" {900 + url}\n'
                )


def run(command: list[str]) -> Run:
    """Run a command to its end."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command}: exit status {process.returncode}")
    return Run(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss << 10)


def medians(commands: dict[str, list[str]]) -> dict[str, Run]:
    """Run each ROUNDS times, in turns, and give the run in the middle."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            runs[name].append(run(command))
    return {name: sorted(some, key=lambda one: one.cpu)[len(some) // 2] for name, some in runs.items()}


def ours(log: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "notmodified", "logs", *options, str(log)]


def reading() -> str:
    """Build the program that only reads and parses, benches/reading.rs, and return where it is."""
    command = ["cargo", "bench", "--locked", "--bench", "reading", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return str(next(message["executable"] for message in messages if message.get("executable")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    arguments = parser.parse_args()
    parses = reading()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        log, large = Path(folder) / "access.log", Path(folder) / "large.log"
        write(log, arguments.lines, arguments.lines // 10)
        commands = {
            LOGS: ours(log),
            READING: [parses, "count", str(log)],
            LINES: ["/bin/sh", "-c", f"cat '{log}' | wc -l"],
        }
        if goaccess := shutil.which("goaccess"):
            dates = ("--date-format=%d/%b/%Y", "--time-format=%H:%M:%S")
            out = f"{folder}/goaccess.json"
            commands[PEER] = [
                goaccess,
                str(log),
                f"--log-format={FORMAT}",
                *dates,
                "-o",
                out,
                "--no-progress",
            ]
        taken = medians(commands)
        # The largest process of a pipe says nothing.
        rows = [one.row(name, memory=name != LINES) for name, one in taken.items()]
        write(large, arguments.large, arguments.large // 10)
        size_of = f"{arguments.large:,} lines of {arguments.large // 10:,} clients"
        rows += [
            run(ours(large, "--max-memory", option)).row(f"the same, {size_of}, --max-memory {option}")
            for option in ("1G", "256M")
        ]
        size = log.stat().st_size
    text = f"""# Reading access logs

Written by `make bench-logs`: {platform.machine()}, {os.cpu_count()} processors, {platform.python_version()}.
The log has {arguments.lines:,} lines ({size >> 20} MiB), combined with microseconds, of
{arguments.lines // 10:,} clients. Whole processes: the median of {ROUNDS} runs in turns; the large log once.

| | CPU seconds | seconds | MiB |
| --- | --- | --- | --- |
{chr(10).join(rows)}

{chr(10).join(ratios(taken))}
"""
    (HERE / "LOGS.md").write_text(text, encoding="utf-8")
    print(text)


def ratios(taken: dict[str, Run]) -> list[str]:
    """Return what the runs are to each other, in sentences."""
    cpu, alone, counted = (taken[name].cpu for name in (LOGS, READING, LINES))
    first = (
        f"- goaccess takes {taken[PEER].cpu / cpu:.1f} times the CPU of `notmodified logs`."
        if PEER in taken
        else "- goaccess is not installed here, so it was not compared."
    )
    return [
        first,
        f"- Reading and parsing alone takes {alone / counted:.1f} times the CPU of `cat | wc -l`.",
    ]


if __name__ == "__main__":
    main()
