"""What `--allow-unsafe` finds: writes that a false precondition does not stop, or stops too late."""

from __future__ import annotations

import pytest

from apps.gallery_writes import PREFIX
from kit.answer import new_id
from kit.check_command import check
from kit.over_socket import Connection

# What is told of writes, and what the requests were that show it.
TOLD = {
    "guarded": {},
    "flask": {
        "write-unguarded": [
            'If-Match: "notmodified-check"',
            "If-Match: notmodified-check",
            "If-None-Match: *",
        ]
    },
    "django": {"write-unguarded": ["If-Match: notmodified-check"]},
    "late": {"refused-and-done": []},
    "any-method": {"write-304": ["If-None-Match: *"]},
}
KINDS = {"write-unguarded", "write-304", "refused-and-done"}
# What they are answered with, and whether the resource is as it was afterwards.
ANSWERED = {"write-unguarded": "2", "write-304": "304"}
UNTOUCHED = {"guarded", "any-method"}


def page_of(*arguments: str):
    status, document = check(*arguments)
    (page,) = document["pages"]
    return status, page


def content(origin, target: str) -> bytes:
    with Connection(origin.address) as connection:
        connection.send("GET", target, [])
        answer = connection.read_head("GET")
        connection.read_body(answer)
    return answer.body


@pytest.mark.parametrize("name", TOLD)
def test_a_write_that_is_not_guarded_is_told(origin, name: str) -> None:
    target = f"{PREFIX}{name}?{new_id()}"
    status, page = page_of("--allow-unsafe", origin.url + target)
    found = {one["id"]: one for one in page["findings"] if one["id"] in KINDS}
    assert found.keys() == TOLD[name].keys()
    for kind, fields in TOLD[name].items():
        assert status == 1
        says = found[kind]["says"]
        assert [field for field in fields if f"PUT with {field} gets {ANSWERED[kind]}" in says] == fields
        assert says.count("PUT with") == len(fields)
        assert {one["hop"] for one in page["findings"]} == {"public address"}
    assert (content(origin, target) == b"as it was at first") == (name in UNTOUCHED)


@pytest.mark.parametrize("name", TOLD)
def test_nothing_is_written_unless_it_is_allowed(origin, name: str) -> None:
    target = f"{PREFIX}{name}?{new_id()}"
    _, page = page_of(origin.url + target)
    assert not {one["id"] for one in page["findings"]} & KINDS
    assert content(origin, target) == b"as it was at first"
