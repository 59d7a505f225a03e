"""What a 304 carries and what it does not (RFC 9110 §15.4.5), and that it is framed right."""

from __future__ import annotations

import pytest

from apps import content
from notmodified import EntityTag

# Of the connection, or of the moment.
NOT_COMPARED = {"connection", "date", "server", "keep-alive", "via"}
OF_THE_CONTENT = {
    "content-length",
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "content-md5",
    "content-range",
    "transfer-encoding",
}
VALIDATED = [
    "/page",
    "/json",
    "/empty",
    "/etag",
    "/etag-weak",
    "/etag-unquoted",
    "/etag-and-date",
    "/last-modified",
    "/headers",
    "/gzip",
    "/no-store-etag",
    "/no-transform",
    pytest.param("/declared", marks=pytest.mark.needs_of_app("collected-streams")),
    "/stream-etag",
    "/partial",
    "/file?length=100000",
]


@pytest.mark.parametrize("path", VALIDATED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_has_the_fields_of_the_200_less_those_of_the_content(site, path, method):
    whole = site.get(path)
    answer = site.request(method, path, ("If-None-Match", whole["ETag"]))
    assert answer.status == 304
    assert answer.body == b""
    assert not answer.names() & OF_THE_CONTENT
    left_out = OF_THE_CONTENT | NOT_COMPARED | {"last-modified", "accept-ranges"}
    assert answer.compared(without=NOT_COMPARED) == whole.compared(without=left_out)
    assert site.result(answer) == "not-modified"


def test_caching_cors_and_security_fields_are_kept_and_content_fields_dropped(site):
    answer = site.get("/headers", ("If-None-Match", site.get("/headers")["ETag"]))
    for name, value in content.KEPT.items():
        assert answer[name] == value
    for name in content.DROPPED:
        assert name not in answer


@pytest.mark.needs("values-that-begin-with-a-blank")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_cookies_set_in_this_very_answer_are_kept_in_order(site, method):
    whole = site.get("/cookies")
    assert len(whole.all("Set-Cookie")) == 2
    assert site.head("/cookies").all("Set-Cookie") == whole.all("Set-Cookie")
    answer = site.request(method, "/cookies", ("If-None-Match", whole["ETag"]))
    assert answer.status == 304
    assert answer.all("Set-Cookie") == whole.all("Set-Cookie")


def test_a_date_is_kept_only_where_there_is_no_tag(site):
    by_tag = site.get("/last-modified", ("If-Modified-Since", content.DATE))
    assert by_tag.status == 304
    assert by_tag["ETag"] == str(EntityTag.of(content.PAGE))
    assert "Last-Modified" not in by_tag
    by_date = site.get("/last-modified", ("If-Modified-Since", content.DATE), config="etag-off")
    assert by_date.status == 304
    assert by_date["Last-Modified"] == content.DATE
    assert "ETag" not in by_date


def test_a_304_for_a_weakened_tag_says_the_strong_one(site):
    answer = site.get("/page", ("If-None-Match", "W/" + str(EntityTag.of(content.PAGE))))
    assert answer["ETag"] == str(EntityTag.of(content.PAGE))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_applications_own_304_is_passed_and_framed_right(site, method):
    answer = site.request(method, "/own-304", ("If-None-Match", '"anything"'))
    assert answer.status == 304
    assert answer.body == b""
    assert not answer.names() & OF_THE_CONTENT
    assert answer["ETag"] == content.OWN
    assert answer["Vary"] == "Cookie"
    assert site.result(answer) == "app"


def test_a_204_has_no_body(site):
    """The framing is checked with each request: the next answer on the connection must be right."""
    answer = site.get("/no-content", ("If-None-Match", '"other"'))
    assert answer.status == 204
    assert answer.body == b""
    assert "ETag" not in answer
    assert ",".join(answer.all("Content-Length")) in ("", "0")


@pytest.mark.needs("bare-204")
def test_a_204_has_no_length(site):
    assert "Content-Length" not in site.get("/no-content")


def test_the_application_is_closed_once_after_a_304(site):
    for path in ("/page", "/declared", "/stream-etag"):
        answer = site.get(path, ("If-None-Match", "*"))
        assert answer.status == 304
        assert site.events(answer, "close").count("close") == 1


def test_a_304_does_not_wait_for_a_stream_it_will_not_send(site):
    answer = site.get("/stream-etag", ("If-None-Match", content.OWN))
    assert answer.status == 304
    assert "next" not in site.events(answer, "close")


def test_a_stream_with_a_date_only_is_judged_by_it(site):
    answer = site.get("/stream-date", ("If-Modified-Since", content.DATE))
    assert answer.status == 304
    assert answer["Last-Modified"] == content.DATE
    assert site.get("/stream-date", ("If-Modified-Since", content.EARLIER)).body == content.WHOLE
