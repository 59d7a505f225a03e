"""A real browser, driven over the two pipes of its DevTools protocol; it ends when they are closed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from kit.tools import require

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

WITHIN = 30
# The browser takes commands at descriptor 3 and answers at 4.
START = """
import os, sys
commands, answers, *command = sys.argv[1:]
os.dup2(int(commands), 100), os.dup2(int(answers), 101)
os.dup2(100, 3), os.dup2(101, 4)
os.execv(command[0], command)
"""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-pipe",
)


class Chromium:
    """Headless Chromium with one tab, and nothing in its cache yet."""

    def __init__(self, folder: Path) -> None:
        self.path = require("chromium")
        self.folder = folder
        self.unread = b""
        self.numbers = 0
        self.events: list[dict] = []
        self.session: str | None = None

    def __enter__(self) -> Self:
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        with (self.folder / "output.log").open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-c", START, str(commands), str(answers), self.path, *FLAGS),
                    *(f"--user-data-dir={self.folder / 'profile'}", "about:blank"),
                ],
                cwd=self.folder,
                env={**os.environ, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[commands, answers],
                start_new_session=True,
            )
        os.close(commands)
        os.close(answers)
        targets = self.call("Target.getTargets")["targetInfos"]
        tab = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        self.call("Page.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.commands)
        os.close(self.answers)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            self.process.wait(10)

    def message(self) -> dict:
        """Return the next message of the browser's."""
        deadline = time.monotonic() + WITHIN
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            octets = os.read(self.answers, 2**20) if ready else b""
            if not octets:
                output = (self.folder / "output.log").read_text(errors="replace")
                msg = f"the browser {'has ended' if ready else 'does not answer'}:\n{output[-3000:]}"
                raise RuntimeError(msg)
            self.unread += octets
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, **parameters: object) -> dict:
        """Have the browser do something; return what it answers."""
        self.numbers += 1
        command = {"id": self.numbers, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while (message := self.message()).get("id") != self.numbers:
            self.events.append(message)
        if "error" in message:
            msg = f"{method}: {message['error']}"
            raise RuntimeError(msg)
        return message["result"]

    def visit(self, url: str) -> str:
        """Go to a page as a click on a link does, and return its text once it is loaded."""
        self.events.clear()
        went = self.call("Page.navigate", url=url)
        if "errorText" in went:
            msg = f"{url}: {went['errorText']}"
            raise RuntimeError(msg)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())
        return self.call("Runtime.evaluate", expression="document.body.innerText")["result"]["value"]

    def come_again(self, url: str) -> str:
        """Leave, and go to the page once more."""
        self.visit("about:blank")
        return self.visit(url)

    def loaded(self, method: str, **parameters: object) -> None:
        """Do what loads a page, and wait until it is there with all that it shows."""
        self.events.clear()
        self.call(method, **parameters)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def reload(self, *, hard: bool = False) -> None:
        """Reload as F5 does, or as with the cache put aside."""
        self.loaded("Page.reload", ignoreCache=hard)

    def back(self) -> None:
        """Go back by one page, which may come out of memory without being loaded anew."""
        self.step(-1)

    def forward(self) -> None:
        """Go forward again, likewise."""
        self.step(1)

    def step(self, by: int) -> None:
        """Go through the history."""
        history = self.call("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] + by]
        self.events.clear()
        self.call("Page.navigateToHistoryEntry", entryId=entry["id"])
        while not any(event.get("method") == "Page.frameNavigated" for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression: str) -> object:
        """Return what an expression, or the promise that it makes, is on the page."""
        return self.call("Runtime.evaluate", expression=expression, awaitPromise=True)["result"].get("value")
