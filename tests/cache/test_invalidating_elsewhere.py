"""Invalidation by processes that serve nothing: a shell, a cron job, another user."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from notmodified import Config, NoStoreError, host_store

# A user whom nobody is.
STRANGER = 61_234


def run(
    code: str, *arguments: str, folder: Path, expect: int = 0, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program without what this one has in its environment, and none of the folder on its path."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(code), *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def command(*arguments: str, folder: Path, expect: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the console script."""
    code = "import sys; from notmodified.cli import main; sys.exit(main())"
    return run(code, "invalidate", *arguments, folder=folder, expect=expect, **env)


class TestWhereThereIsNone:
    def test_the_command_says_so_and_makes_none(self, tmp_path):
        file = tmp_path / "notmodified.toml"
        file.write_text('store = "host"\nstore_path = "store"\n')
        done = command("--all", "--config", str(file), folder=tmp_path, expect=1)
        assert not done.stdout
        assert f"there is no store at {tmp_path}/store" in done.stderr
        assert f"as user {host_store._user(os.geteuid())}" in done.stderr
        assert "Traceback" not in done.stderr
        done = command("/x", "--json", "--config", str(file), folder=tmp_path, expect=1)
        document = json.loads(done.stdout)
        assert (document["invalidated"], "no store" in document["error"]) == (False, True)
        assert [entry.name for entry in tmp_path.iterdir()] == ["notmodified.toml"]

    def test_so_does_an_application_that_has_not_served_yet(self, tmp_path):
        code = """
            import notmodified
            site = notmodified.NotModified(lambda *_: [], store="host", store_path="store", release="test")
            try:
                notmodified.invalidate("/x")
            except notmodified.NoStoreError as error:
                print(error)
        """
        assert f"there is no store at {tmp_path}/store" in run(code, folder=tmp_path).stdout
        assert not list(tmp_path.iterdir())

    def test_a_server_whose_first_request_invalidates_makes_it(self, tmp_path):
        code = """
            import notmodified
            from notmodified import invalidate

            def app(environ, start_response):
                invalidate("/x")
                start_response("204 No Content", [])
                return []

            site = notmodified.NotModified(app, store="host", store_path="store", release="test")
            environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "a.example"}
            statuses = []
            site(environ, lambda status, fields, error=None: statuses.append(status))
            print(*statuses)
        """
        done = run(code, folder=tmp_path)
        assert (done.stdout, [entry.name for entry in tmp_path.iterdir()]) == ("204 No Content\n", ["store"])

    def test_what_lies_there_and_is_no_store_stays(self, settings):
        Path(settings["store_path"]).write_text("dear diary")
        Path(settings["store_path"]).chmod(0o600)
        code = f"import notmodified; notmodified.invalidate('/x', config={settings!r})"
        done = run(code, folder=Path(settings["store_path"]).parent, expect=1)
        assert "NoStoreError" in done.stderr
        assert Path(settings["store_path"]).read_text() == "dear diary"

    def test_another_size_is_no_other_store(self, site, settings):
        tag, there = site.tag, Path(settings["store_path"])
        inode = there.stat().st_ino
        code = (
            f"import notmodified; notmodified.invalidate('/page', config={settings | {'store_size': 2**21}})"
        )
        run(code, folder=there.parent)
        assert (there.stat().st_ino, site.again(tag=tag).reason) == (inode, "not-modified")


