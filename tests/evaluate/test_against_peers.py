"""`evaluate()` against Werkzeug, Django and the PyPI package `etag`, as far as they are right.

Each peer answers the same cases. Where it disagrees, an entry of `DISAGREEMENTS` must say
why, with the section of RFC 9110 that decides; a disagreement without one fails, and so does
an entry that no case needs any more.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import etag as etag_package
import pytest
from werkzeug.sansio.http import is_resource_modified

from apps.django_settings import configure
from evaluate.asking import arguments, environ_of, in_steps
from model import rfc9110_model as rfc
from model.cases import DATES, IMF, STATES, TAGS, THEN, VALUES
from model.rfc9110_model import State, Tag
from notmodified import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Case:
    method: str
    fields: dict[str, str]
    state: State

    def tags(self, name: str) -> rfc.TagList:
        """Return the field's tags as the RFC reads them; of an absent field: none."""
        return rfc.parse_tags(self.fields.get(name, ""))

    def malformed(self, name: str) -> bool:
        return self.tags(name).malformed

    def date(self, name: str) -> int | None:
        return rfc.parse_date(self.fields[name]) if name in self.fields else None


@dataclass(eq=False)
class Disagreement:
    """A peer answers otherwise where `when` holds, and is wrong or has chosen otherwise."""

    section: str
    why: str
    when: Callable[[Case], bool]


def suffixed(case: Case) -> bool:
    """Tell whether the tag asked for is the current one plus a content coding's name."""
    return case.state.etag is not None and any(
        tag.opaque == case.state.etag.opaque + suffix
        for tag in case.tags("If-None-Match").tags
        for suffix in rfc.SUFFIXES
    )


def comma_in_a_tag(case: Case, name: str) -> bool:
    return any("," in tag.opaque for tag in case.tags(name).tags)


ETAG = [
    Disagreement(
        "5.6.1, 13.1.1, 13.1.2",
        "`*` is an alternative to the list, not a member of one: `*,` is malformed; etag forgives it",
        lambda case: any(
            case.malformed(name) and case.fields.get(name, "").replace(" ", "") in ("*,", ",*")
            for name in ("If-Match", "If-None-Match")
        ),
    ),
    Disagreement(
        "13.1.2",
        "a malformed If-None-Match: a well-formed tag in it still saves the body; etag reads none",
        lambda case: case.malformed("If-None-Match") and case.method in ("GET", "HEAD"),
    ),
    Disagreement(
        "13.1.2, 13.2.1",
        "a malformed If-None-Match guards a write all the same: 412; etag lets the write through",
        lambda case: case.malformed("If-None-Match") and case.method not in ("GET", "HEAD"),
    ),
    Disagreement(
        "8.8.3.3",
        "a proxy that compressed the content marked the tag; etag takes tags as they are",
        suffixed,
    ),
]

DJANGO = [
    Disagreement(
        "13.2.1",
        "OPTIONS, TRACE and CONNECT have no preconditions; Django answers 412",
        lambda case: case.method in rfc.EXEMPT,
    ),
    Disagreement(
        "13.1.1",
        "a malformed or empty If-Match is false; Django drops it and goes on as if it were absent",
        lambda case: (
            "If-Match" in case.fields and (case.malformed("If-Match") or not case.tags("If-Match").tags)
        ),
    ),
    Disagreement(
        "8.8.3, 5.6.1",
        "a comma may be part of a tag; Django splits at each",
        lambda case: comma_in_a_tag(case, "If-Match") or comma_in_a_tag(case, "If-None-Match"),
    ),
    Disagreement(
        "13.1.1, 13.1.2",
        "`*` asks whether there is a representation, not whether it has a tag; Django wants a tag",
        lambda case: (
            case.state.etag is None
            and (case.tags("If-Match").wildcard or case.tags("If-None-Match").wildcard)
        ),
    ),
    Disagreement(
        "13.1.4",
        "without a modification date If-Unmodified-Since is ignored; Django answers 412",
        lambda case: (
            case.state.last_modified is None
            and case.date("If-Unmodified-Since") is not None
            and "If-Match" not in case.fields
        ),
    ),
    Disagreement(
        "13.1.3",
        "with If-None-Match present, If-Modified-Since is not looked at; Django does if it read no tag",
        lambda case: (
            "If-None-Match" in case.fields
            and "If-Modified-Since" in case.fields
            and (case.malformed("If-None-Match") or not case.tags("If-None-Match").tags)
        ),
    ),
    Disagreement(
        "13.1.2",
        "a malformed If-None-Match guards a write all the same: 412; Django reads what it can",
        lambda case: case.malformed("If-None-Match") and case.method not in ("GET", "HEAD"),
    ),
    Disagreement(
        "8.8.3",
        "what is between the quotes must be etagc, and nothing follows; Django looks for quotes only",
        lambda case: case.malformed("If-None-Match"),
    ),
    Disagreement(
        "5.6.7",
        "HTTP-date is case-sensitive, blanks around it are none of it; Django differs in both",
        lambda case: any(
            case.fields.get(name, "")[:3] == "sun" or case.fields.get(name, "")[:1] == " "
            for name in ("If-Modified-Since", "If-Unmodified-Since")
        ),
    ),
    Disagreement(
        "5.6.7",
        "the first second of 1970 is a date; Django takes its number, 0, for none",
        lambda case: 0 in (case.date("If-Modified-Since"), case.date("If-Unmodified-Since")),
    ),
    Disagreement("8.8.3.3", "a proxy that compressed the content marked the tag; Django misses it", suffixed),
]

