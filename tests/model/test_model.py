"""The model itself against examples that the RFC spells out, so that it is worth comparing with."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from model import rfc9110_model as rfc
from model.rfc9110_model import NOT_MODIFIED, PRECONDITION_FAILED, PROCEED, State, Tag

THEN = 784111777
STRONG = State(etag=Tag(weak=False, opaque="xyzzy"), last_modified=THEN)
WEAK = State(etag=Tag(weak=True, opaque="xyzzy"), last_modified=THEN)
NOTHING = State(exists=False)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_the_three_example_dates_are_one_moment(text):
    assert rfc.parse_date(text) == THEN


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Sunday, 06-Nov-76 08:49:37 GMT", 2076),
        ("Tuesday, 22-Dec-76 08:49:37 GMT", 1976),
        ("Sunday, 06-Nov-77 08:49:37 GMT", 1977),
        ("Friday, 06-Nov-26 08:49:37 GMT", 2026),
        ("Tuesday, 22-Dec-26 08:49:37 GMT", 2026),
        ("Monday, 06-Nov-00 08:49:37 GMT", 2000),
    ],
)
def test_a_two_digit_year_is_at_most_fifty_years_ahead(text, year):
    now = datetime(2026, 11, 22, tzinfo=timezone.utc)
    assert (rfc.EPOCH + timedelta(seconds=rfc.parse_date(text, now))).year == year


@pytest.mark.parametrize(
    ("one", "other", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
    ],
)
def test_the_comparison_table_of_8_8_3_2(one, other, strong, weak):
    (first,), (second,) = rfc.parse_tags(one).tags, rfc.parse_tags(other).tags
    assert rfc.strong_match(first, second) is strong
    assert rfc.weak_match(first, second) is weak


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"xyzzy"', ['"xyzzy"']),
        ('W/"xyzzy"', ['W/"xyzzy"']),
        ('""', ['""']),
        ('"*"', ['"*"']),
        ('"xyzzy", "r2d2xxxx", "c3piozzzz"', ['"xyzzy"', '"r2d2xxxx"', '"c3piozzzz"']),
        ('W/"xyzzy", W/"r2d2xxxx",W/"c3piozzzz"', ['W/"xyzzy"', 'W/"r2d2xxxx"', 'W/"c3piozzzz"']),
        ('"a,b" ,\t"c"', ['"a,b"', '"c"']),
        (', ,"a",,', ['"a"']),
        ("", []),
        (",", []),
    ],
)
def test_well_formed_lists(text, tags):
    found = rfc.parse_tags(text)
    assert not found.malformed
    assert not found.wildcard
    assert [str(tag) for tag in found.tags] == tags


@pytest.mark.parametrize(
    "text",
    [
        "xyzzy",
        '"xyzzy',
        'xyzzy"',
        '"a b"',
        '"a" "b"',
        '*, "a"',
        "*,",
        "**",
        'w/"a"',
        'W/ "a"',
        '"\x7f"',
        "'a'",
    ],
)
def test_malformed_lists(text):
    assert rfc.parse_tags(text).malformed


@pytest.mark.parametrize(
    ("method", "fields", "state", "answer"),
    [
        ("GET", {}, STRONG, PROCEED),
        ("GET", {"If-None-Match": '"xyzzy"'}, STRONG, NOT_MODIFIED),
        ("PUT", {"If-None-Match": '"xyzzy"'}, STRONG, PRECONDITION_FAILED),
        ("GET", {"If-None-Match": '"xyzzy"'}, WEAK, NOT_MODIFIED),
        ("PUT", {"If-None-Match": "*"}, STRONG, PRECONDITION_FAILED),
        ("PUT", {"If-None-Match": "*"}, NOTHING, PROCEED),
        ("PUT", {"If-Match": '"xyzzy"'}, STRONG, PROCEED),
        ("PUT", {"If-Match": '"xyzzy"'}, WEAK, PRECONDITION_FAILED),
        ("PUT", {"If-Match": "*"}, NOTHING, PRECONDITION_FAILED),
        ("PUT", {"If-Match": "xyzzy"}, STRONG, PRECONDITION_FAILED),
        ("GET", {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, STRONG, NOT_MODIFIED),
        ("GET", {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, STRONG, PROCEED),
        ("PUT", {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, STRONG, PROCEED),
        ("PUT", {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, STRONG, PRECONDITION_FAILED),
        ("PUT", {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, STRONG, PROCEED),
        (
            "GET",
            {"If-None-Match": '"other"', "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"},
            STRONG,
            PROCEED,
        ),
        (
            "PUT",
            {"If-Match": '"xyzzy"', "If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"},
            STRONG,
            PROCEED,
        ),
        ("OPTIONS", {"If-Match": '"other"'}, STRONG, PROCEED),
    ],
)
def test_the_order_of_13_2_2(method, fields, state, answer):
    assert rfc.allowed(method, fields, state) == {answer}


@pytest.mark.parametrize(
    ("method", "fields", "state", "applies"),
    [
        ("GET", {"Range": "bytes=0-1"}, STRONG, True),
        ("HEAD", {"Range": "bytes=0-1"}, STRONG, False),
        ("GET", {"If-Range": '"xyzzy"'}, STRONG, False),
        ("GET", {"Range": "bytes=0-1", "If-Range": '"xyzzy"'}, STRONG, True),
        ("GET", {"Range": "bytes=0-1", "If-Range": '"other"'}, STRONG, False),
        ("GET", {"Range": "bytes=0-1", "If-Range": 'W/"xyzzy"'}, WEAK, False),
        ("GET", {"Range": "bytes=0-1", "If-Range": '"xyzzy"'}, WEAK, False),
        ("GET", {"Range": "bytes=0-1", "If-Range": "Sun, 06 Nov 1994 08:49:37 GMT"}, STRONG, True),
        ("GET", {"Range": "bytes=0-1", "If-Range": "Sun, 06 Nov 1994 08:49:38 GMT"}, STRONG, False),
    ],
)
def test_range_and_if_range(method, fields, state, applies):
    assert rfc.range_applies(method, fields, state) is applies


def test_a_date_that_is_a_weak_validator_never_satisfies_if_range():
    fields = {"Range": "bytes=0-1", "If-Range": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert not rfc.range_applies("GET", fields, STRONG, date_is_strong=False)
