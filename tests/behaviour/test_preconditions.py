"""Preconditions on reads are judged as RFC 9110 §13 says, against the validators that go out."""

from __future__ import annotations

import itertools

import pytest

from apps import content, plain
from kit.answer import new_id
from kit.in_process import Server, environ_of
from model import rfc9110_model as rfc
from model.cases import DATES, KEYS, TAGS, THEN, VALUES
from model.range_model import status_of_ranges
from notmodified import EntityTag, NotModified

STATUS = {rfc.PROCEED: 200, rfc.NOT_MODIFIED: 304, rfc.PRECONDITION_FAILED: 412}
STATE = rfc.State(etag=rfc.Tag(weak=False, opaque="own-v1"), last_modified=THEN)
PAGE_TAG = str(EntityTag.of(content.PAGE))


def about_this_page(value):
    """Turn a value about the model's tag into one about the sample application's."""
    return None if value is None else value.replace("v1", "own-v1")


def sendable(value):
    """Tell whether a server would let the value through to the application."""
    return value is not None and len(value) < 8000 and all(c == "\t" or " " <= c != "\x7f" for c in value)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"])
def test_each_field_decides_as_the_model_says(site, method, name):
    for value in TAGS if name.endswith("Match") else DATES:
        value = about_this_page(value)  # noqa: PLW2901 - the value as it is sent
        if not sendable(value):
            continue
        expected = {STATUS[outcome] for outcome in rfc.allowed(method, {name: value}, STATE)}
        answer = site.request(method, "/etag-and-date", (name, value))
        assert answer.status in expected, f"{name}: {value}"


def test_every_pair_of_fields_decides_as_the_model_says():
    """In one process, since these are many; the field values a server would not let through included."""
    application = NotModified(plain.application)
    for names in itertools.combinations(KEYS, 2):
        values = [
            [about_this_page(value) for value in VALUES[name] if value is None or len(value) < 1000]
            for name in names
        ]
        for both in itertools.product(*values):
            fields = {name: value for name, value in zip(names, both, strict=True) if value is not None}
            environ = environ_of("GET", "/etag-and-date", [("X-Request-Id", "pairs"), *fields.items()])
            server = Server(environ)
            server.run(application)
            status = int(server.head[0][:3])
            expected = {STATUS[outcome] for outcome in rfc.allowed("GET", fields, STATE)}
            if 200 in expected and rfc.range_applies("GET", fields, STATE):
                expected = expected - {200} | {status_of_ranges(fields["Range"], len(content.PAGE))}
            assert status in expected, fields


@pytest.mark.parametrize(
    "spelt",
    [
        "{tag}",
        "W/{tag}",
        '"other", {tag}',
        '"other",{tag},"more"',
        '"a,b" ,\t{tag}',
        ',, "other", ,{tag},',
        '"", "*", {tag}',
        "*",
        "bad, {tag}",
    ],
)
def test_the_tag_we_made_is_recognised_in_every_list(site, spelt):
    answer = site.get("/page", ("If-None-Match", spelt.format(tag=PAGE_TAG)))
    assert answer.status == 304
    assert site.result(answer) == "not-modified"


@pytest.mark.parametrize("value", ['"other"', '"*"', '""', "nonsense", '"a", "b"', '*, "other"'])
def test_another_tag_gets_the_whole_response(site, value):
    answer = site.get("/page", ("If-None-Match", value))
    assert answer.status == 200
    assert answer.body == content.PAGE
    assert answer["ETag"] == PAGE_TAG
    assert site.result(answer) == "modified"


def test_repeated_field_lines_are_one_list(site):
    lines = [("If-None-Match", '"other"'), ("If-None-Match", PAGE_TAG), ("If-None-Match", '"more"')]
    assert site.get("/page", *lines).status == 304
    lines = [("If-None-Match", '"other"'), ("If-None-Match", '"more"')]
    assert site.get("/page", *lines).status == 200
    lines = [("If-Match", '"other"'), ("If-Match", PAGE_TAG)]
    assert site.get("/page", *lines).status == 200


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("mark", ["-", ";", "--"])
def test_a_tag_that_a_compressing_proxy_marked_is_recognised(site, mark, coding):
    marked = f'{PAGE_TAG[:-1]}{mark}{coding}"'
    # A cache looks for its stored response by it. Apache's mod_brotli marks a 304 by itself.
    said = PAGE_TAG if f"{mark}{coding}".endswith("-br") else marked
    answer = site.get("/page", ("If-None-Match", marked))
    assert answer.status == 304
    assert answer["ETag"] == said
    assert site.get("/page", ("If-None-Match", "W/" + marked)).status == 304
    assert site.get("/page", ("If-None-Match", marked), config="exact-tags").status == 200
    assert site.get("/page", ("If-Match", marked)).status == 412


