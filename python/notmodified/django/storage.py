"""A storage of static files whose URLs have versions, for STORAGES["staticfiles"]."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile

from notmodified._core import Assets, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The manifest, beside the files.
MANIFEST = "notmodified-assets.json"


class VersionedStaticFilesStorage(StaticFilesStorage):  # type: ignore[misc]  # Django has no types
    """Static files under the names of their versions, made by `collectstatic`.

    In the place of Django's ManifestStaticFilesStorage: `{% static "css/app.css" %}` is the URL of the
    current version where DEBUG is off. References in style sheets are rewritten. A name that there is not
    has no version, and no page fails for it.
    """

    @cached_property
    def versions(self) -> Assets:
        """The versions that `collectstatic` wrote down; raises ImproperlyConfigured if there are none."""
        try:
            return Assets(self._configuration(manifest=MANIFEST))
        except ConfigError as error:
            reason = str(error).removeprefix("mapping: ")
            msg = f"the versions of the static files can't be had: run collectstatic. {reason}"
            raise ImproperlyConfigured(msg) from error

    def url(self, name: str | None) -> str:
        """Return the URL of a file's current version; without one where DEBUG is on."""
        if name and not settings.DEBUG:
            path, mark, fragment = name.partition("#")
            versioned = self.versions.versioned(self._prefix + path)
            if versioned is not None:
                return str(super().url(versioned.removeprefix(self._prefix))) + mark + fragment
        return str(super().url(name))

    def post_process(
        self, paths: Mapping[str, Any], *, dry_run: bool = False, **_: object
    ) -> Iterator[tuple[str, str, bool | Exception]]:
        """Write each file once more under the name of its version, and the manifest."""
        if dry_run:
            return
        try:
            assets = Assets(self._configuration(), build=True)
        except ConfigError as error:
            yield "All", "", error
            return
        for path, versioned in assets.versions().items():
            name, target = path.removeprefix(self._prefix), versioned.removeprefix(self._prefix)
            if target == name:
                continue
            rewritten = assets.rewritten(path)
            # What is there under this name has this content.
            if not self.exists(target):
                if rewritten is not None:
                    self._save(target, ContentFile(rewritten))
                else:
                    with self.open(name) as file:
                        self._save(target, file)
            if name in paths:
                yield name, target, True
        self.delete(MANIFEST)
        self._save(MANIFEST, ContentFile(assets.manifest().encode()))
        self.__dict__.pop("versions", None)

    @cached_property
    def _prefix(self) -> str:
        path = urlsplit(self.base_url).path
        return path if path.startswith("/") else f"/{path}"

    def _configuration(self, manifest: str | None = None) -> dict[str, Any]:
        location = str(self.location or "")
        assets: dict[str, Any] = {self._prefix: location}
        if manifest is not None:
            assets["manifest"] = str(Path(location, manifest))
        return {"assets": assets}
