"""`notmodified.invalidate()` and the command: from any process, and only once it is certain."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cache.site import OURS, Site
from notmodified import (
    Config,
    ConfigError,
    NotModified,
    StoreError,
    cli,
    invalidate,
    invalidation,
    on_invalidate,
)

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def site(settings):
    site = Site(OURS, ("Cache-Groups", '"articles"'), **settings)
    site.ask()
    return site


@pytest.fixture
def told():
    names = []
    on_invalidate(names.append)
    yield names
    invalidation._hooks.clear()


@pytest.mark.parametrize(
    ("what", "ends"),
    [
        ({"target": "/page"}, True),
        ({"target": "/p%61ge?x=1"}, True),
        ({"target": "http://127.0.0.1/page"}, True),
        ({"target": "https://127.0.0.1:8000/page"}, True),
        ({"groups": ["articles"]}, True),
        ({"everything": True}, True),
        ({"target": "/page/"}, False),
        ({"target": "http://127.0.0.1/page?x=1"}, False),
        ({"target": "http://other.example/page"}, False),
        ({"groups": ["Articles", "other"]}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("by", ["instance", "configuration", "command"])
def test_each_name_ends_what_it_names(site, settings, tmp_path, by, what, ends):
    if by == "command":
        file = tmp_path / "notmodified.toml"
        file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()))
        arguments = [*filter(None, [what.get("target")]), "--config", str(file)]
        arguments += [part for group in what.get("groups", ()) for part in ("--group", group)]
        assert cli.main(["invalidate", *arguments, *(["--all"] if "everything" in what else [])]) == 0
    else:
        invalidate(**what, config=settings if by == "configuration" else None)
    assert (site.again().reason != "remembered") is ends


def test_another_process_is_heard_at_once(site, settings):
    code = f"import notmodified; notmodified.invalidate('/page', config={settings!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert site.again().reason != "remembered"


def test_the_configuration_is_found_in_the_environment(site, settings, tmp_path):
    file = tmp_path / "notmodified.toml"
    file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()))
    command = [sys.executable, "-m", "notmodified", "invalidate", "/page", "--json"]
    done = subprocess.run(
        command, env={"NOTMODIFIED_CONFIG": str(file)}, check=False, capture_output=True, text=True
    )
    assert (done.returncode, json.loads(done.stdout)["invalidated"]) == (0, True), done.stderr
    assert site.again().reason != "remembered"
    lost = subprocess.run(command[:-1], env={}, check=False, capture_output=True, text=True)
    assert lost.returncode == 2
    assert "NOTMODIFIED_CONFIG" in lost.stderr


@pytest.mark.parametrize("target", ["page", "//a.example/page", "ftp://a.example/", "", "mailto:a@b"])
def test_what_is_neither_path_nor_url_is_refused(target):
    with pytest.raises(ValueError, match="give a path"):
        invalidate(target)


def test_nothing_to_invalidate_is_an_error():
    with pytest.raises(ValueError, match="nothing to invalidate"):
        invalidate()
    with pytest.raises(TypeError, match=r"groups=\['articles'\]"):
        invalidate(groups="articles")


def test_a_store_that_cannot_be_reached_is_told(tmp_path):
    unreachable = {"store": "host", "store_path": str(tmp_path / "no" / "such" / "folder" / "store")}
    with pytest.raises(StoreError, match="folder"):
        invalidate("/page", config=unreachable)
    with pytest.raises(LookupError, match="process"):
        invalidate("/page", config=Config(store="process"))
    with pytest.raises(LookupError, match="no store"):
        invalidate("/page", config={})


def test_reads_go_on_without_the_store(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    site = Site(OURS, store="host", store_path=str(folder / "store"))
    folder.rmdir()
    tag = site.ask()["ETag"]
    assert site.again(tag=tag).reason == "not-modified"
    assert site.application.stats()["cache_store_errors"] == 2
    # Not each of thousands of requests says it.
    assert [record.levelname for record in caplog.records if "cache" in record.message].count("ERROR") == 1
    # An instance out of order is heard of by whoever invalidates, and no store less is reached for it.
    well = Site(OURS)
    well.ask()
    with pytest.raises(StoreError, match="folder"):
        invalidate("/page")
    assert well.again().reason != "remembered"


def a_folder(path):
    path.mkdir()


def a_link(path):
    path.symlink_to(path.with_name("elsewhere"))


def a_file_that_others_read(path):
    path.write_bytes(b"")
    path.chmod(0o644)


@pytest.fixture
def short_folder():
    """Make a folder whose name is short, for messages repeat no value at full length."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    ("name", "is_there", "reason"),
    [
        ("no/store", None, "its directory: No such file"),
        ("file/store", None, "its directory: Not a directory|.*/file is no directory"),
        ("/proc/self/store", None, "making it in its directory"),
        ("store", a_folder, "it is not a file"),
        ("store", a_link, "it is a symbolic link"),
        ("store", a_file_that_others_read, "others may read or write it: chmod 600"),
        ("store/..", a_folder, "it has no name"),
    ],
)
@pytest.mark.parametrize("in_a_file", [False, True])
def test_a_place_where_no_store_can_be_stops_the_server_from_starting(
    short_folder, name, is_there, reason, in_a_file
):
    (short_folder / "file").touch()
    if is_there:
        is_there(short_folder / "store")
    path = str(short_folder / name) if not name.startswith("/") else name
    file = short_folder / "notmodified.toml"
    file.write_text(f'release = "test"\nstore = "host"\nstore_path = "{path}"\n')
    origin = f"{file}:3" if in_a_file else "keyword argument"
    by_keywords = {"store": "host", "release": "test", "store_path": path}
    how = {"config": str(file)} if in_a_file else by_keywords
    with pytest.raises(ConfigError, match=f'^{origin}: store_path = "{path}": ({reason})'):
        NotModified(lambda *_: [], **how)
    assert sorted(entry.name for entry in short_folder.iterdir()) == sorted(
        {"file", "notmodified.toml", *(["store"] if is_there else [])}
    )


