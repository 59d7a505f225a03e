"""Requests for parts at random, as hostile as they may be: what the model says, and never more than all."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps import content
from kit.in_process import InProcess
from model import range_model
from model import rfc9110_model as rfc
from notmodified import EntityTag

if TYPE_CHECKING:
    from kit.answer import Answer

PAGE_TAG = str(EntityTag.of(content.PAGE))
DATE = rfc.parse_date(content.DATE)
# What each path has: its validators as the model knows them.
OWN = rfc.Tag(weak=False, opaque="own-v1")
PATHS = {
    "/page": rfc.State(etag=rfc.Tag(weak=False, opaque=PAGE_TAG[1:-1])),
    "/etag-and-date": rfc.State(etag=OWN, last_modified=DATE),
    "/etag-weak": rfc.State(etag=rfc.Tag(weak=True, opaque="own-v1")),
    "/no-store": rfc.State(),
    "/file": None,  # that of its content, which is known when the files are there
}
STATUS = {rfc.NOT_MODIFIED: 304, rfc.PRECONDITION_FAILED: 412}

places = st.one_of(
    st.integers(0, 2200).map(str), st.sampled_from(["", "0", "99999", "100000", str(2**64), str(10**30)])
)
specs = st.one_of(
    st.tuples(places, places).map("-".join),
    st.integers(0, 2000).map(lambda at: f"{at}-{at + 1}"),
    st.text("0123456789-, \t=a", max_size=6),
)
range_fields = st.one_of(
    st.lists(specs, min_size=1, max_size=8).map(lambda specs: "bytes=" + ",".join(specs)),
    st.tuples(st.integers(1, 70), specs).map(lambda many: "bytes=" + ",".join([many[1]] * many[0])),
    st.tuples(st.integers(1, 70), st.integers(1, 40)).map(
        lambda many: "bytes=" + ",".join(f"{at * many[1]}-{at * many[1]}" for at in range(many[0]))
    ),
    st.text("bytes=-0129, ", max_size=20),
    st.sampled_from(["lines=0-1", "BYTES=0-1", "bytes=-" + "9" * 50]),
    st.integers(60_000, 70_000).map(lambda many: "bytes=0-0" + "," * many),
    st.integers(60_000, 70_000).map(lambda many: "bytes=" + "9" * many + "-"),
)
conditions = st.dictionaries(
    st.sampled_from(["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"]),
    st.sampled_from(
        [
            "*",
            PAGE_TAG,
            f"W/{PAGE_TAG}",
            content.OWN,
            content.OWN_WEAK,
            '"x"',
            "x",
            content.DATE,
            content.EARLIER,
        ]
    ),
    max_size=3,
)


@cache
def whole_of(app: str, path: str) -> Answer:
    answer = InProcess().request("GET", path, f"{app}/default")
    assert answer.status == 200
    return answer


def multipart_length(parts: list[tuple[int, int]], whole: Answer) -> int:
    """Return how long a multipart body of these would be, with a boundary of 32 characters."""
    length = len(f"\r\n--{'-' * 32}--\r\n") - len("\r\n")
    for first, last in parts:
        head = f"\r\n--{'-' * 32}\r\nContent-Type: {whole['Content-Type']}\r\n"
        head += f"Content-Range: bytes {first}-{last}/{len(whole.body)}\r\n\r\n"
        length += len(head) + last + 1 - first
    return length


@pytest.mark.parametrize("app", ["plain", "flask", "django"])
@settings(max_examples=250)
@given(st.sampled_from(sorted(PATHS)), st.sampled_from(["GET", "GET", "HEAD"]), range_fields, conditions)
@example("/page", "GET", "bytes=" + ",".join(["0-"] * 65), {})
@example("/page", "GET", "bytes=" + ",".join(f"{n}-" for n in range(64)), {})
@example("/file", "GET", "bytes=" + ",".join(f"{n * 9}-{n * 9 + 7}" for n in reversed(range(64))), {})
def test_a_part_is_what_the_model_says(served_files, app, path, method, field, others):
    whole = whole_of(app, path)
    state = PATHS[path] or rfc.State(etag=rfc.Tag(weak=False, opaque=whole["ETag"][1:-1]))
    fields = {"Range": field, **others}
    answer = InProcess().request(method, path, f"{app}/default", fields.items())
    (outcome,) = rfc.allowed(method, fields, state)
    parts = None
    if outcome == rfc.PROCEED and rfc.range_applies(method, fields, state):
        parts = range_model.ranges(field, len(whole.body))

    # Never more than the whole, the problem documents aside.
    if answer.status in (200, 206):
        assert len(answer.body) <= len(whole.body)
    if outcome != rfc.PROCEED:
        assert answer.status == STATUS[outcome]
    elif parts is None or (len(parts) > 1 and answer.status == 200):
        # Of several parts it is the whole where that is shorter.
        assert answer.status == 200
        assert answer.body == (whole.body if method == "GET" else b"")
        assert parts is None or multipart_length(parts, whole) >= len(whole.body)
    elif not parts:
        assert (answer.status, answer["Content-Range"]) == (416, f"bytes */{len(whole.body)}")
    elif len(parts) == 1:
        ((first, last),) = parts
        assert (answer.status, answer.body) == (206, whole.body[first : last + 1])
        assert answer["Content-Range"] == f"bytes {first}-{last}/{len(whole.body)}"
    else:
        read = range_model.parts_of(answer["Content-Type"], answer.body)
        assert [part.body for part in read] == [whole.body[first : last + 1] for first, last in parts]
        assert answer.status == 206
