"""What a 412 that we make looks like (RFC 9110 §15.5.13, RFC 9457)."""

from __future__ import annotations

import json

import pytest

from apps import content

OTHER = ("If-Match", '"other"')


@pytest.mark.parametrize(
    "path", ["/page", "/etag", "/headers", "/gzip", "/declared", "/stream-etag", "/file?length=100000"]
)
def test_a_failed_precondition_is_a_problem_of_its_own(site, path):
    answer = site.get(path, OTHER)
    assert answer.status == 412
    assert answer["Content-Type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == 412
    assert isinstance(problem["title"], str)
    assert problem["title"]
    assert int(answer["Content-Length"]) == len(answer.body)
    assert site.result(answer) == "failed"


def test_it_does_not_carry_what_was_said_of_the_200(site):
    answer = site.get("/headers", OTHER)
    for name in ("Expires", "CDN-Cache-Control", "Last-Modified", "Content-Location", *content.DROPPED):
        assert name not in answer
    assert "max-age" not in ",".join(answer.all("Cache-Control"))


def test_it_may_not_be_taken_for_content_of_another_coding(site):
    assert "Content-Encoding" not in site.get("/gzip", OTHER)


def test_for_head_it_has_no_body(site):
    answer = site.head("/page", OTHER)
    assert answer.status == 412
    assert answer.body == b""
    assert answer["Content-Type"] == "application/problem+json"


def test_the_application_is_closed_once_after_a_412(site):
    for path in ("/page", "/declared", "/stream-etag"):
        answer = site.get(path, OTHER)
        assert answer.status == 412
        assert site.events(answer, "close").count("close") == 1
    assert "next" not in site.events(answer)


def test_the_applications_own_412_is_passed(site):
    answer = site.get("/own-412", OTHER)
    assert answer.status == 412
    assert answer.body == content.PAGE
    assert site.result(answer) == "app"
