"""`evaluate()` answers as RFC 9110 §13.2.2 does, for every combination of what it can be asked.

Two sweeps and a random one. The first takes the complete product of the four fields that
decide (Range and If-Range only choose between 200 and 206), every state of the
representation and every method, over values that stand for one case each. The second takes
every pair of fields over the whole catalogue of values, odd ones included. Then hypothesis
puts together fields nobody thought of.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evaluate.asking import arguments, environ_of, in_steps
from model import rfc9110_model as rfc
from model.cases import (
    DATES,
    IMF,
    KEYS,
    METHODS,
    MORE_DATES,
    MORE_TAGS,
    ODD_STATES,
    STATES,
    TAGS,
    THEN,
    VALUES,
)
from model.rfc9110_model import State, Tag
from notmodified import Decision, EntityTag, evaluate

DECISION = {
    rfc.PROCEED: Decision.PROCEED,
    rfc.NOT_MODIFIED: Decision.NOT_MODIFIED,
    rfc.PRECONDITION_FAILED: Decision.PRECONDITION_FAILED,
}
NAME = {decision: name for name, decision in DECISION.items()}


def check(method, fields, state):
    """Compare one case; the message is all there is to know about it."""
    seen = evaluate(environ_of(method, fields), **arguments(state))
    right = rfc.allowed(method, fields, state)
    assert NAME[seen] in right, f"{method} {fields} with {state}: {NAME[seen]}, should be {set(right)}"


# One of each kind always: judged for reading, for writing, not at all.
OF_A_KIND = ("GET", "PUT", "OPTIONS")


@in_steps
@pytest.mark.parametrize(
    "method",
    [method if method in OF_A_KIND else pytest.param(method, marks=pytest.mark.long) for method in METHODS],
)
def test_every_combination_of_fields_states_and_this_method(method, step):
    deciding = ("If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since")
    cases = 0
    known = [(state, arguments(state)) for state in STATES]
    for values in itertools.islice(itertools.product(TAGS, DATES, TAGS, DATES), 0, None, step):
        fields = {name: value for name, value in zip(deciding, values, strict=True) if value is not None}
        environ = environ_of(method, fields)
        for state, given_arguments in known:
            seen = evaluate(environ, **given_arguments)
            if NAME[seen] not in rfc.allowed(method, fields, state):
                check(method, fields, state)
        cases += len(known)
    assert cases == -((20 * 8) ** 2 // -step) * 13


@in_steps
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("names", list(itertools.combinations(KEYS, 2)), ids="+".join)
def test_every_pair_of_fields_over_all_their_values(method, names, step):
    known = [(state, arguments(state)) for state in STATES + ODD_STATES]
    for values in itertools.islice(itertools.product(*(VALUES[name] for name in names)), 0, None, step):
        fields = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        environ = environ_of(method, fields)
        for state, given_arguments in known:
            seen = evaluate(environ, **given_arguments)
            if NAME[seen] not in rfc.allowed(method, fields, state):
                check(method, fields, state)


# Field values put together from the pieces that matter, so that many of them are almost right.
PIECES = [
    '"',
    '"v1"',
    'W/"v1"',
    '"other"',
    "W/",
    "*",
    ",",
    ", ",
    "\t",
    " ",
    '""',
    "v1",
    '"a,b"',
    "-gzip",
    "\xff",
    "\x00",
]
tag_fields = st.one_of(
    st.sampled_from([value for value in TAGS + MORE_TAGS if value is not None]),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(['"v1"', 'W/"v1"', '"b"', "", '"c,d"']), max_size=6).map(" ,\t".join),
    st.text(st.characters(max_codepoint=255), max_size=40),
)


def spell(moment, form):
    """Write one moment in one of the three forms of §5.6.7."""
    day, month = moment.strftime("%A"), rfc.MONTHS[moment.month - 1]
    clock = moment.strftime("%H:%M:%S")
    if form == 0:
        return f"{day[:3]}, {moment.day:02} {month} {moment.year:04} {clock} GMT"
    if form == 1:
        return f"{day}, {moment.day:02}-{month}-{moment.year % 100:02} {clock} GMT"
    return f"{day[:3]} {month} {moment.day:2} {clock} {moment.year:04}"


EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
moments = st.datetimes(EARLIEST, LATEST, timezones=st.just(timezone.utc)).map(
    lambda moment: moment.replace(microsecond=0)
)
# Its year is guessed from two digits, so that a day of the week would be wrong further off.
this_year = datetime.now(timezone.utc).year
moments_of_two_digits = moments.filter(lambda moment: abs(moment.year - this_year) < 50)
date_fields = st.one_of(
    st.sampled_from([value for value in DATES + MORE_DATES if value is not None]),
    st.builds(spell, moments, st.sampled_from([0, 2])),
    st.builds(spell, moments_of_two_digits, st.just(1)),
    st.text(st.characters(max_codepoint=255), max_size=40),
)
random_fields = st.fixed_dictionaries(
    {},
    optional={
        "If-Match": tag_fields,
        "If-Unmodified-Since": date_fields,
        "If-None-Match": tag_fields,
        "If-Modified-Since": date_fields,
        "Range": st.text(st.characters(max_codepoint=255), max_size=20),
        "If-Range": st.one_of(tag_fields, date_fields),
    },
)
random_states = st.one_of(
    st.sampled_from(STATES + ODD_STATES),
    st.builds(
        State,
        etag=st.one_of(
            st.none(),
            st.builds(Tag, st.booleans(), st.text(st.sampled_from("v1,*-gzipW/\xff!"), max_size=8)),
        ),
        last_modified=st.one_of(
            st.none(),
            st.integers(0, 2**33),
            moments.filter(lambda m: m.year >= 1970).map(lambda moment: int(moment.timestamp())),
        ),
    ),
)


@given(method=st.sampled_from(METHODS), fields=random_fields, state=random_states)
@example(method="GET", fields={"If-None-Match": ' "v1"'}, state=STATES[5])
def test_random_fields(method, fields, state):
    check(method, fields, state)


def test_a_two_digit_year_is_at_most_fifty_years_ahead():
    """§5.6.7: further ahead it means the most recent past year that ends so."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    month = timedelta(days=30)
    a_century = timedelta(days=36524.25)
    state = State(last_modified=int(now.timestamp()))
    ahead = now + rfc.FIFTY_YEARS - month
    past = (now + rfc.FIFTY_YEARS + month - a_century).replace(microsecond=0)
    for moment, decision in ((ahead, Decision.PROCEED), (past, Decision.PRECONDITION_FAILED)):
        environ = environ_of("GET", {"If-Unmodified-Since": spell(moment, 1)})
        assert evaluate(environ, **arguments(state)) is decision, spell(moment, 1)


