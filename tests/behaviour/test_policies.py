"""What a policy adds to responses, and that the application's own word stands unless overridden."""

from __future__ import annotations

import json
import time

import pytest

from apps import content
from model import rfc9110_model as rfc
from notmodified import EntityTag

PAGE_TAG = str(EntityTag.of(content.PAGE))


def directives(answer):
    return {part.strip() for part in answer["Cache-Control"].split(",")}


def vary(answer):
    return [name.strip() for value in answer.all("Vary") for name in value.split(",")]


def in_a_minute(date):
    return abs(rfc.parse_date(date) - (time.time() + 60)) < 5


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_it_adds_freshness_and_vary(site, method):
    answer = site.request(method, "/page", config="lasting")
    assert directives(answer) == {"public", "max-age=60"}
    assert in_a_minute(answer["Expires"])
    assert sorted(name.lower() for name in vary(answer)) == ["accept-language", "cookie"]


def test_a_304_says_what_the_200_said(site):
    answer = site.get("/page", ("If-None-Match", PAGE_TAG), config="lasting")
    assert answer.status == 304
    assert directives(answer) == {"public", "max-age=60"}
    assert in_a_minute(answer["Expires"])
    assert sorted(name.lower() for name in vary(answer)) == ["accept-language", "cookie"]


def test_a_304_of_the_applications_own_counts_as_a_200(site):
    answer = site.get("/own-304", config="lasting")
    assert answer.status == 304
    assert directives(answer) == {"public", "max-age=60"}
    assert sorted(name.lower() for name in vary(answer)) == ["accept-language", "cookie"]


def test_a_stream_gets_the_policys_fields_too(site):
    answer = site.get("/stream", config="lasting")
    assert answer.body == content.WHOLE
    assert directives(answer) == {"public", "max-age=60"}


def test_a_412_is_no_200(site):
    answer = site.get("/page", ("If-Match", '"other"'), config="lasting")
    assert answer.status == 412
    assert "Expires" not in answer
    assert "max-age" not in ",".join(answer.all("Cache-Control"))


def test_the_applications_own_freshness_wins(site):
    said = site.get("/cache-control", config="lasting")
    assert said["Cache-Control"] == "private, max-age=5"
    assert "Expires" not in said
    expires = site.get("/expires", config="lasting")
    assert expires["Expires"] == content.EXPIRES
    assert "Cache-Control" not in expires


def test_unless_it_is_overridden(site):
    for path in ("/cache-control", "/expires", "/page", "/headers"):
        answer = site.get(path, config="override")
        assert directives(answer) == {"public", "max-age=60"}
        assert in_a_minute(answer["Expires"])


def test_overriding_no_store_lets_it_have_a_tag(site):
    answer = site.get("/no-store", config="override")
    assert directives(answer) == {"public", "max-age=60"}
    assert answer["ETag"] == PAGE_TAG


def test_vary_has_no_name_twice(site):
    names = [name.lower() for name in vary(site.get("/vary", config="lasting"))]
    assert sorted(names) == ["accept-language", "cookie"]


def test_vary_on_everything_stays(site):
    assert vary(site.get("/vary-star", config="lasting")) == ["*"]


def test_errors_get_nothing_from_a_policy_for_successes(site):
    for path in ("/missing", "/broken", "/moved"):
        answer = site.get(path, config="lasting")
        assert "Cache-Control" not in answer
        assert "Expires" not in answer
        assert "Vary" not in answer


def test_other_methods_get_nothing_from_a_policy_for_reads(site):
    answer = site.request("POST", "/echo", config="lasting", body=b"")
    assert "Cache-Control" not in answer
    assert "Vary" not in answer


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/page", ["max-age=3"]),
        ("HEAD", "/page", ["max-age=2"]),
        ("GET", "/json", ["max-age=4"]),
        ("GET", "/missing", ["max-age=5"]),
        ("GET", "/etag", ["max-age=6"]),
        ("GET", "/broken", []),
        ("POST", "/echo", []),
    ],
)
def test_the_first_policy_that_matches_is_the_one(site, method, path, expected):
    answer = site.request(method, path, config="selective", body=b"" if method == "POST" else None)
    assert answer.all("Cache-Control") == expected


class TestTagOptions:
    def test_off_makes_none(self, site):
        answer = site.get("/page", config="etag-off")
        assert "ETag" not in answer
        assert site.result(answer) == "bypass"
        assert site.get("/page", ("If-None-Match", PAGE_TAG), config="etag-off").status == 200

    def test_off_leaves_the_applications_own_and_judges_by_it(self, site):
        assert site.get("/etag", config="etag-off")["ETag"] == content.OWN
        assert site.get("/etag", ("If-None-Match", content.OWN), config="etag-off").status == 304

    @pytest.mark.parametrize(
        "path",
        [
            "/page",
            pytest.param("/declared", marks=pytest.mark.needs_of_app("collected-streams")),
            "/file?length=100000",
        ],
    )
    def test_weak_makes_weak_ones(self, site, path):
        tag = site.get(path, config="etag-weak")["ETag"]
        assert tag == "W/" + site.get(path)["ETag"]
        assert site.get(path, ("If-None-Match", tag), config="etag-weak").status == 304
        assert site.get(path, ("If-Match", tag), config="etag-weak").status == 412
        assert site.get(path, ("If-None-Match", tag[2:]), config="etag-weak").status == 304

    def test_weak_leaves_the_applications_own(self, site):
        assert site.get("/etag", config="etag-weak")["ETag"] == content.OWN

    def test_content_replaces_the_applications_own(self, site):
        for path in ("/etag", "/etag-weak", "/etag-unquoted", "/etag-and-date"):
            assert site.get(path, config="etag-content")["ETag"] == PAGE_TAG
            assert site.get(path, ("If-None-Match", PAGE_TAG), config="etag-content").status == 304
            assert site.get(path, ("If-None-Match", content.OWN), config="etag-content").status == 200


class TestTakeOver:
    FIELDS = (
        ("If-Match", "*"),
        ("If-None-Match", '"other"'),
        ("If-Modified-Since", content.DATE),
        ("If-Unmodified-Since", content.DATE),
        ("If-Range", '"x"'),
        ("Range", "bytes=0-1"),
    )

    def test_the_application_sees_no_condition_and_no_range(self, site):
        answer = site.get("/echo", *self.FIELDS, config="take-over")
        assert answer.status == 200
        assert json.loads(answer.body) == {"REQUEST_METHOD": "GET"}

    def test_the_conditions_are_judged_all_the_same(self, site):
        for path in ("/page", "/etag"):
            answer = site.get(path, ("If-None-Match", PAGE_TAG), config="take-over")
            assert answer.status == 304
            assert site.result(answer) == "not-modified"
            assert site.get(path, ("If-Match", '"other"'), config="take-over").status == 412

    def test_writes_are_not_taken_over(self, site):
        answer = site.request("PUT", "/echo", ("If-Match", '"x"'), config="take-over", body=b"{}")
        assert json.loads(answer.body) == {"REQUEST_METHOD": "PUT", "HTTP_IF_MATCH": '"x"'}

    def test_the_environ_has_the_fields_again_afterwards(self, site):
        environ = site.environ(site.get("/echo", *self.FIELDS, config="take-over"))
        for name, value in self.FIELDS:
            assert environ["HTTP_" + name.upper().replace("-", "_")] == value
