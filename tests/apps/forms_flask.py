"""A site in Flask with Flask-WTF's forms, whose tokens are good for a while only, and with Flask-Compress."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, render_template_string, request, session
from flask_compress import Compress
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import StringField

from notmodified import NotModified

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

LIFETIME = int(os.environ.get("NOTMODIFIED_TEST_LIFETIME", "3600"))
VARIANT = os.environ.get("NOTMODIFIED_TEST_VARIANT", "plain")
FOLDER = Path(os.environ.get("NOTMODIFIED_TEST_FOLDER", "."))

app = Flask(__name__)
app.config.update(SECRET_KEY="nothing secret is signed with it", WTF_CSRF_TIME_LIMIT=LIFETIME)
CSRFProtect(app)
if VARIANT == "compress":
    Compress(app)

PAGE = """<!doctype html>
<html><head><meta name="csrf-token" content="{{ csrf_token() }}">{{ csrf_meta_tag() }}</head><body>
<p>An article that does not change.</p>
<form method="post" action="/comment">{{ form.csrf_token }}{{ form.text() }}</form>
<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>
<script>var csrf_token = "{{ csrf_token() }}";</script>
</body></html>
"""


class Comment(FlaskForm):
    text = StringField()


@app.get("/article")
def article() -> str:
    return render_template_string(PAGE, form=Comment())


@app.post("/comment")
def comment() -> str:
    return f"thank you for {request.form['text']}"


@app.get("/leave")
def leave() -> str:
    session.clear()
    return "bye"


@app.get("/long")
def long() -> str:
    return "A page that is the same each time, and long enough to be compressed. " * 40


@app.get("/style.css")
def style() -> BaseResponse:
    """Serve the compressed file that lies beside, to clients that take it."""
    name, coding = "style.css", {}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        name, coding = "style.css.gz", {"Content-Encoding": "gzip"}
    opened = (FOLDER / name).open("rb")
    body = request.environ["wsgi.file_wrapper"](opened)
    fields = {"Vary": "Accept-Encoding", **coding}
    return Response(body, mimetype="text/css", headers=fields, direct_passthrough=True)


application = NotModified(app, etag={"ignore": [{"preset": "flask-wtf-csrf", "lifetime": LIFETIME}]})
