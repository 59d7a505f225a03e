"""The report as text says what there is, once."""

from __future__ import annotations

import json

from kit.ports import free_port
from notmodified._core import finding_kinds
from notmodified.check import judge, record_app, text
from notmodified.check.live import Options, record_urls


def test_where_nobody_answers_no_tag_is_told_of() -> None:
    document = judge(record_urls([f"http://127.0.0.1:{free_port()}/"], Options()))
    lines = list(text.lines(document))
    (about,) = (line for line in lines if line.startswith("  identity"))
    assert about.startswith("  identity no answer (")
    assert "1 page, 1 request: 1 error, 0 warnings, 0 infos" in lines


def test_a_section_that_the_text_names_is_not_named_again() -> None:
    kinds = {kind["id"]: kind for kind in json.loads(finding_kinds())["check"]}
    assert text.meaning(kinds["write-304"]).count("RFC 9110 §13.1.2") == 1
    assert text.meaning(kinds["wrong-304"]).endswith(" (RFC 9110 §13.2.2)")
    assert text.meaning(kinds["message-broken"]) == kinds["message-broken"]["meaning"]


def test_a_request_that_is_odd_on_purpose_is_no_fault_of_the_response() -> None:
    def application(environ, start_response):
        is_odd = environ.get("HTTP_RANGE", "").startswith("pages")
        start_response("400 Bad Request" if is_odd else "200 OK", [("Cache-Control", "no-cache")])
        return []

    recorded = record_app(application, ["/"])
    assert 400 in {one.answer.status for one in recorded.exchanges}
    (page,) = judge(recorded, linted=True)["pages"]
    assert "STATUS_BAD_REQUEST" not in {one["noted"]["id"] for one in page["findings"] if one["noted"]}
