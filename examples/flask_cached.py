"""A Flask site whose page is confirmed from memory, by any worker, until somebody writes it.

GIT_SHA=$(git rev-parse HEAD) gunicorn --workers 2 flask_cached:app
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from flask import Flask, Response, request

from notmodified.flask import NotModified

NOTE = Path(os.environ.get("NOTE_FILE", Path(tempfile.gettempdir(), "notmodified-note")))

app = Flask(__name__)
app.config["NOTMODIFIED"] = {
    "store": "host",
    # What tells this build from the last one: its pages are never confirmed by the next.
    "release": os.environ.get("GIT_SHA", "development"),
    # Each response says what the cache did; it answers who has something, so ask with the ETag of a 200:
    # curl -i -H 'If-None-Match: "…"' URL
    "cache_status": True,
}
NotModified(app)


@app.get("/note")
def note() -> Response:
    response = Response(NOTE.read_text() if NOTE.exists() else "nothing yet")
    response.headers["Cache-Control"] = "no-cache"  # clients ask each time
    response.headers["Notmodified-Cache-Control"] = "max-age=60"  # and this view need not run for it
    return response


@app.put("/note")
def write() -> tuple[str, int]:
    """Once this is answered, no worker confirms what was there before."""
    NOTE.write_text(request.get_data(as_text=True))
    return "", 204