def test_a_store_is_looked_for_at_the_start_and_made_later(tmp_path, monkeypatch):
    """The master that makes the application is not who will use the store: its workers are."""
    monkeypatch.chdir(tmp_path)
    site = Site(OURS, store="host", store_path="store", store_size=2**20, release="test")
    assert not list(tmp_path.iterdir())
    assert site.remembers()
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_a_store_that_outlives_the_server_wants_a_release(settings, caplog):
    Site(OURS, **settings)
    assert not caplog.records
    del settings["release"]
    Site(OURS, **settings)
    assert "no release is configured" in caplog.text


def test_another_release_and_another_configuration_start_with_nothing(site, settings):
    tag = site.tag
    assert Site(OURS, **settings).again(tag=tag).reason == "remembered"
    for other in ({"release": "next"}, {"policy": [{"path": "/x", "expires": 1}]}):
        assert Site(OURS, **{**settings, **other}).again(tag=tag).reason != "remembered"


def test_the_process_store_is_refused_where_there_are_several_processes(caplog):
    site = Site(OURS)
    several = {"environ": {"wsgi.multiprocess": True}}
    assert not site.remembers(**several)
    assert caplog.text.count('store = "process" is for one process') == 1
    assert Site(OURS).remembers()


class TestHooks:
    def test_they_are_told_of_each_invalidation(self, site, told):
        invalidate("/page")
        invalidate("http://a.example/x?y")
        invalidate(groups=["a", "b"], everything=True)
        site.ask(method="POST", target="/new")
        assert [(n.paths, n.urls, n.groups, n.everything) for n in told] == [
            (("/page",), (), (), False),
            ((), ("http://a.example/x?y",), (), False),
            ((), (), ("a", "b"), True),
            (("/new",), (), (), False),
        ]

    def test_what_one_raises_reaches_the_caller_and_no_client(self, site, told, caplog):
        def fails(names):
            msg = "the CDN is down"
            raise OSError(msg)

        on_invalidate(fails)
        with pytest.raises(OSError, match="CDN"):
            invalidate("/page")
        assert site.ask(method="POST").status == 200
        assert "the CDN is down" in caplog.text
        caplog.clear()  # The traceback has the site.
        assert site.again().reason != "remembered"

    def test_the_example_purges_a_cdn(self, site, told, monkeypatch):
        received = []

        class Cdn(BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Cdn)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv("CDN_PURGE_URL", f"http://127.0.0.1:{server.server_port}/purge")
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.delitem(sys.modules, "purge_cdn", raising=False)
        __import__("purge_cdn")
        site.ask(method="DELETE", target="/articles/42")
        thread.join(10)
        server.server_close()
        assert received == [{"paths": ["/articles/42"], "urls": [], "groups": [], "everything": False}]