WERKZEUG = [
    Disagreement(
        "13.1.1",
        "`If-Match: *` is true for anything that exists; Werkzeug takes it for a list without the tag",
        lambda case: case.tags("If-Match").wildcard,
    ),
    Disagreement(
        "13.1.1",
        "If-Match compares strongly: a weak current tag never matches; Werkzeug lets it",
        lambda case: "If-Match" in case.fields and case.state.etag is not None and case.state.etag.weak,
    ),
    Disagreement(
        "13.1.1",
        "an If-Match malformed, empty, or asked of something without a tag is false; Werkzeug drops it",
        lambda case: (
            "If-Match" in case.fields
            and (case.malformed("If-Match") or not case.tags("If-Match").tags or case.state.etag is None)
        ),
    ),
    Disagreement(
        "13.2.2",
        "If-Match that passes does not decide alone: If-None-Match and If-Modified-Since follow",
        lambda case: (
            "If-Match" in case.fields
            and ("If-None-Match" in case.fields or "If-Modified-Since" in case.fields)
        ),
    ),
    Disagreement(
        "13.1.3",
        "with If-None-Match present, If-Modified-Since is not looked at; Werkzeug does if a tag is lacking",
        lambda case: (
            "If-None-Match" in case.fields
            and "If-Modified-Since" in case.fields
            and (
                case.state.etag is None
                or case.malformed("If-None-Match")
                or not case.tags("If-None-Match").tags
            )
        ),
    ),
    Disagreement(
        "13.1.2",
        "`*` asks for a representation, not for a tag, and blanks around it are none of it",
        lambda case: (
            case.tags("If-None-Match").wildcard
            and (case.state.etag is None or case.fields["If-None-Match"] != "*")
        ),
    ),
    Disagreement(
        "8.8.3",
        'the empty tag `""` is a tag; Werkzeug drops it, and so an If-None-Match of nothing else',
        lambda case: any(
            tag.opaque == "" for name in ("If-Match", "If-None-Match") for tag in case.tags(name).tags
        ),
    ),
    Disagreement(
        "8.8.3",
        "a tag is quoted, of etagc, after a capital W/ if weak; Werkzeug forgives all three",
        lambda case: case.malformed("If-None-Match") or case.malformed("If-Match"),
    ),
    Disagreement(
        "5.6.7",
        "three forms of date are HTTP-dates, to the letter; Werkzeug takes whatever the email package takes, "
        "and reads two-digit years by another rule",
        lambda case: (
            "If-Modified-Since" in case.fields
            and (
                case.date("If-Modified-Since") is None
                or case.fields["If-Modified-Since"].strip(" \t")[3:5] != ", "
            )
        ),
    ),
    Disagreement(
        "8.8.3.3", "a proxy that compressed the content marked the tag; Werkzeug misses it", suffixed
    ),
]


def ask_etag(case: Case) -> int | None:
    return etag_package.evaluate_preconditions(
        case.method,
        None if case.state.etag is None else str(case.state.etag),
        if_match=case.fields.get("If-Match"),
        if_none_match=case.fields.get("If-None-Match"),
        exists=case.state.exists,
    )


def ask_django(case: Case) -> int | None:
    from django.http import HttpRequest
    from django.utils.cache import get_conditional_response

    request = HttpRequest()
    request.method = case.method
    request.META = environ_of(case.method, case.fields)
    tag = None if case.state.etag is None else str(case.state.etag)
    response = get_conditional_response(request, etag=tag, last_modified=case.state.last_modified)
    return None if response is None else response.status_code


