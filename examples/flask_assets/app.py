"""A Flask site whose style sheets, modules and images are asked for once, and never again until they change.

notmodified assets build --config notmodified.toml && gunicorn app:app

Change a file in static/, do both again and load the page: it names another URL. The old one still has the old
content, for pages that were made before.
"""

from __future__ import annotations

from flask import Flask, render_template

from notmodified.flask import NotModified

app = Flask(__name__)
app.config["NOTMODIFIED"] = "notmodified.toml"
NotModified(app)


@app.get("/")
def page() -> str:
    return render_template("page.html")
