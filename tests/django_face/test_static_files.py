"""Django's static files under versioned names: by our storage, and by Django's own, which is recognised."""

from __future__ import annotations

import os
import re
import time

import pytest

from apps.django_settings import configure

configure()

from django.contrib.staticfiles.management.commands.collectstatic import Command  # noqa: E402 - needs the settings, as all below
from django.contrib.staticfiles.storage import staticfiles_storage  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.template import Context, Engine  # noqa: E402
from django.test import override_settings  # noqa: E402

from kit.answer import new_id  # noqa: E402
from kit.in_process import Server, environ_of  # noqa: E402
from kit.static_site import FILES, write  # noqa: E402
from notmodified import NotModified  # noqa: E402
from notmodified.django import checks, conf  # noqa: E402

IMMUTABLE = "public, max-age=31536000, immutable"
OURS = "notmodified.django.storage.VersionedStaticFilesStorage"
DJANGOS = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


@pytest.fixture
def project(tmp_path):
    """Return a function that sets a project up with a storage; what it sets is undone."""
    entered = []
    for name, content in FILES.items():
        write(tmp_path / "source", name, content)

    def use(storage, **settings):
        chosen = override_settings(
            STATIC_URL="/static/",
            STATIC_ROOT=str(tmp_path / "root"),
            STATICFILES_DIRS=[str(tmp_path / "source")],
            STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
            INSTALLED_APPS=["django.contrib.staticfiles"],
            STORAGES={"staticfiles": {"BACKEND": storage}},
            **settings,
        )
        chosen.enable()
        entered.append(chosen)
        return tmp_path

    yield use
    while entered:
        entered.pop().disable()


def collect():
    call_command(Command(), interactive=False, verbosity=0, ignore_patterns=[".*"])


def ask(folder, path, *fields):
    """Ask our own static files for a path."""
    application = NotModified(not_found, assets={"/static/": str(folder), "serve": True})
    server = Server(environ_of("GET", path, fields))
    server.run(application)
    return server.answer(new_id())


def not_found(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"none"]


def test_collectstatic_writes_versions_and_templates_say_them(project):
    root = project(OURS) / "root"
    collect()
    engine = Engine(libraries={"static": "django.templatetags.static"})
    template = engine.from_string("{% load static %}{% static 'css/app.css' %} {% static 'none.css' %}")
    url, unknown = template.render(Context()).split()
    assert re.fullmatch(r"/static/css/app\.[0-9a-f]{16}\.css", url)
    assert unknown == "/static/none.css"
    logo = staticfiles_storage.url("img/logo.svg#part")
    assert re.fullmatch(r"/static/img/logo\.[0-9a-f]{16}\.svg#part", logo)
    written = (root / url.removeprefix("/static/")).read_text()
    assert f'url("../img/{logo.removeprefix("/static/img/").removesuffix("#part")}")' in written
    assert (root / "css/app.css").read_bytes() == FILES["css/app.css"]
    # The same that the middleware says of this folder, so it may stand around Django.
    answer = ask(root, url)
    assert (answer.body.decode(), answer["Cache-Control"]) == (written, IMMUTABLE)
    assert ask(root, url.replace(url[-20:-4], "0123456789abcdef"))["Cache-Control"] == "no-cache"


def test_collecting_again_adds_what_has_changed_and_keeps_old_versions(project):
    folder = project(OURS)
    collect()
    before, logo = staticfiles_storage.url("css/app.css"), staticfiles_storage.url("img/logo.svg")
    names = {path.name for path in (folder / "root").rglob("*")}
    collect()
    assert {path.name for path in (folder / "root").rglob("*")} == names
    changed = write(folder / "source", "css/base.css", b"body { color: red }")
    later = time.time() + 60  # collectstatic looks at the second
    os.utime(changed, (later, later))
    collect()
    assert staticfiles_storage.url("css/app.css") != before
    assert staticfiles_storage.url("img/logo.svg") == logo
    assert len({path.name for path in (folder / "root").rglob("*")} - names) == 2
    old = folder / "root" / before.removeprefix("/static/")
    assert old.exists()
    # Who asks for it gets it, while it is what it says.
    answer = ask(folder / "root", before)
    assert (answer.body, answer["Cache-Control"]) == (old.read_bytes(), IMMUTABLE)
    old.write_bytes(b"changed")
    answer = ask(folder / "root", before)
    assert (answer.body != b"changed", answer["Cache-Control"]) == (True, "no-cache")


def test_urls_have_no_version_in_debug_mode(project):
    project(OURS, DEBUG=True)
    assert staticfiles_storage.url("css/app.css") == "/static/css/app.css"
    assert checks.check_static_files() == []


def test_a_static_url_on_a_cdn_stays_there(project):
    project(OURS)
    with override_settings(STATIC_URL="https://cdn.example/s/"):
        collect()
        url = staticfiles_storage.url("js/app.js")
        assert re.fullmatch(r"https://cdn\.example/s/js/app\.[0-9a-f]{16}\.js", url)


def test_versions_that_are_not_there_or_of_another_build_are_told(project):
    folder = project(OURS)
    with pytest.raises(ImproperlyConfigured, match=r"run collectstatic\. assets\.manifest = .*No such file"):
        staticfiles_storage.url("css/app.css")
    (warning,) = checks.check_static_files()
    assert warning.id == "notmodified.W007"
    assert "collectstatic" in warning.hint
    collect()
    assert checks.check_static_files() == []
    (folder / "root/js/app.js").unlink()
    with override_settings(STATIC_ROOT=str(folder / "root")):  # as a new process
        (warning,) = checks.check_static_files()
    assert "files./static/js/app.js: it is of another build" in warning.msg


def test_names_that_django_has_made_are_recognised(project):
    root = project(DJANGOS) / "root"
    collect()
    url = staticfiles_storage.url("css/app.css")
    assert re.fullmatch(r"/static/css/app\.[0-9a-f]{12}\.css", url)
    answer = ask(root, url)
    assert (answer.body, answer["Cache-Control"]) == (
        (root / url.removeprefix("/static/")).read_bytes(),
        IMMUTABLE,
    )
    old = ask(root, "/static/css/app.0123456789ab.css")
    assert (old.status, old["Cache-Control"]) == (200, "no-cache")
    gone = ask(root, "/static/css/none.0123456789ab.css")
    assert (gone.status, gone["Cache-Control"]) == (404, "no-store")


def test_the_middleware_class_says_what_is_wrong_with_assets(project):
    folder = project(OURS)
    with override_settings(NOTMODIFIED={"assets": {"/static/": str(folder / "none")}}):
        with pytest.raises(ImproperlyConfigured, match=r"NOTMODIFIED: assets\./static/ = .*No such file"):
            conf.core()
        assert [message.id for message in checks.check_settings()] == ["notmodified.E001"]
