"""notmodified beside its peers, in one run: `make bench`, or `python benches/compare.py --quick`.

Writes benches/RESULTS.md. Every figure and every verdict in it is computed here; none is written by hand.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import notmodified
from comparison import (
    evaluating,
    functions,
    importing,
    masking,
    policies,
    prototypes,
    ranges,
    remembering,
    remote,
    serving,
    tagging,
    wrapping,
)
from comparison.measure import FULL, QUICK
from comparison.report import section, summary

if TYPE_CHECKING:
    from comparison.measure import Effort, Samples
    from comparison.report import Group, Judged

BENCHES = Path(__file__).resolve().parent
RESULTS = BENCHES / "RESULTS.md"
GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        evaluating.USUAL_GROUP,
        evaluating.HOSTILE_GROUP,
        tagging.GROUP,
        masking.GROUP,
        policies.GROUP,
        wrapping.LIST_GROUP,
        wrapping.DJANGO_GROUP,
        ranges.GROUP,
        functions.GROUP,
        remembering.GROUP,
        remembering.MANY_GROUP,
        remembering.GUNICORN_GROUP,
        remote.GROUP,
        serving.HOSTILE_GROUP,
        serving.DJANGO_GROUP,
        importing.GROUP,
    )
}
PEERS = ("werkzeug", "django", "flask", "webob", "etag", "gunicorn")


def measure(group: Group, effort: Effort, *, quick: bool) -> Samples:
    """Measure in as many fresh processes, and put their rounds together."""
    pooled: Samples = {}
    if group.needs and shutil.which(group.needs) is None:
        return pooled
    for _ in range(1 if group.once else effort.processes):
        command = [sys.executable, str(BENCHES / "compare.py"), "--measure", group.name]
        run = subprocess.run(
            [*command, *(["--quick"] if quick else [])],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        for work, contenders in json.loads(run.stdout).items():
            for name, figures in contenders.items():
                pooled.setdefault(work, {}).setdefault(name, []).extend(figures)
    return pooled


# What digests are computed with, where it is there: BLAKE3 the first two, SHA-1 the last.
DIGESTING = ("avx2", "avx512f", "sha_ni")


def cpu_model() -> str:
    of_first: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        of_first.setdefault(name.strip(), value.strip())
    if "model name" not in of_first:
        return platform.machine()
    digesting = " ".join(word for word in DIGESTING if word in of_first.get("flags", "").split())
    return f"{of_first['model name']}, {os.cpu_count()} CPUs, {digesting or 'without vector instructions'}"


def python_used() -> str:
    base = Path(sys.base_prefix)
    text = f"{platform.python_implementation()} {platform.python_version()} of {base}"
    release = platform.freedesktop_os_release()
    if base == Path("/usr") and release.get("ID") == "debian":
        return (
            f"{text}, Debian's own /usr/bin/python3. It is built with profile-guided optimisation and those "
            "of pyenv are not: there pure-Python peers look 20 to 35% slower than they are"
        )
    return (
        f"{text}, **not Debian's /usr/bin/python3**. If it is built without profile-guided optimisation, "
        "pure-Python peers look 20 to 35% slower here than they are"
    )


def heading(effort: Effort, load_before: float, built_from: str) -> str:
    command = ["python", "benches/compare.py", *sys.argv[1:]]
    rounds = f"{effort.processes} processes of {effort.rounds}, batches of {effort.batch_ns // 1000} µs"
    load = (
        f"{load_before:.1f} processes wanted a CPU in the minute before, {os.getloadavg()[0]:.1f} at the end"
    )
    facts = {
        "date": dt.datetime.now(tz=dt.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": f"`{shlex.join(command)}` (`make bench` builds what it needs and runs it)",
        "CPU": cpu_model(),
        "load": load,
        "system": f"{platform.system()} {platform.release()}",
        "Python": python_used(),
        "notmodified": f"{notmodified.__version__} built from {built_from}",
        "peers": ", ".join(f"{peer} {version(peer)}" for peer in PEERS),
        "rounds": rounds,
    }
    listed = "\n".join(f"- {name}: {fact}" for name, fact in facts.items())
    return f"""# Speed, beside the peers

Written by `benches/compare.py`; don't edit it.

{listed}

All contenders of a row are timed in turn, in short batches of the same run. Figures are medians of CPU time
(of the elapsed time where the row says so), less what the row is measured over. `Nx less` is the peer's
figure divided by ours, `Nx as much` is ours divided by the peer's.
"""


def compare(names: list[str], built_from: str, *, quick: bool) -> str:
    effort = QUICK if quick else FULL
    load, start = os.getloadavg()[0], time.monotonic()
    sections: list[str] = []
    judged: list[Judged] = []
    for name in names:
        group = GROUPS[name]
        text, lines = section(group, measure(group, effort, quick=quick))
        sections.append(text)
        judged += lines
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return "\n".join([heading(effort, load, built_from), summary(judged) + "\n", *sections])


def main() -> None:
    parser = argparse.ArgumentParser(description="notmodified beside its peers")
    parser.add_argument(
        "--quick", action="store_true", help="few short rounds: shows that it works, not how fast"
    )
    parser.add_argument("--only", action="append", choices=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument(
        "--output", type=Path, help="default: benches/RESULTS.md, or with --quick or --only print"
    )
    # Known when the extension is built; the sources may have moved on since.
    parser.add_argument("--built-from", default="sources that nobody named", metavar="COMMIT")
    parser.add_argument("--measure", choices=GROUPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        group, effort = GROUPS[arguments.measure], QUICK if arguments.quick else FULL
        json.dump(group.measure(effort), sys.stdout)
        return
    if not arguments.quick and not prototypes.BUILT:
        parser.error(prototypes.MISSING)
    text = compare(arguments.only or list(GROUPS), arguments.built_from, quick=arguments.quick)
    output = arguments.output or (None if arguments.quick or arguments.only else RESULTS)
    if output is None:
        print(text)
    else:
        output.write_text(text)
        print(f"written to {output}")


if __name__ == "__main__":
    main()
