"""`EntityTag`: its syntax (RFC 9110 §8.8.3), its two comparisons (§8.8.3.2), its manners as a value."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import rfc9110_model as rfc
from notmodified import EntityTag

# etagc = %x21 / %x23-7E / obs-text
ETAGC = [chr(code) for code in (0x21, *range(0x23, 0x7F), *range(0x80, 0x100))]
opaque_parts = st.text(st.sampled_from(ETAGC), max_size=60)
tags = st.builds(rfc.Tag, weak=st.booleans(), opaque=opaque_parts)


@given(tags)
def test_what_is_parsed_is_written_the_same(tag):
    parsed = EntityTag.parse(str(tag))
    assert parsed.opaque == tag.opaque
    assert parsed.weak is tag.weak
    assert str(parsed) == str(tag)
    assert EntityTag.parse(str(parsed)) == parsed


@pytest.mark.parametrize("octet", range(0x100))
def test_each_octet_is_allowed_in_a_tag_or_it_is_not(octet):
    text = f'"a{chr(octet)}b"'
    if chr(octet) in ETAGC:
        assert EntityTag.parse(text).opaque == f"a{chr(octet)}b"
    else:
        with pytest.raises(ValueError, match="tag"):
            EntityTag.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"',
        "abc",
        '"abc',
        'abc"',
        "W/abc",
        'w/"abc"',
        'W/ "abc"',
        'W"abc"',
        '/"abc"',
        ' "abc"',
        '"abc" ',
        '"abc"\n',
        '"a" "b"',
        '"a", "b"',
        '"a",',
        "*",
        "'abc'",
        '"a"b"',
        '"a\\"b"',
        '"\N{EURO SIGN}"',
        '"\N{LATIN CAPITAL LETTER A WITH MACRON}"',
    ],
)
def test_bad_syntax_is_a_value_error_that_shows_what_was_seen(text):
    with pytest.raises(ValueError, match="tag"):
        EntityTag.parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_tag_exactly_if_the_grammar_says_so(text):
    if rfc.ENTITY_TAG.fullmatch(text):
        assert str(EntityTag.parse(text)) == text
    else:
        with pytest.raises(ValueError, match="tag"):
            EntityTag.parse(text)


@pytest.mark.parametrize("value", [b'"abc"', None, 1])
def test_what_is_no_text_is_a_type_error(value):
    with pytest.raises(TypeError):
        EntityTag.parse(value)


@pytest.mark.parametrize(
    ("one", "other", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
        # and what the table of §8.8.3.2 leaves out
        ('"1"', 'W/"1"', False, True),
        ('"1"', '"2"', False, False),
        ('""', '""', True, True),
        ('"a"', '"A"', False, False),
        ('"a"', '"a-gzip"', False, False),
        ('"*"', '"x"', False, False),
    ],
)
def test_strong_and_weak_comparison(one, other, strong, weak):
    first, second = EntityTag.parse(one), EntityTag.parse(other)
    assert first.strong_eq(second) is strong
    assert first.weak_eq(second) is weak


@given(tags, tags)
def test_comparison_is_that_of_the_model(one, other):
    first, second = EntityTag.parse(str(one)), EntityTag.parse(str(other))
    assert first.strong_eq(second) == second.strong_eq(first) == rfc.strong_match(one, other)
    assert first.weak_eq(second) == second.weak_eq(first) == rfc.weak_match(one, other)
    assert (first == second) == (one == other)


def test_equal_tags_have_equal_hashes_and_weakness_is_part_of_both():
    strong, weak = EntityTag.parse('"v1"'), EntityTag.parse('W/"v1"')
    assert strong == EntityTag.parse('"v1"')
    assert hash(strong) == hash(EntityTag.parse('"v1"'))
    assert strong != weak
    assert {strong, weak, EntityTag.parse('"v1"')} == {strong, weak}


def test_a_tag_is_not_equal_to_its_text():
    assert EntityTag.parse('"v1"') != '"v1"'
    assert EntityTag.parse('"v1"') is not None


def test_a_tag_is_immutable():
    tag = EntityTag.parse('"v1"')
    with pytest.raises(AttributeError):
        tag.opaque = "v2"
    with pytest.raises(AttributeError):
        tag.weak = True
    with pytest.raises(AttributeError):
        tag.something = 1


def test_the_repr_shows_the_tag():
    assert 'W/"v1"' in repr(EntityTag.parse('W/"v1"')).replace("\\", "")


def test_a_tag_survives_pickle_and_copy():
    tag = EntityTag.parse('W/"v\xe4"')
    assert pickle.loads(pickle.dumps(tag)) == tag
    assert copy.copy(tag) == copy.deepcopy(tag) == tag


@pytest.mark.parametrize("method", ["strong_eq", "weak_eq"])
def test_only_tags_compare_as_tags(method):
    with pytest.raises(TypeError):
        getattr(EntityTag.parse('"v1"'), method)('"v1"')
