"""Request fields as an attacker sends them: `evaluate()` never raises, and what is malformed is what it says.

Time is linear in a field's length. No clock decides a test here; but something quadratic over 800 KB would
not end before the time limit of a test.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hostile.exchanges import CONDITIONAL, DATES, TAGS, environs, octets, texts
from notmodified import Decision, EntityTag, evaluate

# The longest field that is looked at (docs/behaviour.md).
BOUND = 64 * 1024
KEYS = [*CONDITIONAL, "HTTP_IF_RANGE"]
HUGE = 800 * 1024

# What takes long in a reader that looks twice at what it has seen.
SHAPES = {
    "commas": ",",
    "quotes": '"',
    "blanks": " \t",
    "tags of one character": '"x",',
    "weak tags of none": 'W/"",',
    "stars": "*,",
    "weakness alone": "W/",
    "commas and blanks": ", ",
    "open tags": '"x,',
    "tags with something after them": '"x" y,',
    "backslashes": '"\\',
    "obs-text": '"\xfc",',
    "NUL": "\0",
    "no latin-1": "\U0001f600",
}


def long(shape: str, length: int) -> str:
    return (shape * (length // len(shape) + 1))[:length]


@given(
    environs(st.one_of(texts, octets)),
    st.one_of(st.none(), st.sampled_from(['"a"', 'W/"a"', '""', '"a,b"', '"*"'])),
    st.one_of(st.none(), st.sampled_from(DATES[:3]), st.integers(0, 2**31)),
    st.booleans(),
)
def test_no_request_raises(environ, etag, last_modified, exists):
    decision = evaluate(environ, etag=etag, last_modified=last_modified, exists=exists)
    assert isinstance(decision, Decision)
    method = environ.get("REQUEST_METHOD", "GET")
    if decision is Decision.NOT_MODIFIED:
        assert exists
        assert (
            method in ("GET", "HEAD")
            or not isinstance(method, str)
            or method in ("\ud800", "\udcff", '"\udc80"')
        )
    if method in ("OPTIONS", "TRACE", "CONNECT"):
        assert decision is Decision.PROCEED
    if decision is Decision.PROCEED and "HTTP_IF_MATCH" in environ and method != "OPTIONS":
        # It must be the star or name the tag; nothing malformed lets a request through.
        field = environ["HTTP_IF_MATCH"].strip(" \t")
        assert exists
        assert field == "*" or (etag is not None and etag in field and not etag.startswith("W/"))


@given(st.sampled_from(KEYS), st.text(st.characters(), max_size=50))
@example("HTTP_IF_MATCH", '"a"\ud800')
@example("HTTP_IF_NONE_MATCH", '"a"\udcff')
def test_text_that_is_no_text_is_malformed(key, value):
    get, put = ({"REQUEST_METHOD": method, key: value} for method in ("GET", "PUT"))
    assert evaluate(get, etag='"other-than-any"', last_modified=0) in Decision
    if key == "HTTP_IF_MATCH" and value.strip(" \t") != "*":
        assert evaluate(put, etag='"other-than-any"') is Decision.PRECONDITION_FAILED


@pytest.mark.parametrize("value", [None, 7, b'"a"', ["a"], object(), 2.5, True])
@pytest.mark.parametrize("key", KEYS)
def test_a_value_that_is_no_str_counts_as_malformed(key, value):
    environ = {"REQUEST_METHOD": "PUT", key: value}
    refused = key in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")
    expected = Decision.PRECONDITION_FAILED if refused else Decision.PROCEED
    assert evaluate(environ, etag='"a"', last_modified=0) is expected
    environ["REQUEST_METHOD"] = "GET"
    expected = Decision.PRECONDITION_FAILED if key == "HTTP_IF_MATCH" else Decision.PROCEED
    assert evaluate(environ, etag='"a"', last_modified=0) is expected


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("length", [8 * 1024, BOUND, HUGE])
def test_what_is_long_and_names_no_tag_of_ours_is_no_match(shape, length):
    value = long(shape, length)
    for method in ("GET", "HEAD", "PUT"):
        environ = {"REQUEST_METHOD": method}
        assert evaluate(environ | {"HTTP_IF_MATCH": value}, etag='"a"') is Decision.PRECONDITION_FAILED
        none_match = evaluate(environ | {"HTTP_IF_NONE_MATCH": value}, etag='"a"')
        if method != "PUT":
            assert none_match is Decision.PROCEED
        elif len(value.strip()) > BOUND:
            # Longer than we look: malformed, and nothing malformed lets a write through.
            assert none_match is Decision.PRECONDITION_FAILED
        for key in ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"):
            assert evaluate(environ | {key: value}, etag='"a"', last_modified=0) is Decision.PROCEED


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_of_thousands_of_tags_is_found(place):
    tags = [f'"{number:06}"' for number in range(7000)]
    wanted = {"first": tags[0], "middle": tags[3500], "last": tags[-1]}[place]
    value = ",".join(tags)
    assert len(value) < BOUND
    for key, decision in (("HTTP_IF_NONE_MATCH", Decision.NOT_MODIFIED), ("HTTP_IF_MATCH", Decision.PROCEED)):
        assert evaluate({"REQUEST_METHOD": "GET", key: value}, etag=wanted) is decision


def test_the_bound_is_to_the_octet():
    tag = '"found"'
    fits = "," * (BOUND - len(tag)) + tag
    for key, inside, outside in (
        ("HTTP_IF_NONE_MATCH", Decision.NOT_MODIFIED, Decision.PROCEED),
        ("HTTP_IF_MATCH", Decision.PROCEED, Decision.PRECONDITION_FAILED),
    ):
        assert evaluate({"REQUEST_METHOD": "GET", key: fits}, etag=tag) is inside
        assert evaluate({"REQUEST_METHOD": "GET", key: "," + fits}, etag=tag) is outside
    # White space around a value is none of it.
    assert (
        evaluate({"REQUEST_METHOD": "GET", "HTTP_IF_MATCH": " " + fits + "\t"}, etag=tag) is Decision.PROCEED
    )
    assert evaluate({"REQUEST_METHOD": "GET", "HTTP_IF_MATCH": " " * HUGE + "*"}) is Decision.PROCEED


@given(octets)
@example('"\x7f"')
@example('"\x80"')
def test_a_tag_is_parsed_or_refused(text):
    try:
        tag = EntityTag.parse(text)
    except ValueError:
        return
    assert str(tag) == text
    assert EntityTag.parse(str(tag)) == tag


@given(st.text(st.characters(), max_size=30))
@example('"\ud800"')
def test_a_tag_of_any_characters_is_parsed_or_refused(text):
    try:
        tag = EntityTag.parse(text)
    except ValueError:
        return
    assert str(tag) == text


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_huge_tag_is_parsed_or_refused(shape):
    text = '"' + long(shape, HUGE) + '"'
    try:
        tag = EntityTag.parse(text)
    except ValueError:
        return
    assert str(tag) == text


def test_every_tag_of_the_list_of_odd_ones_is_judged_by_every_method():
    """The same fields, all at once."""
    for one in TAGS:
        for other in TAGS:
            for method in ("GET", "HEAD", "PUT", "OPTIONS", ""):
                environ = {"REQUEST_METHOD": method, "HTTP_IF_MATCH": one, "HTTP_IF_NONE_MATCH": other}
                decision = evaluate(environ, etag='"a"', last_modified=0)
                if method == "OPTIONS":
                    assert decision is Decision.PROCEED
                elif one not in ('"a"', "*"):
                    assert decision is Decision.PRECONDITION_FAILED
