"""Static files of a Flask app: versioned in `url_for` and `asset_url`, and served by Flask's own handler."""

from __future__ import annotations

import json
import re

import pytest
from flask import Blueprint, Flask, render_template_string, url_for

from notmodified import ConfigError, EntityTag
from notmodified.flask import NotModified

IMMUTABLE = "public, max-age=31536000, immutable"


def shop(folder, **assets):
    """Return an app with static files of its own, and a blueprint with others."""
    for name, content in [
        ("static/app.css", "h1 { background: url(img/a%20b.svg) }"),
        ("static/img/a b.svg", "<svg/>"),
        ("static/js/main.js", "import './part.js'"),
        ("admin/static/app.css", "h2 {}"),
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    app = Flask(__name__, root_path=str(folder))
    admin = Blueprint(
        "admin", __name__, static_folder="static", url_prefix="/admin", root_path=str(folder / "admin")
    )

    @admin.get("/here")
    def here():
        return url_for(".static", filename="app.css")

    app.register_blueprint(admin)

    @app.get("/render")
    def render():
        return render_template_string(
            "{% macro link(name) %}{{ asset_url(name) }}{% endmacro %}"
            "{{ url_for('static', filename='app.css') }} {{ link('app.css') }} {{ asset_url('none.css') }}"
        )

    app.config["NOTMODIFIED"] = {"assets": {"/static/": "static", "/admin/static/": "admin/static", **assets}}
    NotModified(app)
    return app


def test_url_for_says_the_version_and_flask_serves_the_file(tmp_path):
    app = shop(tmp_path)
    with app.test_request_context():
        url = url_for("static", filename="img/a b.svg", _anchor="x")
        assert re.fullmatch(r"/static/img/a%20b\.[0-9a-f]{16}\.svg#x", url)
        assert url_for(
            "static", filename="img/a b.svg", _external=True
        ) == "http://localhost" + url.removesuffix("#x")
        assert url_for("static", filename="none.css") == "/static/none.css"
    answer = app.test_client().get(url, buffered=True)
    assert (answer.data, answer.headers["Cache-Control"]) == (b"<svg/>", IMMUTABLE)
    # Flask's own is made of the file's time.
    assert answer.headers["ETag"] == str(EntityTag.of(b"<svg/>"))
    again = app.test_client().get(url, buffered=True, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, IMMUTABLE)
    part = app.test_client().get(url, buffered=True, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.data) == (206, b"svg")


def test_a_blueprints_files_have_versions_of_their_own(tmp_path):
    client = shop(tmp_path).test_client()
    url = client.get("/admin/here").text
    assert re.fullmatch(r"/admin/static/app\.[0-9a-f]{16}\.css", url)
    answer = client.get(url, buffered=True)
    assert (answer.data, answer.headers["Cache-Control"]) == (b"h2 {}", IMMUTABLE)


@pytest.mark.parametrize("root", ["", "/under"])
def test_templates_have_asset_url_in_macros_too(tmp_path, root):
    app = shop(tmp_path)
    by_flask, by_us, unknown = (
        app.test_client().get("/render", base_url=f"http://localhost{root}/").text.split()
    )
    assert by_flask == by_us
    assert re.fullmatch(rf"{root}/static/app\.[0-9a-f]{{16}}\.css", by_us)
    assert unknown == f"{root}/static/none.css"


def test_a_cdn_is_named_everywhere(tmp_path):
    app = shop(tmp_path, base_url="https://cdn.example/x")
    client = app.test_client()
    by_flask, by_us, unknown = client.get("/render", base_url="http://localhost/under/").text.split()
    assert by_flask == by_us
    assert re.fullmatch(r"https://cdn\.example/x/static/app\.[0-9a-f]{16}\.css", by_us)
    assert unknown == "https://cdn.example/x/static/none.css"
    assert client.get("/admin/here").text.startswith("https://cdn.example/x/admin/static/app.")
    with app.test_request_context():
        assert url_for("static", filename="none.css") == "/static/none.css"
        external = url_for("static", filename="app.css", _external=True)
        assert external == by_us


def test_a_page_has_the_import_map(tmp_path):
    app = shop(tmp_path)
    with app.test_request_context():
        imports = json.loads(render_template_string("{{ asset_import_map() | safe }}"))["imports"]
        assert imports == {"/static/js/main.js": url_for("static", filename="js/main.js")}


def test_without_assets_nothing_is_different(tmp_path):
    app = Flask(__name__, root_path=str(tmp_path))
    NotModified(app)
    assert "asset_url" not in app.jinja_env.globals
    with app.test_request_context():
        assert url_for("static", filename="a.css") == "/static/a.css"


def test_a_folder_that_is_not_there_is_told_with_the_setting():
    # One of the tests' own may be so far down that the message shortens it.
    app = Flask(__name__, root_path="/")
    app.config["NOTMODIFIED"] = {"assets": {"/static/": "none"}}
    with pytest.raises(ConfigError, match=r'NOTMODIFIED: assets\./static/ = ".*/none": .*No such file'):
        NotModified(app)
