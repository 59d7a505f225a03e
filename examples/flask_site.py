"""A Flask site whose pages, JSON and downloads are revalidated by content.

gunicorn flask_site:app
"""

from __future__ import annotations

from flask import Flask, Response, jsonify

from notmodified import NotModified

app = Flask(__name__)
# Around wsgi_app, not around app: `app` stays a Flask object, with its test client and its `flask run`.
app.wsgi_app = NotModified(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/")
def page() -> str:
    return "<!doctype html><title>Flask</title><p>The same page has the same tag, in every worker."


@app.get("/api/planets")
def planets() -> Response:
    return jsonify(["Mercury", "Venus", "Earth", "Mars"])
