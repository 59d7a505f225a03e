"""Versions of earlier builds, kept with `assets.keep`: new servers have them while old pages ask for them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys

import pytest

from kit.static_site import FILES, StaticSite, write
from notmodified import Assets, ConfigError, EntityTag, NotModified, cli

IMMUTABLE = "public, max-age=31536000, immutable"
BOTH = pytest.mark.parametrize("serve", [False, True], ids=["by-the-app", "by-us"])


class Project:
    """A folder of files with a configuration, built again and again."""

    def __init__(self, folder, keep=2):
        self.folder = folder
        self.manifest = folder.parent / "m.json"
        self.kept = folder.parent / "m.json.kept"
        (folder.parent / "notmodified.toml").write_text(
            f'assets = {{ "/static/" = "static", manifest = "m.json", keep = {keep} }}\n'
        )

    def build(self, **changed):
        for name, content in changed.items():
            write(self.folder, name.replace("_", "/", 1).replace("_", "."), content)
        assert cli.main(["assets", "build", "--config", str(self.folder.parent / "notmodified.toml")]) == 0
        return Assets(self.folder.parent / "notmodified.toml")

    def start(self, **assets):
        return StaticSite(self.folder).start(manifest=str(self.manifest), keep=2, **assets)


@pytest.fixture
def project(folder):
    return Project(folder)


@BOTH
def test_an_old_version_gets_the_old_content_for_good(project, serve):
    old = project.build()
    project.build(img_logo_svg=b"<svg>new</svg>")
    site = project.start(serve=serve)
    site.cache_control = "max-age=600"
    url = old.url("img/logo.svg")
    answer = site.get(url)
    assert (answer.status, answer.body) == (200, b"<svg/>")
    assert answer.all("Cache-Control") == [IMMUTABLE]
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["ETag"] == str(EntityTag.of(b"<svg/>"))
    assert site.get(url, ("If-None-Match", answer["ETag"])).status == 304
    part = site.get(url, ("Range", "bytes=1-3"))
    assert (part.status, part.body) == (206, b"svg")
    head = site.get(url, method="HEAD")
    assert (head.status, head.body, head["Content-Length"]) == (200, b"", "6")
    # The application has no such file, so nobody asks it.
    assert site.seen == []
    assert site.get(site.url("img/logo.svg")).body == b"<svg>new</svg>"


@BOTH
def test_an_old_style_sheet_shows_the_old_image(project, serve):
    old = project.build()
    project.build(img_logo_svg=b"<svg>new</svg>", css_base_css=b"b { color: red }")
    site = project.start(serve=serve)
    sheet = site.get(old.url("css/app.css"))
    assert sheet["Cache-Control"] == IMMUTABLE
    assert sheet.body == old.rewritten("css/app.css")
    for name in ("css/base.css", "img/logo.svg"):
        assert old.url(name).rpartition("/")[2].encode() in sheet.body
        assert site.get(old.url(name)).body == FILES[name]


@BOTH
def test_what_is_older_gets_the_current_content_or_a_404_and_nothing_is_kept_of_it(project, serve):
    oldest = project.build(js_gone_js=b"gone")
    (project.folder / "js/gone.js").unlink()
    for number in range(3):
        project.build(img_logo_svg=b"<svg>%d</svg>" % number)
    site = project.start(serve=serve)
    answer = site.get(oldest.url("img/logo.svg"))
    assert (answer.status, answer.body, answer["Cache-Control"]) == (200, b"<svg>2</svg>", "no-cache")
    answer = site.get(oldest.url("js/gone.js"))
    assert (answer.status, answer["Cache-Control"]) == (404, "no-store")


@BOTH
def test_a_file_that_the_new_build_has_not_is_still_had(project, serve):
    old = project.build()
    (project.folder / "js/part.js").unlink()
    project.build()
    site = project.start(serve=serve)
    answer = site.get(old.url("js/part.js"))
    assert (answer.status, answer.body, answer["Cache-Control"]) == (200, FILES["js/part.js"], IMMUTABLE)
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert site.get("/static/js/part.js").status == 404


def test_compressed_siblings_are_kept_too(project):
    text = b"let answer = 42;\n" * 200
    packed = gzip.compress(text, mtime=0)
    write(project.folder, "js/app.js.gz", packed)
    old = project.build(js_app_js=text)
    (project.folder / "js/app.js.gz").unlink()
    project.build(js_app_js=b"new")
    site = project.start()
    answer = site.get(old.url("js/app.js"), ("Accept-Encoding", "gzip"))
    assert (answer.body, answer["Content-Encoding"], answer["Vary"]) == (packed, "gzip", "Accept-Encoding")
    assert site.get(old.url("js/app.js")).body == text


@BOTH
def test_content_that_is_damaged_or_gone_while_the_server_runs_is_as_if_it_had_not_been_kept(project, serve):
    old = project.build()
    project.build(img_logo_svg=b"<svg>new</svg>")
    site = project.start(serve=serve)
    url = old.url("img/logo.svg")
    (content,) = [file for file in project.kept.iterdir() if file.read_bytes() == b"<svg/>"]
    content.write_bytes(b"<SVG/>")
    answer = site.get(url)
    assert (answer.body, answer["Cache-Control"]) == (b"<svg>new</svg>", "no-cache")
    content.unlink()
    answer = site.get(url)
    assert (answer.body, answer["Cache-Control"]) == (b"<svg>new</svg>", "no-cache")
    content.write_bytes(b"<svg/>")
    assert site.get(url)["Cache-Control"] == IMMUTABLE


def test_the_build_says_what_it_keeps_and_keeps_no_more_than_was_asked_for(project, capsys):
    for number in range(5):
        project.build(js_app_js=b"%d" % number)
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("m.json: 7 files, 1 of them a style sheet with versioned references")
    counts = [line.rpartition("content of ")[2].partition(",")[0] for line in said[1::2]]
    assert counts == ["this build", "2 builds", "3 builds", "3 builds", "3 builds"]
    # Six files that stay, and three scripts.
    contents = [file for file in project.kept.iterdir() if file.name != "builds.json"]
    assert len(contents) == 9
    assert str(sum(file.stat().st_size for file in contents)) in said[-1]
    arguments = ["assets", "build", "--json", "--config", str(project.folder.parent / "notmodified.toml")]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["kept"]["builds"] == 3


def test_the_manifest_is_the_same_whether_earlier_builds_are_kept_or_not(project, folder, tmp_path_factory):
    def built(place, **environment):
        command = [sys.executable, "-m", "notmodified", "assets", "build", "--config", "notmodified.toml"]
        subprocess.run(command, cwd=place, env={**os.environ, **environment}, check=True, capture_output=True)
        kept = place / "m.json.kept"
        names = sorted(file.name for file in kept.iterdir()) if kept.exists() else []
        return (place / "m.json").read_bytes(), names and (kept / "builds.json").read_bytes(), names

    first = built(folder.parent, TZ="Asia/Kathmandu", PYTHONHASHSEED="1")
    for number, keep in enumerate([2, 0]):
        copy = tmp_path_factory.mktemp("copy")
        for name, content in reversed(FILES.items()):
            write(copy / "static", name, content, settled=False)
        Project(copy / "static", keep)
        again = built(copy, TZ="America/Caracas", PYTHONHASHSEED=str(number))
        assert again == (first if keep else (first[0], [], []))


def test_what_is_missing_of_the_kept_stops_the_server(project):
    project.build()
    project.build(js_app_js=b"new")
    shutil.rmtree(project.kept)
    with pytest.raises(ConfigError) as raised:
        NotModified(print, project.folder.parent / "notmodified.toml")
    told = str(raised.value)
    assert f":1: assets.keep = 2: {project.kept}/builds.json: it can't be read: No such" in told
    assert "notmodified assets build" in told
    project.build()
    NotModified(print, project.folder.parent / "notmodified.toml")


def test_a_list_that_is_none_is_told_with_status_2(project, capsys):
    project.build()
    (project.kept / "builds.json").write_text("{}")
    manifest = project.manifest.read_bytes()
    write(project.folder, "js/app.js", b"new")
    assert cli.main(["assets", "build", "--config", str(project.folder.parent / "notmodified.toml")]) == 2
    assert "builds.json: it is no list of what was kept" in capsys.readouterr().err
    assert project.manifest.read_bytes() == manifest


def test_earlier_builds_are_kept_beside_a_manifest(folder):
    with pytest.raises(ConfigError, match=r"assets\.keep = 1: say beside which manifest"):
        NotModified(print, assets={"/static/": str(folder), "keep": 1})
