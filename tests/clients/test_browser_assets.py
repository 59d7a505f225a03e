"""A real browser on a site with versioned files: what it asks for, as the server saw it."""

from __future__ import annotations

import base64
import re

import pytest

from kit.chromium import Chromium
from kit.ports import free_port
from kit.proxies import fill_in, launch
from kit.replica import Replica, build, release, wait_for
from kit.servers import TESTS, RunningServer, ServerKind
from kit.tools import require

ASSETS = ("app.css", "base.css", "logo.svg", "main.js", "part.js")
ALL_WHOLE = sorted([("/", 200, False), *((name, 200, False) for name in ASSETS)])
PAGE_CONFIRMED = [("/", 304, True)]
COLOUR = "getComputedStyle(document.querySelector('h1')).color"
OLD, NEW = "rgb(1, 2, 3)", "rgb(4, 5, 6)"
NEW_SHEET = f"@import 'base.css';\nh1 {{ color: {NEW}; background: url(../img/logo.svg) }}\n"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(chromium):
    """Return the browser, on no page and with nothing in its cache."""
    chromium.visit("about:blank")
    chromium.call("Network.clearBrowserCache")
    return chromium


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """Start a server that nobody deploys to."""
    require("chromium")
    folder = tmp_path_factory.mktemp("steady")
    replica = Replica(folder / "replica", release(folder / "files"))
    yield replica
    replica.stop()


@pytest.fixture
def replicas(tmp_path):
    running = []

    def start(files):
        replica = Replica(tmp_path / f"replica-{len(running)}", files)
        running.append(replica)
        return replica

    yield start
    for replica in running:
        replica.stop()


@pytest.fixture
def before(tmp_path):
    return release(tmp_path / "before")


@pytest.fixture
def after(tmp_path):
    return release(tmp_path / "after", css_app=NEW_SHEET)


def visited(browser, replica):
    """Visit the site for the first time, with an empty cache."""
    browser.visit(replica.url + "/")
    assert browser.evaluate(COLOUR) == OLD
    assert browser.evaluate("document.title") == "ran", "the modules did not run"
    assert replica.seen(6) == ALL_WHOLE


def test_a_first_visit_asks_for_each_file_once_and_a_second_for_none(browser, steady):
    visited(browser, steady)
    browser.come_again(steady.url + "/")
    assert browser.evaluate(COLOUR) == OLD
    assert steady.seen(1) == PAGE_CONFIRMED
    # Another page with the same files.
    browser.visit(steady.url + "/other")
    assert steady.seen(1) == [("other", 200, False)]


def test_a_reload_asks_for_the_page_alone_and_a_hard_one_for_everything(browser, steady):
    visited(browser, steady)
    browser.reload()
    assert steady.seen(1) == PAGE_CONFIRMED
    browser.reload(hard=True)
    assert steady.seen(6) == ALL_WHOLE


def test_going_back_and_forward_asks_for_nothing(browser, steady):
    visited(browser, steady)
    browser.visit(steady.url + "/other")
    assert steady.seen(1) == [("other", 200, False)]
    browser.back()
    assert browser.evaluate("document.querySelector('h1').innerText + " + COLOUR) == "front" + OLD
    assert steady.seen(0) == []
    browser.forward()
    assert browser.evaluate("document.querySelector('h1').innerText + " + COLOUR) == "other" + OLD
    assert steady.seen(0) == []


def picture(browser):
    return base64.b64decode(browser.call("Page.captureScreenshot")["data"])


def test_a_deployed_style_sheet_is_seen_at_once_and_nothing_else_is_asked_for(
    browser, replicas, before, after
):
    replica = replicas(before)
    visited(browser, replica)
    looked = picture(browser)
    replica.deploy(after)
    browser.come_again(replica.url + "/")
    assert browser.evaluate(COLOUR) == NEW
    assert picture(browser) != looked
    # The page says another URL now, so it has changed.
    assert replica.seen(2) == [("/", 200, True), ("app.css", 200, False)]
    browser.come_again(replica.url + "/")
    assert replica.seen(1) == PAGE_CONFIRMED


def test_a_changed_image_reaches_clients_through_the_sheet_that_shows_it(browser, replicas, before, tmp_path):
    replica = replicas(before)
    visited(browser, replica)
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'
    replica.deploy(release(tmp_path / "image", img_logo=svg))
    browser.come_again(replica.url + "/")
    assert replica.seen(3) == [("/", 200, True), ("app.css", 200, False), ("logo.svg", 200, False)]


