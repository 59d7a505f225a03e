"""`flask caching invalidate` and `manage.py invalidate_caching`, as they are typed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

SHOP = """
    import sys

    from flask import Flask
    from notmodified import Invalidated, on_invalidate
    from notmodified.flask import NotModified

    @on_invalidate
    def purge(names):
        print("purged:", *names.paths, *names.groups, names.everything)

    app = Flask(__name__)
    app.config["NOTMODIFIED"] = SETTINGS
    NotModified(app)
"""
PROJECT = """
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.core.wsgi import get_wsgi_application
    from notmodified import on_invalidate

    settings.configure(
        INSTALLED_APPS=["notmodified.django"],
        MIDDLEWARE=["notmodified.django.NotModifiedMiddleware"],
        NOTMODIFIED=SETTINGS,
        ROOT_URLCONF=__name__,
        SECRET_KEY="secret",
        WSGI_APPLICATION=__name__ + ".application",
    )

    @on_invalidate
    def purge(names):
        print("purged:", *names.paths, *names.groups, names.everything)

    urlpatterns = []

    if __name__ == "__main__":
        application = get_wsgi_application()
        execute_from_command_line()
"""


@pytest.fixture(params=["flask", "manage"])
def of_the_app(request, tmp_path, settings):
    """`flask caching invalidate` and `manage.py invalidate_caching`, of an app with these settings."""

    def call(*arguments: str, **other: object) -> subprocess.CompletedProcess[str]:
        written = SHOP if request.param == "flask" else PROJECT
        text = textwrap.dedent(written).replace("SETTINGS", repr(settings | other))
        (tmp_path / "shop.py").write_text(text)
        first = ["-m", "flask", "--app", "shop", "caching", "invalidate"]
        return subprocess.run(
            [
                sys.executable,
                *(first if request.param == "flask" else ["shop.py", "invalidate_caching"]),
                *arguments,
            ],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


class TestCommandsOfFrameworks:
    @pytest.mark.parametrize(
        ("arguments", "purged"),
        [
            (["/page"], "/page False"),
            (["--group", "a", "--group", "b"], "a b False"),
            (["--all"], "True"),
        ],
    )
    def test_they_know_the_store_and_tell_the_hooks(self, site, of_the_app, arguments, purged):
        tag = site.tag
        done = of_the_app(*arguments)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"purged: {purged}"), done.stderr
        assert done.stdout.splitlines()[1].startswith("forgotten: ")
        assert site.again(tag=tag).reason == ("remembered" if "--group" in arguments else "not-modified")

    def test_they_make_no_store(self, of_the_app, tmp_path):
        done = of_the_app("/page")
        assert done.returncode == 1
        assert f"no store at {tmp_path}/store" in done.stderr
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize(
        ("arguments", "other", "said"),
        [
            (["/page"], {"store": "process"}, "has no store that a server shares"),
            (["/page"], {"store": None}, "has no store that a server shares"),
            ([], {}, "nothing to invalidate"),
            (["page"], {}, "give a path"),
        ],
    )
    def test_what_they_cannot_do_they_say(self, site, of_the_app, arguments, other, said):
        done = of_the_app(*arguments, **other)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), (
            done.stderr
        )
        assert "forgotten" not in done.stdout
