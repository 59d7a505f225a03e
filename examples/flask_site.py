"""A Flask site whose pages, JSON and downloads are revalidated by content.

gunicorn flask_site:app
"""

from __future__ import annotations

from flask import Flask, Response, jsonify

from notmodified.flask import NotModified

app = Flask(__name__)
# The keys of notmodified.toml, or the path of such a file. May be left out.
app.config["NOTMODIFIED"] = {"policy": [{"path": "/api/**", "cache_control": {"no_cache": True}}]}
NotModified(app)


@app.get("/")
def page() -> str:
    return "<!doctype html><title>Flask</title><p>The same page has the same tag, in every worker."


@app.get("/api/planets")
def planets() -> Response:
    return jsonify(["Mercury", "Venus", "Earth", "Mars"])
