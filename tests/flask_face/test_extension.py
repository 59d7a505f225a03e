"""The Flask extension: one line puts the WSGI middleware around an app."""

from __future__ import annotations

import subprocess
import sys

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import notmodified
from notmodified import ConfigError, EntityTag
from notmodified.flask import NotModified

PAGE = "the page"
TAG = str(EntityTag.of(PAGE.encode()))


def create_app(**config):
    app = Flask(__name__)
    app.config.update(config)

    @app.get("/")
    def page():
        return PAGE

    return app


def revalidates(app, url="/"):
    client = app.test_client()
    answer = client.get(url, headers={"If-None-Match": client.get(url).headers["ETag"]})
    return answer.status_code == 304 and answer.data == b""


def test_one_line_is_enough():
    app = create_app()
    NotModified(app)
    assert revalidates(app)
    assert app.test_client().get("/").headers["ETag"] == TAG
    assert app.test_client().head("/").headers["ETag"] == TAG


def test_a_factory_initialises_each_of_its_apps():
    extension = NotModified()
    first, second = (
        create_app(),
        create_app(NOTMODIFIED={"policy": [{"path": "/", "cache_control": "max-age=5"}]}),
    )
    for app in (first, second):
        extension.init_app(app)
    assert revalidates(first)
    assert "Cache-Control" not in first.test_client().get("/").headers
    assert second.test_client().get("/").headers["Cache-Control"] == "max-age=5"
    assert extension.stats(first)["requests"] == 3
    with second.app_context():
        assert extension.stats()["requests"] == 1
    with pytest.raises(RuntimeError):
        extension.stats()


def test_stats_are_those_of_the_app():
    app = create_app()
    extension = NotModified(app)
    assert revalidates(app)
    assert extension.stats()["not_modified"] == 1
    assert extension.stats()["bytes_not_sent"] == len(PAGE)


def test_twice_is_harmless():
    app = create_app()
    extension = NotModified(app)
    around = app.wsgi_app
    extension.init_app(app)
    NotModified(app)
    assert app.wsgi_app is around
    assert revalidates(app)


def test_inside_the_middleware_it_passes_through():
    app = create_app()
    extension = NotModified(app)
    app.wsgi_app = outer = notmodified.NotModified(app.wsgi_app)
    assert revalidates(app)
    assert outer.stats()["not_modified"] == 1
    assert extension.stats()["requests"] == 0


def test_proxy_fix_may_stand_on_either_side():
    app = create_app()
    app.wsgi_app = ProxyFix(app.wsgi_app)
    NotModified(app)
    assert revalidates(app)
    app = create_app()
    NotModified(app)
    app.wsgi_app = ProxyFix(app.wsgi_app)
    assert revalidates(app)


def test_the_configuration_may_be_a_file_in_the_folder_of_the_app(tmp_path):
    (tmp_path / "notmodified.toml").write_text('[[policy]]\npath = "/"\ncache_control = "max-age=9"\n')
    for path in ("notmodified.toml", tmp_path / "notmodified.toml"):
        app = Flask(__name__, root_path=str(tmp_path))
        app.config["NOTMODIFIED"] = path
        app.add_url_rule("/", view_func=lambda: PAGE)
        NotModified(app)
        assert app.test_client().get("/").headers["Cache-Control"] == "max-age=9"


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        ({"max_bodi": 1}, ConfigError, "NOTMODIFIED: max_bodi = 1: no such key, did you mean max_body?"),
        ({"max_body": object()}, TypeError, "NOTMODIFIED: max_body: object is no setting"),
        (7, TypeError, "NOTMODIFIED: expected str, bytes or os.PathLike object, not int"),
        ("nowhere.toml", FileNotFoundError, "nowhere.toml"),
    ],
)
def test_what_is_wrong_names_the_key(value, error, said):
    app = create_app(NOTMODIFIED=value)
    before = app.wsgi_app
    with pytest.raises(error) as raised:
        NotModified(app)
    assert said in str(raised.value)
    assert app.wsgi_app == before
    assert "notmodified" not in app.extensions


def test_the_command_line_of_flask_works(tmp_path):
    (tmp_path / "site_app.py").write_text(
        "from flask import Flask\nfrom notmodified.flask import NotModified\n"
        "def create_app():\n    app = Flask(__name__)\n    NotModified(app)\n    return app\n"
    )
    finished = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "site_app", "routes"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "static" in finished.stdout


def test_notmodified_itself_imports_no_framework():
    code = (
        "import sys, notmodified, notmodified.cli; print({'django', 'flask', 'asgiref'} & set(sys.modules))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"
