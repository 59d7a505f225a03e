"""The extension: `NotModified(app)`, or `init_app(app)` in a factory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app

from notmodified._core import Config, ConfigError
from notmodified._core import NotModified as Middleware
from notmodified.flask.assets import version

if TYPE_CHECKING:
    from flask import Flask

NAME = "notmodified"


class NotModified:
    """Give the responses of Flask apps their validators and answer conditional GET and HEAD.

    `NotModified(app)` for an app that is there, `init_app(app)` for each that a factory makes. What
    `app.config["NOTMODIFIED"]` is by then counts: a mapping with the keys of notmodified.toml, or the path of
    such a file, from the app's own folder (`app.root_path`), as those of `assets` are.

    It stands around `app.wsgi_app` as it is then: wrap first what changes content.
    """

    def __init__(self, app: Flask | None = None) -> None:
        """Remember the app, if one is given, and put the middleware around it; raises as `init_app` does."""
        self._app = app
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Put the middleware around the app. Once is enough: a second time does nothing.

        Raises ConfigError (a ValueError) or TypeError, which name the key, the value seen and what would be
        right, and OSError for a file that can't be read.
        """
        if NAME in app.extensions:
            return
        try:
            middleware = Middleware(app.wsgi_app, _configuration(app))
        except (ConfigError, TypeError) as error:
            msg = f"NOTMODIFIED: {str(error).removeprefix('mapping: ')}"
            raise type(error)(msg) from error
        app.extensions[NAME] = middleware
        if middleware.assets is not None:
            version(app, middleware.assets, middleware.assets.base_url)
        app.wsgi_app = middleware  # type: ignore[method-assign]  # Flask's way

    def stats(self, app: Flask | None = None) -> dict[str, int]:
        """Return the counts of an app in this process, as `notmodified.NotModified.stats()` has them.

        Which app: this one, else the one that the extension was made with, else the current one. Raises
        RuntimeError where there is none, KeyError if the extension is not on it.
        """
        found = app or self._app or current_app
        middleware: Middleware = found.extensions[NAME]
        return middleware.stats()


def _configuration(app: Flask) -> str | os.PathLike[str] | Config | Mapping[str, Any] | None:
    value: str | os.PathLike[str] | Config | Mapping[str, Any] | None = app.config.get("NOTMODIFIED")
    if isinstance(value, Mapping) and isinstance(value.get("assets"), Mapping):
        return {**value, "assets": _in_folder(app, value["assets"])}
    if value is None or isinstance(value, (Config, Mapping)):
        return value
    return Path(app.root_path, os.fspath(value))


def _in_folder(app: Flask, assets: Mapping[str, Any]) -> dict[str, Any]:
    """Take relative paths from the app's own folder."""
    return {
        key: str(Path(app.root_path, value)) if key.startswith("/") or key == "manifest" else value
        for key, value in assets.items()
    }