def ask_werkzeug(case: Case) -> bool:
    """Werkzeug says only whether to send it; which status to send instead, its caller chooses."""
    date = case.state.last_modified
    return is_resource_modified(
        http_if_modified_since=case.fields.get("If-Modified-Since"),
        http_if_none_match=case.fields.get("If-None-Match"),
        http_if_match=case.fields.get("If-Match"),
        etag=None if case.state.etag is None else str(case.state.etag),
        last_modified=None if date is None else datetime.fromtimestamp(date, timezone.utc),
    )


ALTERNATIVES = [("If-Match", "If-Unmodified-Since"), ("If-None-Match", "If-Modified-Since")]


def cases(names, methods, states):
    """Every pair of these fields, and of those where one bars the other all their values.

    Huge values are left out: the peers are slow at them.
    """
    for pair in itertools.combinations(names, 2):
        values = [
            [value for value in VALUES[name] if value is None or len(value) < 1000]
            if len(names) < 3 or pair in ALTERNATIVES
            else TAGS
            if name.endswith("Match")
            else DATES
            for name in pair
        ]
        for both in itertools.product(*values):
            fields = {name: value for name, value in zip(pair, both, strict=True) if value is not None}
            for method, state in itertools.product(methods, states):
                yield Case(method, fields, state)


def compare(peer, table, asked, *, as_bool=False):
    """Hold every case against the peer; return how many were compared."""
    count, used = 0, set()
    for case in asked:
        count += 1
        ours = evaluate(environ_of(case.method, case.fields), **arguments(case.state)).status
        if as_bool:
            ours = ours is None
        theirs = peer(case)
        if ours == theirs:
            continue
        reasons = [entry for entry in table if entry.when(case)]
        assert reasons, f"{case}: {ours}, but {peer.__name__} says {theirs}, and no entry explains it"
        used.update(reasons)
    unused = [entry.why for entry in table if entry not in used]
    assert not unused, f"entries that explain nothing: {unused}"
    return count


EXISTING = [state for state in STATES if state.exists]
TAG_ONLY = [State(etag=state.etag) for state in EXISTING if state.last_modified is None] + [
    State(exists=False),
    *(State(etag=Tag(weak=False, opaque=opaque)) for opaque in ("", "*", "a,b", "v1-gzip")),
]


@in_steps
def test_the_etag_package_agrees_but_for_the_table(step):
    asked = cases(["If-Match", "If-None-Match"], ["GET", "HEAD", "PUT", "OPTIONS", "PURGE"], TAG_ONLY)
    assert compare(ask_etag, ETAG, itertools.islice(asked, 0, None, step)) > 100_000 / step


def test_the_etag_package_agrees_with_the_model_on_if_range():
    for value in VALUES["If-None-Match"] + VALUES["If-Range"]:
        for state in EXISTING:
            tag = None if state.etag is None else str(state.etag)
            if value is None or rfc.parse_date(value) is not None:
                continue
            fields = {"Range": "bytes=0-0", "If-Range": value}
            assert etag_package.if_range(value, tag) == rfc.range_applies("GET", fields, state), value


@in_steps
def test_django_agrees_but_for_the_table(step):
    configure()
    names = ["If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since"]
    states = [state for state in EXISTING if state.last_modified != THEN - 1]
    asked = cases(names, ["GET", "PUT", "OPTIONS"], states)
    assert compare(ask_django, DJANGO, itertools.islice(asked, 0, None, step)) > 30_000 / step


@in_steps
def test_werkzeug_agrees_but_for_the_table(step):
    asked = cases(["If-Match", "If-None-Match", "If-Modified-Since"], ["GET"], EXISTING)
    compared = compare(ask_werkzeug, WERKZEUG, itertools.islice(asked, 0, None, step), as_bool=True)
    assert compared > 30_000 / step


@pytest.mark.parametrize("value", [IMF, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
def test_all_peers_agree_on_the_plain_cases(value):
    """So that no table entry can be so wide that it hides the everyday answers."""
    configure()
    state = State(etag=Tag(weak=False, opaque="v1"), last_modified=THEN)
    plain = [
        ({"If-None-Match": '"v1"'}, 304),
        ({"If-None-Match": 'W/"v1"'}, 304),
        ({"If-None-Match": '"v2", "v1"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"v2"'}, None),
        ({"If-None-Match": '"v2"', "If-Modified-Since": value}, None),
        ({"If-Modified-Since": value}, 304),
        ({"If-Match": '"v1"'}, None),
        ({"If-Match": '"v2"'}, 412),
        ({}, None),
    ]
    for fields, status in plain:
        case = Case("GET", fields, state)
        assert evaluate(environ_of("GET", fields), **arguments(state)).status == status
        assert ask_django(case) == status
        assert ask_werkzeug(case) == (status is None)
        if "If-Modified-Since" not in fields:
            assert ask_etag(case) == status
