"""Content codings (RFC 9110 §8.4): a tag for each, a 304 for each, and Vary on it."""

from __future__ import annotations

import gzip

import pytest

from notmodified import EntityTag

CODED = [
    pytest.param("django", "gzip-inside", "/static", "gzip", id="GZipMiddleware inside"),
    pytest.param("django", "gzip-outside", "/static", "gzip", id="a compressor outside"),
    pytest.param("django", "gzip-outside", "/article", "gzip", id="a compressor outside a page with forms"),
    pytest.param("flask", "compress", "/long", "gzip", id="Flask-Compress, gzip"),
    pytest.param("flask", "compress", "/long", "br", id="Flask-Compress, br"),
    pytest.param("flask", "compress", "/long", "zstd", id="Flask-Compress, zstd"),
    pytest.param("flask", "plain", "/style.css", "gzip", id="a .gz file beside"),
]


@pytest.mark.parametrize(("name", "variant", "target", "coding"), CODED)
def test_a_coded_page_is_confirmed_with_vary(visitor, name, variant, target, coding):
    client = visitor(name, variant, accept_encoding=coding)
    first = client.visit(target)
    assert first.status == 200
    assert first.fields["content-encoding"] == coding
    for _ in range(5):
        again = client.visit(target)
        assert again.status == 304
        assert "Accept-Encoding" in again.fields["vary"]
        assert again.fields["etag"] == first.fields["etag"]


@pytest.mark.parametrize(("name", "variant", "target", "coding"), CODED)
def test_no_coding_has_the_strong_tag_of_another(visitor, name, variant, target, coding):
    tags = [
        visitor(name, variant, accept_encoding=accepted).visit(target).fields["etag"]
        for accepted in ("identity", coding)
    ]
    assert tags[0] != tags[1] or tags[0].startswith("W/")


def test_djangos_random_padding_is_left_out_of_the_tag(visitor):
    client = visitor("django", "gzip-inside", accept_encoding="gzip")
    # urllib3 decodes; the length on the wire shows the padding.
    answers = [client.send("GET", "/static", {}) for _ in range(8)]
    assert len({answer.headers["Content-Length"] for answer in answers}) > 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    plain = gzip.compress(answers[0].data, compresslevel=6, mtime=0)
    assert answers[0].headers["ETag"] == str(EntityTag.of(plain, weak=True))


def test_a_gz_file_keeps_its_strong_tag(visitor):
    answer = visitor("flask", accept_encoding="gzip").visit("/style.css")
    assert not answer.fields["etag"].startswith("W/")
