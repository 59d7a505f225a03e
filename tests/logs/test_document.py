"""The JSON document is what its types say, in each part of it."""

from __future__ import annotations

import json
import typing
from datetime import datetime, timedelta

import pytest

from logs.test_findings import HEALTHY, LOGS
from logs.writing import START, Line, analysed, write
from notmodified import Config
from notmodified.report import document as types


def differences(value: object, type_: object, at: str) -> list[str]:
    """Where a value is not of its type; keys that the type does not have are a difference too."""
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if typing.is_typeddict(type_):
        fields = typing.get_type_hints(type_)
        if not isinstance(value, dict) or value.keys() != fields.keys():
            return [f"{at}: {value!r:.200} is no {type_.__name__}"]
        return [one for key, of in fields.items() for one in differences(value[key], of, f"{at}.{key}")]
    if origin in {list, dict}:
        parts = value.items() if origin is dict else enumerate(value)
        return [one for key, part in parts for one in differences(part, arguments[-1], f"{at}[{key!r}]")]
    if origin is typing.Literal:
        return [] if value in arguments else [f"{at}: {value!r}"]
    if arguments:  # a union
        each = [differences(value, one, at) for one in arguments]
        return min(each, key=len)  # of those that it may be, the nearest
    return [] if type(value) is type_ else [f"{at}: {value!r} is no {type_}"]


@pytest.fixture
def everything(tmp_path):
    """A log with every finding in it, and policies to try."""
    policies = tmp_path / "notmodified.toml"
    policies.write_text('[[policy]]\npath = "/**"\ncache_control = { max_age = 600 }\n')
    lines = [*HEALTHY, *(line for kind in LOGS.values() for line in kind)]
    log = write(tmp_path / "log", [*lines, Line(at=9000, status=404, target="/gone"), "no line"])
    return json.loads(json.dumps(analysed(log, simulate=Config.load(policies))))


def test_it_is_what_its_types_say(everything):
    assert everything["schema"] == 1
    assert everything["findings"]
    assert everything["log"]["unparsable"]
    assert any(route["recommendation"] for route in everything["routes"])
    assert everything["simulation"]["routes"]
    assert differences(everything, types.Document, "document") == []


def test_the_timeline_has_each_request_in_its_step(everything):
    steps, by_status = everything["timeline"]["steps"], everything["totals"]["by_status"]

    def requests(*prefixes: str) -> int:
        return sum(cost["requests"] for status, cost in by_status.items() if status.startswith(prefixes))

    def counted(key: str) -> int:
        return sum(step[key] for step in steps)

    assert counted("ok") == requests("200") > 0
    assert counted("successful") == requests("2")
    assert counted("not_modified") == requests("304") > 0
    assert counted("redirection") == requests("3") - requests("304")
    assert counted("client_error") == requests("4") > 0
    assert counted("server_error") == requests("5")
    times = [datetime.fromisoformat(step["time"].replace("Z", "+00:00")) for step in steps]
    step = timedelta(seconds=everything["timeline"]["step"])
    assert times == [times[0] + number * step for number in range(len(times))]
    assert times[0] <= START < times[0] + step
