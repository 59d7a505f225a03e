"""CacheControl: said in keywords, read off the wire, written; and what in it contradicts itself."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ResponseCacheControl
from werkzeug.http import parse_cache_control_header

from notmodified import CacheControl

FLAGS = (
    "public",
    "no_store",
    "no_transform",
    "must_revalidate",
    "proxy_revalidate",
    "must_understand",
    "immutable",
    "only_if_cached",
)
TIMES = ("max_age", "s_maxage", "stale_while_revalidate", "stale_if_error", "min_fresh")

tokens = st.from_regex(r"[a-z0-9!#$&'*+.^_`|~-]{1,9}", fullmatch=True)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=9)
# `*` is a token, but no field name that a cache could do something with: it is refused.
names = tokens.filter(lambda token: token != "*")
scopes = st.booleans() | st.lists(names, min_size=1, max_size=3)
seconds = st.none() | st.integers(0, 2**31)
directives = st.fixed_dictionaries(
    {},
    optional={
        **{flag: st.booleans() for flag in FLAGS},
        **dict.fromkeys(TIMES, seconds),
        "private": scopes,
        "no_cache": scopes,
        "max_stale": seconds | st.booleans(),
        "extensions": st.dictionaries(tokens.map("x-{}".format), values | st.just(value=True), max_size=3),
    },
)


def test_nothing_said_is_nothing():
    nothing = CacheControl()
    assert str(nothing) == ""
    assert nothing == CacheControl.parse("") == CacheControl.parse(" , ,")
    assert not any(getattr(nothing, flag) for flag in FLAGS)
    assert [getattr(nothing, time) for time in TIMES] == [None] * len(TIMES)
    assert (nothing.private, nothing.no_cache, nothing.max_stale) == (False, False, None)
    assert nothing.extensions == {}


def test_what_is_said_is_written_in_one_order():
    one = CacheControl(
        max_age=60, public=True, private=["Set-Cookie"], extensions={"community": "U C I", "x": True}
    )
    assert str(one) == 'public, private="set-cookie", max-age=60, community="U C I", x'
    assert one.private == ("set-cookie",)
    assert one.extensions == {"community": "U C I", "x": True}


@given(directives)
def test_what_is_said_is_read_again(said):
    one = CacheControl(**said)
    again = CacheControl.parse(str(one))
    assert again == one
    assert hash(again) == hash(one)
    assert CacheControl.parse(str(one), strict=True) == one
    for name, value in said.items():
        if name in FLAGS + TIMES:
            assert getattr(one, name) == value


@given(st.text())
def test_no_field_makes_reading_fail(field):
    one = CacheControl.parse(field)
    assert CacheControl.parse(str(one)) == one
    assert "\r" not in str(one)
    assert "\n" not in str(one)


@given(st.dictionaries(st.sampled_from(["max-age", "s-maxage", "stale-if-error"]), st.integers(0, 2**31)))
def test_werkzeug_reads_the_same_numbers(numbers):
    field = ", ".join(f"{name}={value}" for name, value in numbers.items())
    ours, theirs = CacheControl.parse(field), parse_cache_control_header(field, cls=ResponseCacheControl)
    assert ours.max_age == theirs.max_age
    assert ours.s_maxage == theirs.s_maxage
    assert ours.stale_if_error == theirs.stale_if_error


@pytest.mark.parametrize("argument", ["=-1", "=x", "=1.5", "", "=", '=""', "= 5", '="5', "=0x5"])
def test_a_freshness_that_is_no_number_is_stale(argument):
    assert CacheControl.parse(f"max-age{argument}").max_age == 0
    assert CacheControl.parse(f"s-maxage{argument}").s_maxage == 0
    with pytest.raises(ValueError, match="max-age"):
        CacheControl.parse(f"max-age{argument}", strict=True)


def test_a_number_that_is_too_great_is_the_greatest():
    assert CacheControl.parse("max-age=99999999999999999999").max_age == 2**31


def test_of_two_the_first_counts():
    assert CacheControl.parse("max-age=1, max-age=2").max_age == 1
    with pytest.raises(ValueError, match="max-age is given twice"):
        CacheControl.parse("max-age=1, max-age=2", strict=True)


def test_a_quote_that_is_never_closed_hides_no_directive():
    assert CacheControl.parse('x="a, no-store').no_store


def test_max_stale_is_any_or_seconds():
    assert CacheControl.parse("max-stale").max_stale is True
    assert CacheControl.parse("max-stale=5").max_stale == 5
    assert str(CacheControl(max_stale=True)) == "max-stale"


def test_a_huge_field_is_read_in_no_time():
    for element in ("a,", '"', '\\"', 'a="', ",", "no-cache=x,", "="):
        assert CacheControl.parse(element * (800_000 // len(element)) + ",no-store") is not None


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("no-store, max-age=60", "no-store forbids keeping the response, so max-age=60 is never used"),
        (
            "private, public",
            "private keeps shared caches from storing the response, and public allows them to",
        ),
        (
            "private, s-maxage=5",
            "private keeps shared caches from storing the response, so s-maxage=5 is never used",
        ),
        ("immutable", "immutable holds while the response is fresh, and no max-age makes it fresh"),
    ],
)
def test_contradictions_are_told(field, sentence):
    assert CacheControl.parse(field).contradictions() == [sentence]


def test_django_never_cache_does_not_contradict_itself():
    assert (
        CacheControl.parse("max-age=0, no-cache, no-store, must-revalidate, private").contradictions() == []
    )


@pytest.mark.parametrize(
    ("said", "error", "reason"),
    [
        ({"maxage": 5}, TypeError, "did you mean max_age?"),
        ({"surrogate": 5}, TypeError, "no such key"),
        ({"max_age": -1}, ValueError, "max_age = -1: expected a whole number of seconds"),
        ({"max_age": 2**31 + 1}, ValueError, "from 0 to 2147483648"),
        ({"max_age": 2**80}, ValueError, "max_age: the number is greater"),
        ({"max_age": True}, ValueError, "max_age = true: expected a whole number"),
        ({"max_age": "60"}, ValueError, 'max_age = "60": expected a whole number'),
        ({"public": 1}, ValueError, "public = 1: expected true or false"),
        ({"private": "x"}, ValueError, "expected true, false or a list of field names"),
        ({"private": ["a b"]}, ValueError, "expected the name of a field"),
        ({"extensions": {"max-age": "5"}}, ValueError, "max-age is a directive of its own"),
        ({"extensions": {"x": "a\r\nb"}}, ValueError, "control characters"),
        ({"max_age": object()}, TypeError, "max_age: object is no setting"),
    ],
)
def test_what_cannot_be_said_is_refused(said, error, reason):
    with pytest.raises(error) as raised:
        CacheControl(**said)
    assert reason in str(raised.value)


def test_it_is_a_value():
    one = CacheControl(public=True, max_age=60)
    assert one == CacheControl.parse("max-age=60, public")
    assert one != CacheControl(public=True)
    assert one != "public, max-age=60"
    assert len({one, CacheControl.parse("public,max-age=60")}) == 1
    assert repr(one) == "CacheControl.parse('public, max-age=60')"
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(AttributeError):
        one.max_age = 5
    with pytest.raises(TypeError):
        CacheControl("public")
