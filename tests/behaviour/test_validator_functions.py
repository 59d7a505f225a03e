"""Reads on a path with a validator function (RFC 9110 §13.2.2, §15.4.5)."""

from __future__ import annotations

import pytest

from apps import content, validators

V1 = ("X-Current", '"v1"')
KNOWN = ("X-Current", 'known "v1"')


def called(site, answer):
    return [event for event in site.events(answer) if event.startswith("called")]


def get(site, *fields, path="/page", config="validators", method="GET"):
    return site.request(method, path, *fields, config=config)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_with_the_fields_known_a_304_is_made_without_the_application(site, method):
    answer = get(site, KNOWN, ("If-None-Match", '"v1"'), method=method)
    assert answer.status == 304
    assert not called(site, answer)
    assert site.result(answer) == "not-modified"


@pytest.mark.parametrize("path", ["/page", "/headers", "/etag"])
def test_that_304_says_what_the_200_says(site, path):
    whole = get(site, KNOWN, path=path)
    short = get(site, KNOWN, ("If-None-Match", '"v1"'), path=path)
    assert (whole.status, short.status) == (200, 304)
    for name, value in {**validators.KNOWN, "ETag": '"v1"'}.items():
        assert whole.all(name) == short.all(name) == [value]


def test_without_them_the_application_runs_and_nothing_of_its_200_is_lost(site):
    whole = get(site, V1, path="/headers")
    short = get(site, V1, ("If-None-Match", '"v1"'), path="/headers")
    assert short.status == 304
    assert called(site, short)
    dropped = {
        "content-type",
        "content-length",
        "last-modified",
        "transfer-encoding",
        *map(str.lower, content.DROPPED),
    }
    assert short.compared(without={"date", "connection"}) == whole.compared(
        without={"date", "connection", *dropped}
    )


@pytest.mark.parametrize("path", ["/page", "/etag", "/stream", "/declared", "/file?length=100000"])
def test_the_200_has_the_functions_validator_and_no_other(site, path):
    assert get(site, V1, path=path).all("ETag") == ['"v1"']
    dated = get(site, ("X-Current", content.DATE), path=path)
    assert dated.all("Last-Modified") == [content.DATE]
    assert not dated.all("ETag")
    assert get(site, ("If-None-Match", content.OWN), V1, path=path).status == 200


def test_a_policy_that_overrides_says_what_the_304_carries(site):
    answer = get(site, V1, ("If-None-Match", '"v1"'), config="validators-override")
    assert (answer.status, answer["Cache-Control"]) == (304, "public, max-age=60")
    assert answer["Vary"] == "Accept"
    assert not called(site, answer)


@pytest.mark.parametrize("path", ["/json", "/etag"])
def test_one_whose_turn_depends_on_the_answer_does_not(site, path):
    answer = get(site, V1, ("If-None-Match", '"v1"'), path=path, config="validators-override")
    assert answer.status == 304
    assert called(site, answer)


@pytest.mark.parametrize(
    ("told", "field", "status"),
    [
        ('known "v1"', ("If-None-Match", '"v2"'), 200),
        ('known "v1"', ("If-None-Match", 'W/"v1"'), 304),
        ('known "v1"', ("If-None-Match", "*"), 304),
        (content.DATE, ("If-Modified-Since", content.DATE), 304),
        (content.DATE, ("If-Modified-Since", content.EARLIER), 200),
        (f'"v1"|{content.DATE}', ("If-Modified-Since", content.DATE), 304),
        ('"v1"', ("If-Match", '"v1"'), 200),
        ('"v1"', ("If-Match", '"v2"'), 412),
        (content.DATE, ("If-Unmodified-Since", content.EARLIER), 412),
    ],
)
def test_every_precondition_of_a_read_is_judged_by_it(site, told, field, status):
    assert get(site, ("X-Current", told), field).status == status


@pytest.mark.parametrize("told", ["raise", "nonsense", "none", "ask"])
def test_where_the_function_does_not_say_the_applications_own_answer_goes_out(site, told):
    bare = site.get("/etag", config="bare")
    answer = get(site, ("X-Current", told), path="/etag")
    assert (answer.status, answer.body, answer["ETag"]) == (200, bare.body, content.OWN)
    assert get(site, ("X-Current", told), ("If-None-Match", content.OWN), path="/etag").status == 304


def test_errors_and_redirects_are_the_applications(site):
    for path in ("/missing", "/moved"):
        bare = site.get(path, config="bare")
        answer = get(site, V1, ("If-None-Match", '"v1"'), path=path)
        assert answer.status == bare.status
        assert answer.all("ETag") == bare.all("ETag")
