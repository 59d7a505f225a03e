"""One Gunicorn of several that serve the shop, each at its own release, and what it saw."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from typing import TYPE_CHECKING

from kit.answer import new_id
from kit.over_socket import Connection
from kit.ports import free_port
from kit.proxies import launch
from kit.servers import RunningServer, ServerKind
from notmodified import Assets

if TYPE_CHECKING:
    from pathlib import Path

WITHIN = 20
FILES = {
    "css/app.css": "@import 'base.css';\nh1 { color: rgb(1, 2, 3); background: url(../img/logo.svg) }\n",
    "css/base.css": "body { margin: 3px }\n",
    "img/logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9"/></svg>',
    "js/main.js": "import { text } from './part.js'; document.title = text;\n",
    "js/part.js": "export const text = 'ran';\n",
}


def release(folder: Path, **changed: str) -> Path:
    """Write the files of a release; `css_app` is the content of css/app.css."""
    contents = FILES | {
        name: changed[key] for name in FILES if (key := name.partition(".")[0].replace("/", "_")) in changed
    }
    for name, content in contents.items():
        path = folder / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def build(files: Path, before: Path | None = None) -> None:
    """Build a release; what is kept of the one before is carried over from there."""
    manifest = files / "manifest.json"
    if before is not None:
        shutil.copytree(before / "manifest.json.kept", files / "manifest.json.kept")
    assets = Assets({"assets": {"/static/": str(files / "static")}}, build=True)
    assets.keep(manifest, 1)
    manifest.write_text(assets.manifest())


class Replica:
    """A Gunicorn at one release; `deploy` puts another in its place, at the same address."""

    def __init__(self, folder: Path, files: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.address = ("127.0.0.1", free_port())
        self.marks = 0
        self.start(files)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def start(self, files: Path) -> None:
        host, port = self.address
        process = launch(
            self.folder,
            *(
                "/usr/bin/env",
                f"SHOP_FOLDER={files}",
                sys.executable,
                "-m",
                "gunicorn",
                "apps.shop:application",
            ),
            *(
                "-k",
                "gthread",
                "--threads",
                "8",
                "--bind",
                f"{host}:{port}",
                "--no-control-socket",
                "--graceful-timeout",
                "1",
            ),
            *(
                "--access-logfile",
                "access.log",
                "--access-logformat",
                "%(m)s %(U)s %(s)s %({if-none-match}i)s",
            ),
        )
        self.server = RunningServer(ServerKind("replica"), self.address, process, self.folder)
        wait_for(self.address, self.server)

    def deploy(self, files: Path) -> None:
        self.server.stop()
        self.start(files)

    def stop(self) -> None:
        self.server.stop()

    def fields(self, target: str) -> tuple[int, str | None]:
        """Return the status and the Cache-Control of a file, asked for without a browser."""
        with Connection(self.address) as connection:
            connection.send("GET", target, [])
            answer = connection.read_head("GET")
            connection.read_body(answer)
        return answer.status, answer["Cache-Control"]

    def seen(self, expected: int) -> list[tuple[str, int, bool]]:
        """Return what was asked for since the last call, once so much is logged and all that came before now.

        Each as its name without a version, the status, and whether it was conditional; sorted.
        """
        mark = f"/{new_id()}"
        self.fields(mark)
        deadline = time.monotonic() + WITHIN
        while True:
            lines = self.server.log("access.log").splitlines(keepends=True)
            whole = [line.split(" ", 3) for line in lines if line.endswith("\n")]
            since = whole[self.marks :]
            found = [row for row in since if row[1] != mark]
            if (len(found) < len(since) and len(found) >= expected) or time.monotonic() > deadline:
                self.marks = len(whole)
                return sorted(
                    (name_of(path), int(status), tag.strip() != "-") for _, path, status, tag in found
                )
            time.sleep(0.02)


def name_of(path: str) -> str:
    """Leave out the version and the folder of a path."""
    name = path.rsplit("/", 1)[-1] or "/"
    parts = name.split(".")
    return ".".join(part for part in parts if len(part) != 16)


def wait_for(address: tuple[str, int], server: RunningServer) -> None:
    """Wait until something listens at an address of a server."""
    deadline = time.monotonic() + WITHIN
    with socket.socket() as probe:
        while probe.connect_ex(address):
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(server.log("output.log")[-3000:] + server.log("error.log")[-3000:])
            time.sleep(0.05)
