"""Static files of Flask apps: versions in `url_for("static", …)`, and in the `asset_url` of templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import has_request_context, request

if TYPE_CHECKING:
    from flask import Flask

    from notmodified._core import Assets


def version(app: Flask, assets: Assets, base_url: str | None) -> None:
    """Have an app's URLs of static files name their versions."""

    def asset_url(name: str) -> str:
        """Return the URL of a static file's current version; without one if there is no such file."""
        url = assets.url(name) or assets.plain_url(name)
        if base_url is None and has_request_context():
            return request.script_root + url
        return url

    def import_map() -> str:
        """Return an import map of the JavaScript modules, as JSON."""
        return assets.import_map()

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        name = values.get("filename")
        if not isinstance(name, str) or not _is_static(endpoint):
            return
        prefix = _prefix(app, endpoint)
        versioned = prefix and assets.versioned(prefix + name)
        if prefix and versioned:
            values["filename"] = versioned.removeprefix(prefix)

    app.jinja_env.globals.setdefault("asset_url", asset_url)
    app.jinja_env.globals.setdefault("asset_import_map", import_map)
    if base_url is not None:
        _put_before(app, assets, base_url)


def _is_static(endpoint: str) -> bool:
    return endpoint == "static" or endpoint.endswith(".static")


def _prefix(app: Flask, endpoint: str) -> str | None:
    """Return the path that an endpoint's files are below: Flask's own, or a blueprint's."""
    for rule in app.url_map.iter_rules(endpoint):
        prefix, mark, _ = rule.rule.partition("<path:filename>")
        if mark and "<" not in prefix:
            return prefix
    return None


def _put_before(app: Flask, assets: Assets, base_url: str) -> None:
    """Have `url_for` name the CDN, which takes another method: a URL default can't change the host."""
    say = app.url_for

    def url_for(endpoint: str, **values: Any) -> str:
        url = say(endpoint, **values)
        name = values.get("filename")
        if not isinstance(name, str) or not _is_static(endpoint):
            return url
        full = f"{request.blueprint}{endpoint}" if endpoint.startswith(".") and request else endpoint
        prefix = _prefix(app, full)
        if prefix is None or assets.versioned(prefix + name) is None:
            return url
        parts = urlsplit(url)
        path = parts.path.removeprefix(request.script_root if has_request_context() else "")
        return parts._replace(scheme="", netloc="", path=base_url + path).geturl()

    app.url_for = url_for  # type: ignore[method-assign]  # as the WSGI app is replaced
    app.jinja_env.globals["url_for"] = url_for