@given(fields=st.dictionaries(st.sampled_from(sorted(KEYS)), st.text(max_size=60)), state=random_states)
def test_no_field_makes_it_raise_even_with_characters_no_server_sends(fields, state):
    for method in METHODS:
        assert evaluate(environ_of(method, fields), **arguments(state)) in NAME


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_case_sensitive(method):
    fields = {"If-None-Match": '"v1"'}
    state = State(etag=Tag(weak=False, opaque="v1"))
    check(method.lower(), fields, state)
    check(method.capitalize(), fields, state)


def test_a_field_of_just_64_kib_is_read_to_its_end():
    state = State(etag=Tag(weak=False, opaque="v1"))
    value = '"v1"'.rjust(rfc.LONGEST_FIELD - 1, ",")
    assert len(value) < rfc.LONGEST_FIELD
    for name in ("If-Match", "If-None-Match"):
        for method in METHODS:
            check(method, {name: value}, state)


def test_a_longer_field_is_malformed_and_never_lets_a_write_through():
    state = State(etag=Tag(weak=False, opaque="v1"))
    for value in (
        '"v1",' * 20_000,
        '"v1"'.rjust(rfc.LONGEST_FIELD + 1, ","),
        "," * 800_000,
        '"x",' * 200_000,
    ):
        for name in ("If-Match", "If-None-Match"):
            for method in METHODS:
                check(method, {name: value}, state)


@pytest.mark.parametrize(
    "last_modified",
    [
        THEN,
        IMF,
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        datetime(1994, 11, 6, 8, 49, 37),  # noqa: DTZ001 - a naive datetime is UTC, and that is the point
        datetime(1994, 11, 6, 8, 49, 37, tzinfo=timezone.utc),
        datetime(1994, 11, 6, 8, 49, 37, 999_999, tzinfo=timezone.utc),
        datetime(1994, 11, 6, 10, 19, 37, tzinfo=timezone(timedelta(hours=1, minutes=30))),
    ],
    ids=str,
)
def test_a_date_may_be_given_in_every_form(last_modified):
    def answer(since):
        environ = environ_of("GET", {"If-Modified-Since": since})
        return evaluate(environ, last_modified=last_modified)

    assert answer("Sun, 06 Nov 1994 08:49:36 GMT") is Decision.PROCEED
    assert answer("Sun, 06 Nov 1994 08:49:37 GMT") is Decision.NOT_MODIFIED


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', EntityTag.parse('"v1"')], ids=str)
def test_a_tag_may_be_given_as_text(etag):
    environ = environ_of("GET", {"If-None-Match": '"v1"'})
    assert evaluate(environ, etag=etag) is Decision.NOT_MODIFIED
    environ = environ_of("PUT", {"If-Match": '"v1"'})
    strong = not str(etag).startswith("W/")
    assert evaluate(environ, etag=etag).status == (None if strong else 412)


@pytest.mark.parametrize("etag", ["v1", "", "*", '"a", "b"', 'w/"v1"', '"v1', ' "v1"', '"v\u20ac"'])
def test_a_bad_tag_of_the_caller_is_an_error(etag):
    with pytest.raises(ValueError, match=r"."):
        evaluate(environ_of("GET", {}), etag=etag)


@pytest.mark.parametrize("last_modified", ["yesterday", "", "1994-11-06", "Sun, 06 Nov 1994 08:49:37 +0000"])
def test_a_bad_date_of_the_caller_is_an_error(last_modified):
    with pytest.raises(ValueError, match=r"."):
        evaluate(environ_of("GET", {}), last_modified=last_modified)


@pytest.mark.parametrize(
    "arguments", [{"etag": 1}, {"etag": b'"v1"'}, {"last_modified": b"x"}, {"last_modified": []}]
)
def test_an_argument_of_another_type_is_a_type_error(arguments):
    with pytest.raises(TypeError):
        evaluate(environ_of("GET", {}), **arguments)


def test_a_decision_knows_its_status():
    assert [decision.status for decision in DECISION.values()] == [None, 304, 412]


def test_the_validators_may_be_given_by_place_but_not_whether_one_exists():
    environ = {"REQUEST_METHOD": "GET", "HTTP_IF_NONE_MATCH": '"v1"'}
    assert evaluate(environ, '"v1"', None) is Decision.NOT_MODIFIED
    with pytest.raises(TypeError):
        evaluate(environ, '"v1"', None, True)
