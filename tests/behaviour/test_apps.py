"""The sample applications without the middleware serve what the other tests take for granted."""

from __future__ import annotations

import pytest

from apps import content


@pytest.mark.parametrize("path", ["/page", "/etag", "/headers", "/last-modified", "/missing"])
def test_the_bare_application_serves_the_page(site, path):
    answer = site.get(path, config="bare")
    assert answer.status == (404 if path == "/missing" else 200)
    assert answer.body == content.PAGE
    assert site.result(answer) is None


@pytest.mark.parametrize("path", ["/stream", "/declared", "/stream-etag"])
def test_the_bare_application_streams(site, path):
    answer = site.get(path, config="bare")
    assert answer.body == content.WHOLE
    assert site.events(answer, "close").count("close") == 1


def test_the_bare_application_sends_a_file(site):
    answer = site.get("/file", config="bare")
    assert answer.body == (content.files() / "page.bin").read_bytes()
    assert site.app == "plain" or answer["Content-Length"] == "100000"


def test_no_bare_application_makes_tags_of_its_own_where_others_test_that_we_do(site):
    for path in ("/page", "/json", "/stream", "/declared", "/file", "/last-modified", "/no-store"):
        assert "ETag" not in site.get(path, config="bare")
