"""A site with static files: a style sheet that imports another and shows an image, and two modules.

SHOP_FOLDER is where the files are, of one release. With a manifest beside them the versions are taken from
there, and what is kept of the release before.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, render_template_string

from notmodified.flask import NotModified

PAGE = """<!doctype html>
<title>{{ name }}</title>
<link rel="icon" href="data:,">
<script type="importmap">{{ asset_import_map() | safe }}</script>
<link rel="stylesheet" href="{{ url_for('static', filename='css/app.css') }}">
<script type="module" src="{{ url_for('static', filename='js/main.js') }}"></script>
<h1>{{ name }}</h1>
<a href="/other">other</a>
"""

FOLDER = Path(os.environ["SHOP_FOLDER"])
MANIFEST = {"manifest": "manifest.json", "keep": 1}

application = Flask(__name__, root_path=str(FOLDER))
application.config["NOTMODIFIED"] = {
    "assets": {"/static/": "static", **(MANIFEST if (FOLDER / "manifest.json").exists() else {})},
    "policy": [{"path": "/**", "media_type": "text/html", "cache_control": "no-cache"}],
}
NotModified(application)


@application.get("/")
@application.get("/<name>")
def page(name: str = "front") -> str:
    return render_template_string(PAGE, name=name)