@pytest.mark.parametrize(
    ("path", "tag"), [("/page", PAGE_TAG), ("/etag", content.OWN), ("/etag-unquoted", PAGE_TAG)]
)
def test_a_304_says_the_marked_tag_only_to_who_has_no_other(site, path, tag):
    marked = f'{tag[:-1]}-gzip"'
    assert site.get(path, ("If-None-Match", f'"other", {marked}'))["ETag"] == marked
    assert site.get(path, ("If-None-Match", f"{marked}, {tag}"))["ETag"] == tag
    assert site.get(path, ("If-None-Match", marked), config="exact-tags")["ETag"] == tag


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (PAGE_TAG, 200),
        ("*", 200),
        (f'"other",{PAGE_TAG}', 200),
        ("W/" + PAGE_TAG, 412),
        ('"other"', 412),
        ('"*"', 412),
        ("nonsense", 412),
        (f"nonsense, {PAGE_TAG}", 412),
        (f"*, {PAGE_TAG}", 412),
    ],
)
def test_if_match_on_a_read_compares_strongly_with_the_tag_we_made(site, value, status):
    answer = site.get("/page", ("If-Match", value))
    assert answer.status == status
    assert site.result(answer) == ("modified" if status == 200 else "failed")


def test_a_weak_tag_never_satisfies_if_match(site):
    for value in (content.OWN_WEAK, content.OWN):
        assert site.get("/etag-weak", ("If-Match", value)).status == 412
        assert site.get("/etag-weak", ("If-None-Match", value)).status == 304


@pytest.mark.parametrize("date", [content.DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
def test_all_three_forms_of_date_are_read(site, date):
    assert site.get("/last-modified", ("If-Modified-Since", date)).status == 304
    assert site.get("/last-modified", ("If-Unmodified-Since", date)).status == 200


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37",
        "sun, 06 nov 1994 08:49:37 gmt",
        "1994-11-06T08:49:37Z",
        "tomorrow",
        "0",
    ],
)
def test_what_is_no_date_is_ignored(site, date):
    assert site.get("/last-modified", ("If-Modified-Since", date)).status == 200
    assert site.get("/last-modified", ("If-Unmodified-Since", date)).status == 200


@pytest.mark.needs("repeated-dates")
def test_two_dates_are_none(site):
    lines = [("If-Modified-Since", content.DATE), ("If-Modified-Since", content.DATE)]
    assert site.get("/last-modified", *lines).status == 200
    lines = [("If-Unmodified-Since", content.EARLIER), ("If-Unmodified-Since", content.EARLIER)]
    assert site.get("/last-modified", *lines).status == 200


def test_an_earlier_date_is_not_enough(site):
    assert site.get("/last-modified", ("If-Modified-Since", content.EARLIER)).status == 200
    answer = site.get("/last-modified", ("If-Unmodified-Since", content.EARLIER))
    assert answer.status == 412
    assert site.result(answer) == "failed"


def test_without_a_modification_date_dates_are_ignored(site):
    assert site.get("/page", ("If-Modified-Since", content.DATE)).status == 200
    assert site.get("/page", ("If-Unmodified-Since", content.EARLIER)).status == 200


def test_a_date_is_not_looked_at_when_there_are_tags(site):
    since = ("If-Modified-Since", content.DATE)
    assert site.get("/last-modified", ("If-None-Match", '"other"'), since).status == 200
    assert site.get("/last-modified", ("If-None-Match", "nonsense"), since).status == 200
    unmodified = ("If-Unmodified-Since", content.EARLIER)
    assert site.get("/last-modified", ("If-Match", "*"), unmodified).status == 200


def test_if_match_comes_before_if_none_match(site):
    fields = [("If-None-Match", PAGE_TAG), ("If-Match", '"other"')]
    assert site.get("/page", *fields).status == 412
    fields = [("If-None-Match", PAGE_TAG), ("If-Match", PAGE_TAG)]
    assert site.get("/page", *fields).status == 304


def test_preconditions_come_before_the_range_that_the_application_answered(site):
    part = ("Range", "bytes=0-9")
    assert site.get("/partial", part).status == 206
    assert site.get("/partial", part, ("If-None-Match", '"other"')).status == 206
    assert site.get("/partial", part, ("If-Match", '"other"')).status == 412
    answer = site.get("/partial", part, ("If-None-Match", content.OWN))
    assert answer.status == 304
    assert "Content-Range" not in answer


@pytest.mark.parametrize(
    "value",
    [
        ",".join(f'"{n}"' for n in range(1200)),
        "," * 8000,
        '"' * 8000,
        '"x' * 2000,
        'W/"' * 2000,
        "\xff" * 8000,
        '"\xff",' * 2000,
    ],
    ids=lambda value: f"{value[:6]}…",
)
def test_hostile_fields_get_the_whole_response(site, value):
    answer = site.get("/page", ("If-None-Match", value))
    assert answer.status == 200
    assert answer.body == content.PAGE
    assert site.get("/page", ("If-Match", value)).status == 412
    assert site.get("/last-modified", ("If-Modified-Since", value)).status == 200


def test_a_stored_stale_date_of_a_proxy_does_not_stop_a_match_by_tag(site):
    fields = [("If-None-Match", PAGE_TAG), ("If-Modified-Since", content.EARLIER)]
    assert site.get("/last-modified", *fields).status == 304


def test_a_huge_field_is_judged_in_no_time():
    """800 KB in one field: a server may let it through, so the middleware must stand it."""
    application = NotModified(plain.application)
    for value in ('"x",' * 200_000, "," * 800_000, '"' * 800_000, '"a' * 400_000):
        environ = environ_of("GET", "/page", [("X-Request-Id", new_id()), ("If-None-Match", value)])
        server = Server(environ)
        server.run(application)
        assert server.head[0] == "200 OK"
        assert environ["notmodified.result"] == "modified"
