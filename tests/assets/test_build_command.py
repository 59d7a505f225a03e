"""`notmodified assets build`, and how what is wrong with static files is told at the start."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

import notmodified
from kit.static_site import FILES, StaticSite, write
from notmodified import Assets, ConfigError, NotModified, cli


@pytest.fixture
def project(folder):
    (folder.parent / "notmodified.toml").write_text(
        'assets = { "/static/" = "static", manifest = "m.json" }\n'
    )
    return folder.parent


def build(project, *arguments):
    return cli.main(["assets", "build", "--config", str(project / "notmodified.toml"), *arguments])


def test_one_file_is_no_files(tmp_path, capsys):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("a")
    (tmp_path / "notmodified.toml").write_text('assets = { "/static/" = "static", manifest = "m.json" }\n')
    assert build(tmp_path) == 0
    said = capsys.readouterr().out
    assert said == f"{tmp_path}/m.json: 1 file, 0 of them style sheets with versioned references\n"


def test_it_writes_a_manifest_that_the_middleware_takes_its_versions_from(project, folder, capsys):
    assert build(project) == 0
    said = capsys.readouterr().out
    assert said == f"{project}/m.json: 7 files, 1 of them a style sheet with versioned references\n"
    site = StaticSite(folder).start()
    loaded = NotModified(site.serve, project / "notmodified.toml")
    assert loaded.assets.versions() == site.application.assets.versions()
    assert loaded.assets.rewritten("css/app.css") == site.application.assets.rewritten("css/app.css")
    assert notmodified.asset_url("css/app.css") == site.url("css/app.css")


def test_the_manifest_is_the_same_in_each_zone_copy_and_order(project, folder, tmp_path_factory):
    def built(project, **environment):
        command = [sys.executable, "-m", "notmodified", "assets", "build", "--config", "notmodified.toml"]
        subprocess.run(
            command, cwd=project, env={**os.environ, **environment}, check=True, capture_output=True
        )
        return (project / "m.json").read_bytes()

    first = built(project, TZ="Asia/Kathmandu", LC_ALL="C", PYTHONHASHSEED="1")
    copy = tmp_path_factory.mktemp("copy")
    shutil.copyfile(project / "notmodified.toml", copy / "notmodified.toml")
    for name, content in reversed(FILES.items()):
        write(copy / "static", name, content, settled=False)
        os.utime(copy / "static" / name, (86400, 86400))
    assert built(copy, TZ="America/Caracas", LC_ALL="C.UTF-8", PYTHONHASHSEED="2") == first
    manifest = json.loads(first)
    assert list(manifest["files"]) == sorted(manifest["files"])
    # A promise: the versions don't change with a release of ours.
    assert hashlib.sha256(first).hexdigest() == EXPECTED


EXPECTED = "e42a664e1312edc01c12c1551e46b75d270b865b9ebc570f3f1a399db8547801"


def test_warnings_are_told_and_count_if_strict(project, folder, capsys):
    write(folder, "css/base.css", b"b { background: url(none.png) }")
    assert build(project, "--json") == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning["id"] == "dangling-reference"
    assert build(project, "--strict") == 1
    assert capsys.readouterr().err == (
        "/static/css/base.css refers to none.png, and there is no /static/css/none.png [dangling-reference]\n"
    )


def test_files_are_copied_under_their_versions(project, folder):
    out = project / "public"
    for _ in range(2):
        assert build(project, "--copy-to", str(out), "--import-map", str(project / "map.json")) == 0
    assets = Assets(project / "notmodified.toml")
    copied = {f"/{path.relative_to(out)}": path.read_bytes() for path in out.rglob("*") if path.is_file()}
    names = {assets.versions()[f"/static/{name}"]: name for name in FILES if not name.startswith(".")}
    assert copied.keys() == names.keys()
    for path, content in copied.items():
        assert content == (assets.rewritten(names[path]) or FILES[names[path]])
    imports = json.loads((project / "map.json").read_text())["imports"]
    assert imports["/static/js/part.js"] == assets.url("js/part.js")


def test_a_manifest_of_another_build_stops_the_server(project, folder):
    build(project)
    write(folder, "js/app.js", b"changed")
    with pytest.raises(ConfigError) as raised:
        NotModified(StaticSite(folder).serve, project / "notmodified.toml")
    assert str(raised.value) == (
        f'{project}/notmodified.toml:1: assets.manifest = "m.json": {project}/m.json: '
        f"files./static/js/app.js: it is of another build: {folder}/js/app.js: it has 7 octets, not 18: "
        "build it anew with `notmodified assets build`"
    )


def test_what_changed_since_the_manifest_without_a_change_of_size_is_not_immutable(project, folder):
    build(project)
    write(folder, "js/app.js", b"import './trap.js'")
    site = StaticSite(folder).start(manifest=str(project / "m.json"))
    answer = site.get(site.url("js/app.js"))
    assert (answer.body, answer["Cache-Control"]) == (b"import './trap.js'", "no-cache")
    assert "immutable" in site.get(site.url("js/part.js"))["Cache-Control"]


@pytest.mark.parametrize("serve", [False, True])
def test_a_folder_that_does_not_exist_stops_the_server(serve):
    with pytest.raises(ConfigError) as raised:
        NotModified(print, {"assets": {"/s/": "/no-such-folder", "serve": serve}})
    place = 'assets./s/ = "/no-such-folder": /no-such-folder'
    why = "it can't be read: No such file or directory (os error 2)"
    assert str(raised.value) == f"mapping: {place}: {why}"


def test_a_link_out_of_the_folder_stops_the_server(project, folder):
    (folder / "link.css").symlink_to(project / "notmodified.toml")
    with pytest.raises(
        ConfigError, match=r"assets\./static/.*link\.css: it is a symbolic link to .* outside"
    ):
        Assets(project / "notmodified.toml", build=True)


def test_what_is_no_file_is_passed_over(project, folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)
        listening.bind("socket")
        assert build(project) == 0
    assert len(Assets(project / "notmodified.toml")) == 7


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_what_is_wrong_is_told_with_status_2(tmp_path, capsys, arguments, monkeypatch):
    monkeypatch.delenv("NOTMODIFIED_CONFIG", raising=False)
    (tmp_path / "notmodified.toml").write_text("max_body = 1")
    assert build(tmp_path, *arguments) == 2
    assert cli.main(["assets", "build", *arguments]) == 2
    assert build(tmp_path, "--out", str(tmp_path / "m.json"), *arguments) == 2
    told = capsys.readouterr()
    for sentence in (
        "say where the manifest goes with --out",
        "say which configuration with --config",
        "name the folders",
    ):
        assert sentence in told.out + told.err


def test_a_url_without_assets_is_an_error_and_one_without_a_file_has_no_version(folder):
    site = StaticSite(folder).start(base_url="https://cdn.example")
    assert notmodified.asset_url("js/app.js") == site.url("/static/js/app.js")
    assert notmodified.asset_url("js/app.js").startswith("https://cdn.example/static/js/app.")
    assert notmodified.asset_url("js/none.js") == "https://cdn.example/static/js/none.js"
    command = [sys.executable, "-c", "import notmodified; notmodified.asset_url('x')"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "LookupError: no assets are configured in this process" in ended.stderr