@pytest.fixture
def rolling(tmp_path, replicas, before, after):
    """Two servers behind nginx, the first at the new release and the second still at the old one."""
    path = require("nginx")
    first, second = replicas(after), replicas(before)
    folder = tmp_path / "nginx"
    folder.mkdir()
    ports = {role: free_port() for role in ("apart", "in-turn")}
    places = {role: f"127.0.0.1:{port}" for role, port in ports.items()}
    places |= {"first": "{}:{}".format(*first.address), "second": "{}:{}".format(*second.address)}
    configuration = fill_in(TESTS / "clients" / "rolling-nginx.conf", "nginx", folder, places)
    process = launch(
        folder, path, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")
    )
    nginx = RunningServer(ServerKind("nginx"), ("127.0.0.1", ports["apart"]), process, folder)
    for port in ports.values():
        wait_for(("127.0.0.1", port), nginx)
    yield first, second, {role: f"http://{place}/" for role, place in places.items()}
    nginx.stop()


def test_a_new_page_whose_files_come_from_an_old_server_works_and_keeps_nothing_wrong(
    browser, rolling, after
):
    first, second, urls = rolling
    browser.visit(urls["apart"])
    # The old server has no such version: what it has now, for now.
    assert browser.evaluate(COLOUR) == OLD
    assert first.seen(1) == [("/", 200, False)]
    assert second.seen(5) == [row for row in ALL_WHOLE if row[0] != "/"]
    sheet = browser.evaluate("new URL(document.styleSheets[0].href).pathname")
    assert re.fullmatch(r"/static/css/app\.[0-9a-f]{16}\.css", sheet)
    assert second.fields(sheet) == (200, "no-cache")
    assert first.fields(sheet) == (200, "public, max-age=31536000, immutable")
    first.seen(1)
    second.seen(1)
    # The deployment goes on, and the client that was in the middle of it sees the new one.
    second.deploy(after)
    browser.come_again(urls["apart"])
    assert browser.evaluate(COLOUR) == NEW
    assert first.seen(1) == PAGE_CONFIRMED
    assert second.seen(1) == [("app.css", 200, True)]
    browser.come_again(urls["apart"])
    assert (first.seen(1), second.seen(0)) == (PAGE_CONFIRMED, [])


def test_an_old_page_whose_files_come_from_a_new_server_gets_those_that_it_was_made_for(
    browser, rolling, before, after
):
    first, second, urls = rolling
    build(before)
    build(after, before)
    first.deploy(before)
    second.deploy(after)
    browser.visit(urls["apart"])
    assert browser.evaluate(COLOUR) == OLD
    assert browser.evaluate("document.title") == "ran"
    assert second.seen(5) == [row for row in ALL_WHOLE if row[0] != "/"]
    sheet = browser.evaluate("new URL(document.styleSheets[0].href).pathname")
    assert second.fields(sheet) == (200, "public, max-age=31536000, immutable")
    first.seen(1)
    second.seen(1)
    # It has them for good.
    browser.come_again(urls["apart"])
    assert (first.seen(1), second.seen(0)) == (PAGE_CONFIRMED, [])
    first.deploy(after)
    browser.come_again(urls["apart"])
    assert browser.evaluate(COLOUR) == NEW
    assert (first.seen(1), second.seen(1)) == ([("/", 200, True)], [("app.css", 200, False)])


def test_servers_of_two_releases_in_turn_break_no_page_and_end_at_the_new_one(browser, rolling, after):
    first, second, urls = rolling
    for _ in range(6):
        browser.come_again(urls["in-turn"])
        assert browser.evaluate(COLOUR) in {OLD, NEW}
        assert browser.evaluate("document.title") == "ran"
    seen = first.seen(1) + second.seen(1)
    assert {status for _, status, _ in seen} <= {200, 304}
    # Files that both have in the same version are asked for once, whoever answers.
    for name in ("base.css", "logo.svg", "main.js", "part.js"):
        assert [row for row in seen if row[0] == name] == [(name, 200, False)]
    second.deploy(after)
    for _ in range(2):
        browser.come_again(urls["in-turn"])
        assert browser.evaluate(COLOUR) == NEW
    first.seen(0)
    second.seen(0)
    browser.come_again(urls["in-turn"])
    assert first.seen(0) + second.seen(0) == PAGE_CONFIRMED
