"""The README's comparison table: each cell is the outcome of a test, and the table says what came out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from comparison.peers import PEERS, Answer, Resource

if TYPE_CHECKING:
    from collections.abc import Callable

README = Path(__file__).parents[2] / "README.md"
PAST = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Mon, 07 Nov 1994 08:49:37 GMT"

Ask = "Callable[..., Answer]"


def unchanged_content_is_304(ask: Ask, _: Path) -> bool:
    tag = ask(Resource()).fields["etag"]
    again = ask(Resource(), if_none_match=tag)
    return (again.status, again.body) == (304, b"")


def head_has_the_tag_of_get(ask: Ask, _: Path) -> bool:
    return ask(Resource(), method="HEAD").fields.get("etag") == ask(Resource()).fields["etag"]


def comma_in_a_tag(ask: Ask, _: Path) -> bool:
    resource = Resource(fields={"ETag": '"a,b"'})
    return ask(resource, if_none_match='"x", "a,b"').status == 304


def list_with_empty_elements(ask: Ask, _: Path) -> bool:
    resource = Resource(fields={"ETag": '"a"'})
    return all(
        ask(resource, if_none_match=field).status == 304 for field in ('"x","a"', ',"a"', '"x",\t,"a",')
    )


def an_error_stays_an_error(ask: Ask, _: Path) -> bool:
    missing = Resource(status=404, fields={"ETag": '"a"'}, body=b"nothing here")
    return ask(missing, if_none_match='"a"').status == ask(missing, if_none_match="*").status == 404


def if_match_can_fail(ask: Ask, _: Path) -> bool:
    return ask(Resource(fields={"ETag": '"a"'}), if_match='"b"').status == 412


def weak_tag_fails_if_match(ask: Ask, _: Path) -> bool:
    resource = Resource(fields={"ETag": 'W/"a"'})
    return all(ask(resource, if_match=field).status == 412 for field in ('W/"a"', '"a"'))


def malformed_if_match_fails(ask: Ask, _: Path) -> bool:
    return ask(Resource(fields={"ETag": '"a"'}), if_match="a").status == 412


def tag_wins_over_date(ask: Ask, _: Path) -> bool:
    resource = Resource(fields={"ETag": '"a"', "Last-Modified": PAST})
    return ask(resource, if_none_match='"b"', if_modified_since=LATER).status == 200


def fields_stay_on_the_304(ask: Ask, _: Path) -> bool:
    resource = Resource(
        fields={
            "ETag": '"a"',
            "Cache-Control": "max-age=60",
            "Vary": "Origin",
            "Access-Control-Allow-Origin": "https://a.example",
            "Content-Security-Policy": "default-src 'self'",
        }
    )
    fields = ask(resource, if_none_match='"a"').fields
    return all(fields.get(name.lower()) == value for name, value in resource.fields.items())


def content_fields_leave_the_304(ask: Ask, _: Path) -> bool:
    resource = Resource(fields={"ETag": '"a"', "Content-Language": "en"})
    fields = ask(resource, if_none_match='"a"').fields
    return not {"content-type", "content-length", "content-language"} & fields.keys()


def suffixed_tag(ask: Ask, _: Path) -> bool:
    tag = ask(Resource()).fields["etag"]
    return ask(Resource(), if_none_match=tag[:-1] + '-gzip"').status == 304


def ill_formed_tag_is_replaced(ask: Ask, _: Path) -> bool:
    fields = ask(Resource(fields={"ETag": "unquoted"})).fields
    return re.fullmatch(r'"[!-~]+"', fields.get("etag", "")) is not None


def file_by_content(ask: Ask, folder: Path) -> bool:
    tags = set()
    for content in (b"one", b"two"):
        file = folder / "file.txt"
        file.write_bytes(content)
        os.utime(file, (0, 0))  # as in reproducible builds and container layers
        tags.add(ask(Resource(file=file)).fields.get("etag"))
    return None not in tags and len(tags) == 2


def range_of_a_file(ask: Ask, folder: Path) -> bool:
    file = folder / "file.txt"
    file.write_bytes(b"content")
    part = ask(Resource(file=file), range="bytes=0-1")
    return (part.status, part.body) == (206, b"co")


ROWS: dict[str, Callable[[Ask, Path], bool]] = {
    "Unchanged content is answered with 304": unchanged_content_is_304,
    "HEAD has the tag that GET has": head_has_the_tag_of_get,
    "A tag with a comma in it, in a list: 304": comma_in_a_tag,
    "Lists without blanks, with tabs, with empty elements: 304": list_with_empty_elements,
    "A 404 stays a 404, whatever is asked": an_error_stays_an_error,
    "If-Match that does not match: 412": if_match_can_fail,
    "A weak tag never satisfies If-Match": weak_tag_fails_if_match,
    "A malformed If-Match fails, it is not dropped": malformed_if_match_fails,
    "If-None-Match wins over If-Modified-Since": tag_wins_over_date,
    "The 304 keeps Cache-Control, Vary, CORS and CSP fields": fields_stay_on_the_304,
    "The 304 has no Content-Type, -Length, -Language": content_fields_leave_the_304,
    'A tag that a proxy made `"…-gzip"` still gives 304': suffixed_tag,
    "An ill-formed tag of the application's is replaced": ill_formed_tag_is_replaced,
    "Files of equal size and time but other content have other tags": file_by_content,
    "A range of a file is answered with 206": range_of_a_file,
}


def table_of_the_readme() -> dict[str, dict[str, str]]:
    text = README.read_text(encoding="utf-8")
    lines = re.search(r"<!-- comparison -->\n\n(.*?)\n\n", text, re.DOTALL)[1].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("row", ROWS)
def test_the_table_says_what_comes_out(row: str, peer: str, tmp_path: Path) -> None:
    def ask(resource: Resource, method: str = "GET", **fields: str) -> Answer:
        return PEERS[peer](resource, method, {name.replace("_", "-"): text for name, text in fields.items()})

    outcome = "yes" if ROWS[row](ask, tmp_path) else "no"
    assert table_of_the_readme()[row][peer] == outcome


def test_the_table_has_no_other_rows_or_columns() -> None:
    table = table_of_the_readme()
    assert list(table) == list(ROWS)
    assert {tuple(row) for row in table.values()} == {tuple(PEERS)}
