"""Validator functions of the sample applications: a request says in X-Current what there is to be told."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from apps import journal
from notmodified import ASK_APP, Representation

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

KNOWN = {
    "Cache-Control": "no-cache, max-age=7",
    "Vary": "Accept",
    "Content-Location": "/known",
    "Expires": "Sun, 06 Nov 1994 08:49:37 GMT",
    "Access-Control-Allow-Origin": "*",
}


def current(environ: WSGIEnvironment, **_params: str) -> object:
    """Tell what X-Current says: `"tag"`, a date, `"tag"|date`, or a word for something else."""
    journal.note(environ, "asked")
    told = environ.get("HTTP_X_CURRENT", "ask")
    if told == "raise":
        msg = "the database is away"
        raise RuntimeError(msg)
    words = {"none": None, "ask": ASK_APP, "nonsense": 5, "unquoted": "abc"}
    if told in words:
        return words[told]
    if told.startswith("known "):
        return Representation(told.removeprefix("known "), headers=KNOWN)
    etag, _, date = told.partition("|")
    if not date and not etag.endswith('"'):
        return parsedate_to_datetime(etag)
    if not date:
        return etag
    return etag or None, parsedate_to_datetime(date)
