"""An app asked in this process, for an audit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask.testing import EnvironBuilder

from notmodified.check.subject import Subject

if TYPE_CHECKING:
    from flask import Flask


def subject_of(app: Flask, cookie: str | None = None) -> Subject:
    """Return the app, asked at its SERVER_NAME, under its APPLICATION_ROOT, by its PREFERRED_URL_SCHEME."""
    builder = EnvironBuilder(app)
    try:
        return replace(Subject.as_in(app, builder.get_environ()), cookie=cookie)
    finally:
        builder.close()
