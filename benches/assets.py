"""`make bench-assets`: the manifest beside Django's collectstatic, and what assets cost a request.

The files are made here, the same each time. Building is measured as whole processes, in turn; requests in one
process, in turn and in short batches. The table goes to benches/ASSETS.md.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import django

import notmodified
from notmodified import NotModified

HERE = Path(__file__).parent
BATCH = 2000
BATCHES = 151
CONTENT = b"x" * 2048
GOAL_BUILD, GOAL_REQUEST = 20, 1.3
STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
SETTINGS = """
import django
from django.conf import settings
from django.core.management import call_command
settings.configure(
    STATIC_URL="/static/", STATIC_ROOT={root!r}, STATICFILES_DIRS=[{folder!r}],
    STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
    INSTALLED_APPS=["django.contrib.staticfiles"],
    STORAGES={{"staticfiles": {{"BACKEND": {storage!r}}}}},
)
django.setup()
call_command("collectstatic", interactive=False, verbosity=0)
"""


@dataclass(frozen=True)
class Run:
    """What a process took, in seconds."""

    wall: float
    cpu: float


def write(folder: Path, files: int, octets: int) -> None:
    """Write images, scripts, and of fifty files one style sheet that shows images and imports another."""
    chance = random.Random(304)
    size = octets // files
    for number in range(files):
        place = folder / f"{number % 100}"
        place.mkdir(parents=True, exist_ok=True)
        if number % 50 == 0:
            images = [other for other in (number + 1, number + 2, number + 3) if other < files]
            rules = [f".r{other} {{ background: url(../{other % 100}/f{other}.png) }}\n" for other in images]
            imports = [f"@import '../{(number - 50) % 100}/f{number - 50}.css';\n"] if number % 500 else []
            text = "".join([*imports, *rules]).encode()
            padding = b".p { margin: 0 }\n" * ((size - len(text)) // 17)
            (place / f"f{number}.css").write_bytes(text + padding)
        elif number % 5 == 4:
            (place / f"f{number}.js").write_bytes((b"let x%d = 1;\n" % number) * (size // 14))
        else:
            (place / f"f{number}.png").write_bytes(chance.randbytes(size))


def run(*command: str) -> Run:
    """Run a program to its end."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def build(work: Path, folder: Path, rounds: int) -> tuple[list[Run], list[Run]]:
    """Build the manifest and collect static files, in turn."""
    configuration = work / "notmodified.toml"
    configuration.write_text(f'assets = {{ "/static/" = "{folder}" }}\n')
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(
            run(
                *(sys.executable, "-m", "notmodified", "assets", "build"),
                *("--config", str(configuration), "--out", str(work / "manifest.json")),
            )
        )
        root = work / "root"
        theirs.append(
            run(sys.executable, "-c", SETTINGS.format(root=str(root), folder=str(folder), storage=STORAGE))
        )
        shutil.rmtree(root)
    return ours, theirs


def page(environ: dict[str, object], start_response) -> list[bytes]:
    """Answer with 2 KiB, whatever is asked for."""
    del environ
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(CONTENT)))])
    return [CONTENT]


def environ(path: str) -> dict[str, object]:
    """Make an environ as Gunicorn does."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT_ENCODING": "gzip, br",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
    }


def batch(application: NotModified, path: str) -> float:
    """Return the CPU seconds of a request, over a batch of them."""
    asked = environ(path)
    start = time.process_time()
    for _ in range(BATCH):
        application(dict(asked), lambda *_: None)
    return (time.process_time() - start) / BATCH


def requests(folder: Path) -> list[tuple[str, float, float]]:
    """Measure requests with policies and assets, and without, in turn."""
    plain = NotModified(page)
    policy = [
        {"path": "/static/**", "cache_control": "no-cache"},
        {"path": "/**", "media_type": "text/html", "cache_control": "no-cache"},
    ]
    # What the application answers with, so that it is the current version of this one.
    (folder / "1" / "page.html").write_bytes(CONTENT)
    with_assets = NotModified(page, assets={"/static/": str(folder)}, policy=policy)
    current = with_assets.assets.versioned("1/page.html")
    said: dict[str, str] = {}
    with_assets(environ(current), lambda _, fields, *__: said.update(fields))
    if "immutable" not in said["Cache-Control"]:
        message = f"{current} is not told to be current: {said}"
        raise AssertionError(message)
    measured = []
    for what, path in [
        ("a page", "/articles/304"),
        ("a file by its own name", "/static/1/page.html"),
        ("a file's current version", current),
    ]:
        batches = [(batch(plain, path), batch(with_assets, path)) for _ in range(BATCHES)]
        measured.append((what, *(statistics.median(column) for column in zip(*batches, strict=True))))
    return measured


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "ASSETS.md")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder = work / "static"
        write(folder, arguments.files, arguments.megabytes * 1_000_000)
        time.sleep(3)  # what has just been written counts as not settled
        ours, theirs = build(work, folder, arguments.rounds)
        measured = requests(folder)
    text = table(arguments, load, ours, theirs, measured)
    print(text)
    arguments.out.write_text(text)


def table(
    arguments: argparse.Namespace,
    load: float,
    ours: list[Run],
    theirs: list[Run],
    measured: list[tuple[str, float, float]],
) -> str:
    """Write what was measured, and whether the goals are reached."""
    machine = f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs"
    command = " ".join(["benches/assets.py", *sys.argv[1:]])
    title = f"The versions of {arguments.files:,} files of {arguments.megabytes} MB together"
    how = f"Whole processes, in turn, the median of {arguments.rounds}"
    lines = [
        "# Speed of static files with versions",
        "",
        "Written by `benches/assets.py`; don't edit it.",
        "",
        f"- date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
        f"- command: `python {command}` (`make bench-assets` builds first)",
        f"- system: {machine}, CPython {platform.python_version()}",
        f"- load: {load:.1f} processes wanted a CPU in the minute before",
        f"- notmodified {notmodified.__version__}, Django {django.__version__}",
        "",
        f"## {title}",
        "",
        f"{how}. Django copies each file twice where ours writes a manifest.",
        "",
        "| time | `notmodified assets build` | `collectstatic`, Manifest storage | ratio | goal | |",
        "| --- | --: | --: | --: | --- | --- |",
    ]
    for what, key in [("elapsed", "wall"), ("CPU", "cpu")]:
        mine, others = (statistics.median(getattr(one, key) for one in runs) for runs in (ours, theirs))
        ratio = others / mine
        reached = "reached" if ratio >= GOAL_BUILD else "missed"
        goal = f"≥ {GOAL_BUILD}x less | {reached}"
        lines.append(f"| {what} | {mine:.2f} s | {others:.1f} s | {ratio:.0f}x less | {goal} |")
    lines += [
        "",
        "## A request",
        "",
        "CPU time of one call of the middleware around an application that answers with 2 KiB: with two",
        f"policies and assets, and with neither; the median of {BATCHES} batches of {BATCH:,}, in turn.",
        "",
        "| request | without | with policies and assets | ratio | goal | |",
        "| --- | --: | --: | --: | --- | --- |",
    ]
    for what, without, with_assets in measured:
        ratio = with_assets / without
        goal = f"≤ {GOAL_REQUEST}x | {'reached' if ratio <= GOAL_REQUEST else 'missed'}"
        lines.append(
            f"| {what} | {without * 1e6:.2f} µs | {with_assets * 1e6:.2f} µs | {ratio:.2f}x | {goal} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
