"""Real Gunicorns with sites whose pages differ in each response."""

from __future__ import annotations

import contextlib
import gzip
from typing import TYPE_CHECKING

import pytest

from gunicorn_config.command import Gunicorn
from kit.cached import CachingClient
from kit.servers import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Visitor = Callable[..., CachingClient]


@pytest.fixture(scope="session")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Give a new client of a site in one of its variants; each is started once, with two workers."""
    running: dict[tuple, Gunicorn] = {}

    with contextlib.ExitStack() as stack:

        def visit(app: str, variant: str = "plain", *, accept_encoding: str = "identity", **environment: str):
            key = (app, variant, *environment.items())
            if key not in running:
                folder = tmp_path_factory.mktemp(f"{app}-{variant}")
                style = b"p { color: red }\n" * 100
                (folder / "style.css").write_bytes(style)
                with gzip.GzipFile(folder / "style.css.gz", "wb", mtime=1) as compressed:
                    compressed.write(style)
                settings = {
                    "NOTMODIFIED_TEST_VARIANT": variant,
                    "NOTMODIFIED_TEST_FOLDER": str(folder),
                    **{f"NOTMODIFIED_TEST_{name}": value for name, value in environment.items()},
                }
                arguments = [argument for pair in settings.items() for argument in ("--env", "=".join(pair))]
                arguments += ["--pythonpath", str(TESTS), "--workers", "2", "--preload"]
                server = Gunicorn(folder, *arguments, f"apps.forms_{app}:application")
                running[key] = stack.enter_context(server)
                server.wait_for("Booting worker")
            return CachingClient(running[key].address, accept_encoding)

        yield visit
