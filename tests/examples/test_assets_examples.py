"""The examples with versioned URLs: built as their first lines say, served, changed and built again."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunicorn_config.command import Gunicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

EXAMPLES = Path(__file__).parents[2] / "examples"
IMMUTABLE = "public, max-age=31536000, immutable"
COMMANDS = {
    "flask_assets": ["-m", "notmodified", "assets", "build", "--config", "notmodified.toml"],
    "django_assets": ["shop.py", "collectstatic", "--no-input"],
}
APPLICATIONS = {"flask_assets": "app:app", "django_assets": "shop:application"}


class Site:
    """A copy of an example, so that its files may be changed."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.folder = name, folder / name
        shutil.copytree(EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns("build", "collected"))
        self.server: Gunicorn | None = None

    def deploy(self) -> None:
        """Do what the first lines of the example say."""
        self.stop()
        subprocess.run(
            [sys.executable, *COMMANDS[self.name]],
            cwd=self.folder,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
            capture_output=True,
        )
        self.server = Gunicorn(self.folder, APPLICATIONS[self.name])
        self.server.__enter__()

    def stop(self) -> None:
        if self.server is not None:
            self.server.__exit__()
            assert "Traceback" not in self.server.output

    def get(self, path: str, method: str = "GET", **fields: str) -> tuple[int, Message, str]:
        assert self.server is not None
        connection = http.client.HTTPConnection(*self.server.address, timeout=20)
        connection.request(
            method, path, headers={name.replace("_", "-"): text for name, text in fields.items()}
        )
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, response.headers, body

    def sheet(self) -> str:
        """Return the URL of the style sheet that the page names."""
        status, fields, page = self.get("/")
        assert (status, fields["Cache-Control"]) == (200, "no-cache")
        assert self.get("/", If_None_Match=fields["ETag"])[0] == 304
        found = re.search(r'href="(/static/css/app\.[0-9a-f]{16}\.css)"', page)
        assert found, page
        return found[1]

    def change(self, name: str, content: str) -> None:
        path = self.folder / "static" / name
        path.write_text(content)
        later = time.time() + 60  # collectstatic looks at the second
        os.utime(path, (later, later))


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, request.param)
    made.deploy()
    yield made
    made.stop()


both = pytest.mark.parametrize("site", list(COMMANDS), indirect=True)


@both
def test_a_page_names_versions_which_are_kept_for_good(site: Site) -> None:
    sheet = site.sheet()
    status, fields, text = site.get(sheet)
    assert (status, fields["Cache-Control"], fields["Content-Type"]) == (
        200,
        IMMUTABLE,
        "text/css; charset=utf-8",
    )
    for name, folder in [("colours", ""), ("moon", "../img/")]:
        found = re.search(rf'"{re.escape(folder)}({name}\.[0-9a-f]{{16}}\.(?:css|svg))"', text)
        assert found, text
        path = "/static/img/" if folder else "/static/css/"
        assert site.get(path + found[1])[1]["Cache-Control"] == IMMUTABLE
    assert site.get(sheet, If_None_Match=fields["ETag"])[0] == 304
    assert site.get(sheet, "HEAD")[1]["Content-Length"] == str(len(text))


@both
def test_a_changed_image_is_seen_at_once(site: Site) -> None:
    before = site.sheet()
    old = site.get(before)[2]
    site.change("img/moon.svg", "<svg/>")
    site.deploy()
    after = site.sheet()
    assert after != before
    assert site.get(after)[2] != old
    # Who was in the middle of the deployment is answered, and keeps nothing that is wrong.
    status, fields, text = site.get(before)
    assert status == 200
    assert (fields["Cache-Control"], text == old) in [("no-cache", False), (IMMUTABLE, True)]


@pytest.mark.parametrize("site", ["flask_assets"], indirect=True)
def test_the_flask_site_has_the_files_of_the_last_builds_and_an_import_map(site: Site) -> None:
    before = site.sheet()
    old = site.get(before)[2]
    page = site.get("/")[2]
    found = re.search(r'<script type="importmap">(.*)</script>', page)
    assert found
    imports = json.loads(found[1])["imports"]
    assert site.get(imports["/static/js/greeting.js"])[1]["Content-Type"].startswith("text/javascript")
    for number in range(2):
        site.change("css/colours.css", f"body {{ order: {number} }}")
        site.deploy()
        status, fields, text = site.get(before)
        assert (status, fields["Cache-Control"], text) == (200, IMMUTABLE, old)
    site.change("css/colours.css", "body { order: 3 }")
    site.deploy()
    status, fields, text = site.get(before)
    assert (status, fields["Cache-Control"], text != old) == (200, "no-cache", True)


@pytest.mark.parametrize("site", ["django_assets"], indirect=True)
def test_the_django_site_answers_for_what_there_is_not(site: Site) -> None:
    status, fields, _ = site.get("/static/css/none.0123456789abcdef.css")
    assert (status, fields["Cache-Control"]) == (404, "no-store")
