"""What stands between an application and the world, started for real: what it breaks is told of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kit.answer import new_id
from kit.check_command import check
from kit.hops import Hops, certificates, of_apache, of_nginx, of_program
from kit.ports import free_port
from notmodified.check import judge
from notmodified.check.live import Options, record_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.check.document import Page

HERE = Path(__file__).parent
ORIGIN, PUBLIC = "origin", "public address"
ROLES = (
    *("static", "private-shared", "cookie-added", "cookie-always", "vary-lost"),
    *("tls", "inner", "middle", "outer", "public"),
)
CONTENT = b"p { color: #123 }\n" * 50
LONG_AGO = 784111777
# Files by when they changed: as it was, as reproducible builds say, as archives do that know no earlier time.
FILES = {"app.css": LONG_AGO, "built.css": 1, "unzipped.css": 315532800}
# Debian's nginx refuses them, older and newer ones need not.
OF_A_VERSION = {"lines-refused"}


@pytest.fixture(scope="module")
def nginx(origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hops]:
    folder = tmp_path_factory.mktemp("hops")
    certificates(folder)
    (folder / "files").mkdir()
    for name, modified in FILES.items():
        file = folder / "files" / name
        file.write_bytes(CONTENT)
        os.utime(file, (modified, modified))
    running = of_nginx(HERE / "hops.conf", folder, ROLES, {"origin": origin.url.removeprefix("http://")})
    yield running
    running.stop()


def found(page: Page) -> set[tuple[str, str]]:
    """Return what is told, infos too, and of which hop."""
    told = {(finding["id"], finding["hop"]) for finding in page["findings"]}
    return {one for one in told if one[0] not in OF_A_VERSION}


def checked(url: str, options: Options) -> Page:
    (page,) = judge(record_urls([url], options))["pages"]
    return page


@pytest.mark.parametrize(
    ("role", "name", "told"),
    [
        # Asked for what it has stored, nginx takes a date where there is none for a later one.
        ("private-shared", "private", {"private-shared", "if-match-wrong"}),
        ("cookie-added", "healthy", {"cookie-added"}),
        ("cookie-always", "healthy", {"cookie-added"}),
        ("vary-lost", "healthy-gzip", {"vary-lost", "vary-missing"}),
    ],
)
def test_what_a_proxy_does_is_told_of_the_proxy(origin, nginx, role: str, name: str, told: set[str]) -> None:
    # A query of its own, so that no cache has it from before.
    url = f"{nginx.urls[role]}/gallery/{name}/page?{new_id()}"
    page = checked(url, Options(origin=origin.url))
    assert found(page) == {(kind, PUBLIC) for kind in told}


OF_NGINX = {
    "date-beats-tag",
    "if-match-wrong",
    "later-date-ignored",
    "no-date-read",
    "nothing-said",
    "range-not-ignored",
}


def told_of_file(name: str) -> set[str]:
    return OF_NGINX | (set() if name == "app.css" else {"frozen-date"})


@pytest.mark.parametrize("name", FILES)
def test_files_by_nginx(nginx, name: str) -> None:
    page = checked(f"{nginx.urls['static']}/{name}", Options())
    assert {kind for kind, _ in found(page)} == told_of_file(name)


COMPRESSES = {("tag-weakened", "inner"), ("fields-missing-in-304", "inner")}


@pytest.mark.parametrize(
    ("outside", "via", "told"),
    [
        ("inner", (), {(kind, PUBLIC) for kind, _ in COMPRESSES}),
        ("middle", ("inner",), COMPRESSES | {("tag-stripped", PUBLIC)}),
        ("outer", ("inner",), COMPRESSES | {("vary-lost", PUBLIC), ("vary-missing", PUBLIC)}),
        ("public", ("inner", "outer"), COMPRESSES | {("vary-lost", "outer"), ("vary-missing", "outer")}),
    ],
)
def test_of_several_hops_the_one_that_did_it_is_named(origin, nginx, outside, via, told) -> None:
    names = {f"via {nginx.urls[role].removeprefix('http://')}": role for role in via}
    options = Options(origin=origin.url, via=tuple(nginx.urls[role] for role in via))
    page = checked(f"{nginx.urls[outside]}/gallery/healthy/page", options)
    assert [hop["name"] for hop in page["hops"]] == [ORIGIN, *names, PUBLIC]
    assert {(kind, names.get(hop, hop)) for kind, hop in found(page)} == told


@pytest.fixture
def resetting(origin, tmp_path: Path) -> Iterator[Hops]:
    port = free_port()
    _, origin_port = origin.address
    running = of_program(
        tmp_path, port, sys.executable, "-m", "apps.resetting_proxy", str(port), str(origin_port)
    )
    yield running
    running.stop()


def test_a_proxy_that_resets_after_a_304_is_found(origin, resetting: Hops) -> None:
    page = checked(f"{resetting.urls['']}/gallery/healthy/page", Options(origin=origin.url))
    assert found(page) == {("reset-after-304", PUBLIC)}


CHANGED = CONTENT.replace(b"1", b"4")


def replica(folder: Path, content: bytes, modified: int, zone: str) -> Hops:
    """Start a Gunicorn that serves its own copy of a file."""
    (folder / "files").mkdir(parents=True)
    file = folder / "files" / "app.css"
    file.write_bytes(content)
    os.utime(file, (modified, modified))
    port = free_port()
    return of_program(
        folder,
        port,
        *("/usr/bin/env", f"TZ={zone}", f"COPIED_FILES={folder / 'files'}"),
        *(sys.executable, "-m", "gunicorn", "apps.copied_files:application", "-k", "gthread"),
        *("--bind", f"127.0.0.1:{port}", "--no-control-socket"),
    )


@pytest.mark.parametrize(
    ("second", "told"),
    [
        pytest.param((CONTENT, LONG_AGO + 7, "UTC"), "replicas-disagree", id="copied-later"),
        pytest.param((CONTENT, LONG_AGO, "Asia/Tokyo"), "replicas-disagree", id="in-another-zone"),
        pytest.param((CHANGED, LONG_AGO, "UTC"), "tag-lies", id="other-content-of-that-size-and-second"),
        pytest.param((CONTENT, LONG_AGO, "UTC"), None, id="alike"),
    ],
)
def test_two_servers_behind_a_balancer(tmp_path: Path, second, told: str | None) -> None:
    running: list[Hops] = []
    try:
        for name, about in {"one": (CONTENT, LONG_AGO, "UTC"), "two": second}.items():
            running.append(replica(tmp_path / name, *about))
        one, two = (server.urls[""] for server in running)
        places = {"one": one.removeprefix("http://"), "two": two.removeprefix("http://")}
        folder = tmp_path / "balancer"
        folder.mkdir()
        running.append(of_nginx(HERE / "balancer.conf", folder, ["balancer"], places))
        page = checked(f"{running[-1].urls['balancer']}/app.css", Options(origin=one))
    finally:
        for server in running:
            server.stop()
    alone = {kind for kind, hop in found(page) if hop == ORIGIN}
    assert "replicas-disagree" not in alone
    assert "tag-lies" not in alone
    assert {kind for kind, hop in found(page) if hop == PUBLIC} == ({told} if told else set())


class TestTLS:
    """A certificate of an authority that the system does not know."""

    @pytest.fixture
    def url(self, nginx: Hops) -> str:
        return nginx.urls["tls"].replace("http:", "https:") + "/gallery/healthy/page"

    def test_it_is_refused(self, url: str, origin) -> None:
        status, document = check(url, "--origin", origin.url)
        (page,) = document["pages"]
        assert (status, found(page)) == (1, {("unreachable", PUBLIC)})
        assert page["verdict"].startswith("TLS fails")

    @pytest.mark.parametrize("how", ["--insecure", "--ca"])
    def test_it_is_taken_by_who_says_so(self, url: str, origin, nginx: Hops, how: str) -> None:
        more = [str(nginx.server.folder / "authority.pem")] if how == "--ca" else []
        status, document = check(url, "--origin", origin.url, how, *more)
        (page,) = document["pages"]
        assert (status, found(page)) == (0, set())
        assert page["hops"][-1]["timings"]["tls"] > 0

    def test_one_of_another_name_is_refused_all_the_same(self, url: str, nginx: Hops) -> None:
        authority = str(nginx.server.folder / "authority.pem")
        page = checked(url.replace("127.0.0.1", "localhost"), Options(authority=authority))
        assert found(page) == {("unreachable", PUBLIC)}
        assert "localhost" in page["verdict"]

    @pytest.mark.parametrize(
        ("name", "says"), [("none", "No such file"), ("nginx.pid", "no certificate in PEM")]
    )
    def test_a_file_that_is_no_certificate_is_named(
        self, url: str, nginx: Hops, name: str, says: str
    ) -> None:
        file = str(nginx.server.folder / name)
        with pytest.raises(ValueError, match=says) as refused:
            record_urls([url], Options(authority=file))
        assert str(refused.value).startswith(file)


class TestForwardProxy:
    """Apache between the check and the servers."""

    @pytest.fixture
    def forward(self, nginx: Hops, tmp_path: Path) -> Iterator[Hops]:
        port = nginx.urls["tls"].rpartition(":")[2]
        running = of_apache(HERE / "forward.conf", tmp_path, ["forward"], {"tls-port": port})
        yield running
        running.stop()

    def test_it_is_asked_for_whole_urls(self, origin, forward: Hops) -> None:
        url = f"{origin.url}/gallery/healthy/page"
        status, document = check(url, "--proxy", forward.urls["forward"])
        (page,) = document["pages"]
        assert (status, found(page)) == (0, set())
        asked = forward.log().splitlines()
        assert len(asked) == document["totals"]["requests"] > 20
        assert f"GET {url} HTTP/1.1" in asked

    def test_tls_goes_through_it_and_what_is_inside_is_asked_without(self, origin, nginx, forward) -> None:
        authority = str(nginx.server.folder / "authority.pem")
        address = nginx.urls["tls"].removeprefix("http://")
        options = Options(origin=origin.url, proxy=forward.urls["forward"], authority=authority)
        page = checked(f"https://{address}/gallery/healthy/page", options)
        assert found(page) == set()
        assert page["hops"][0]["requests"] > 20
        lines = {line.rpartition(" ")[0] for line in forward.log().splitlines()}
        assert lines == {f"CONNECT {address}"}

    def test_one_that_does_not_let_through_is_told(self, forward: Hops) -> None:
        options = Options(proxy=forward.urls["forward"])
        page = checked(f"https://127.0.0.1:{free_port()}/", options)
        assert found(page) == {("unreachable", PUBLIC)}
        assert "403" in page["verdict"]

    @pytest.mark.parametrize(
        "proxy", ["127.0.0.1:8080", "https://proxy:443", "http://u:p@proxy", "http://", "http://a:b"]
    )
    def test_what_is_no_proxy_is_refused_before_anything_is_asked(self, proxy: str) -> None:
        with pytest.raises(ValueError, match=r"give a proxy such as http://host:port, not"):
            record_urls(["http://a.example/"], Options(proxy=proxy))