@pytest.fixture
def memory(monkeypatch):
    """Make a folder in place of /dev/shm, where a stranger's store would be; this user has one there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name)
        whose = folder / f"notmodified-{os.geteuid()}"
        whose.mkdir(0o700)
        (whose / "store").touch(0o600)
        (folder / "notmodified-fuzz").mkdir()
        # Somebody else's folder under the name of another user.
        (folder / "notmodified-61235").mkdir()
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
        yield folder


class TestOtherUsers:
    def test_their_stores_are_named(self, memory):
        user = host_store._user(os.getuid())
        error = host_store.absent(memory / f"notmodified-{STRANGER}" / "store")
        assert not isinstance(error, NoStoreError)
        assert f"as user {STRANGER}, and so nothing was forgotten" in str(error)
        assert f"other users have stores: {user} ({memory}/notmodified-{os.getuid()}/store)." in str(error)
        assert f"sudo -u {user} " in str(error)
        assert "fuzz" not in str(error)
        assert "61235" not in str(error)

    def test_a_folder_of_theirs_that_is_empty_is_none(self, memory):
        (memory / f"notmodified-{os.getuid()}" / "store").unlink()
        error = host_store.absent(memory / f"notmodified-{STRANGER}" / "store")
        assert isinstance(error, NoStoreError)

    def test_they_have_nothing_to_do_with_a_path_that_is_configured(self, memory):
        assert isinstance(host_store.absent(memory / "store"), NoStoreError)

    @pytest.mark.skipif(not Path("/proc/locks").exists(), reason="it is not told who has a file open")
    def test_a_store_of_ones_own_that_nobody_uses_is_doubtful(self, memory):
        own = memory / f"notmodified-{STRANGER}" / "store"
        own.parent.mkdir()
        own.touch()
        assert re.match(f"no other process has {own} open, .* sudo -u", host_store.doubt(own) or "")
        holds = """
            import fcntl, sys
            file = open(sys.argv[1])
            fcntl.flock(file, fcntl.LOCK_SH)
            print(flush=True)
            sys.stdin.read()
        """
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(holds), str(own)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as server:
            assert server.stdout is not None
            server.stdout.readline()
            assert host_store.doubt(own) is None
            server.communicate()
        assert host_store.doubt(own)
        # Where nobody else has one it is simply not in use yet.
        shutil.rmtree(memory / f"notmodified-{os.getuid()}")
        assert host_store.doubt(own) is None

    def test_where_it_cannot_be_told_who_uses_it_nothing_is_said(self, memory, monkeypatch):
        own = memory / f"notmodified-{STRANGER}" / "store"
        own.parent.mkdir()
        own.touch()
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: "")
        assert host_store.doubt(own) is None

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
    def test_the_command_of_one_reaches_no_store_and_makes_none(self, memory):
        config = memory / "notmodified.toml"
        config.write_text('store = "host"\n')
        memory.chmod(0o755)
        code = f"""
            import os, sys
            from notmodified import cli
            command = ["invalidate", "/note", "--config", {str(config)!r}]
            arguments = cli.parser("invalidate").parse_args(command)
            os.setgid({STRANGER})
            os.setuid({STRANGER})
            sys.exit(arguments.run(arguments))
        """
        usual = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp")
        with a_store_of_this_user():
            done = run(code, folder=Path("/"), expect=2)
        assert not done.stdout
        assert f"no store at {usual}/notmodified-{STRANGER}/store" in done.stderr
        assert "sudo -u " in done.stderr
        assert not (usual / f"notmodified-{STRANGER}").exists()


@contextlib.contextmanager
def a_store_of_this_user():
    """Have the usual store of who runs this in use, by a process that ends."""
    code = """
        import sys
        from notmodified import NotModified

        def app(environ, start_response):
            start_response("200 OK", [("Cache-Control", "max-age=60")])
            return [b"page"]

        site = NotModified(app, store="host", release="test")
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "a.example"}
        b"".join(site(environ, lambda *_: None))
        print(flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield
        server.communicate()


class TestConfiguration:
    def test_an_application_that_is_imported_brings_its_own(self, site, settings, tmp_path):
        tag = site.tag
        (tmp_path / "shop.py").write_text(f"""if True:
            from notmodified import NotModified
            application = NotModified(lambda *_: [], {settings!r})
        """)
        code = "import sys; sys.path.append(''); import notmodified, shop; notmodified.invalidate('/page')"
        run(code, folder=tmp_path)
        assert site.again(tag=tag).reason == "not-modified"

    def test_a_release_and_a_key_that_only_servers_know_matter_to_no_invalidation(
        self, site, settings, tmp_path
    ):
        tag = site.tag
        file = tmp_path / "notmodified.toml"
        file.write_text(
            f'store = "host"\nstore_path = "{settings["store_path"]}"\n'
            'release = "env:A_COMMIT_THAT_IS_NOT_SET"\ntag_key = "env:A_KEY_THAT_IS_NOT_SET"\n'
        )
        with pytest.raises(ValueError, match="A_COMMIT"):
            Config.load(file)
        command("/page", "--config", str(file), folder=tmp_path)
        assert site.again(tag=tag).reason == "not-modified"
        file.write_text(file.read_text() + "stor = 1\n")
        assert "no such key" in command("/page", "--config", str(file), folder=tmp_path, expect=2).stderr

    @pytest.mark.parametrize("by", ["command", "function"])
    def test_django_s_settings_are_read_where_the_environment_names_them(self, site, settings, tmp_path, by):
        tag = site.tag
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "settings.py").write_text(f"NOTMODIFIED = {settings!r}\n")
        env = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
        if by == "command":
            assert command("/page", folder=tmp_path, **env).stdout == "forgotten: /page\n"
        else:
            code = "import sys; sys.path.append(''); import notmodified; notmodified.invalidate('/page')"
            run(code, folder=tmp_path, **env)
        assert site.again(tag=tag).reason == "not-modified"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "ModuleNotFoundError: No module named 'shop'"),
            ("import os; os.environ['SECRET']", "KeyError: 'SECRET'"),
            ("import os; os.no_such_thing", "AttributeError: module 'os' has no attribute"),
        ],
    )
    def test_settings_that_cannot_be_read_are_named_and_so_is_why(
        self, site, settings, tmp_path, content, reason
    ):
        tag = site.tag
        if content:
            (tmp_path / "shop").mkdir()
            (tmp_path / "shop" / "settings.py").write_text(content)
        env = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
        done = command("/page", folder=tmp_path, expect=2, **env)
        assert (
            f"Django's settings shop.settings, which DJANGO_SETTINGS_MODULE names, can't be read: {reason}"
            in (done.stderr)
        )
        assert "Traceback" not in done.stderr
        # Who names a file beside them gets what it says.
        file = tmp_path / "notmodified.toml"
        file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()))
        command("/page", folder=tmp_path, NOTMODIFIED_CONFIG=str(file), **env)
        assert site.again(tag=tag).reason == "not-modified"

    def test_settings_without_ours_are_passed_over(self, tmp_path):
        (tmp_path / "settings.py").touch()
        done = command("/page", folder=tmp_path, expect=2, DJANGO_SETTINGS_MODULE="settings")
        assert "say which one with --config, in Django's setting NOTMODIFIED" in done.stderr
