"""What validators a response goes out with (RFC 9110 §8.8)."""

from __future__ import annotations

import pytest

from apps import content
from apps.stacks import KEY
from entity_tag.blake3_model import opaque_tag
from notmodified import EntityTag

DECLARED = pytest.param("/declared", marks=pytest.mark.needs_of_app("collected-streams"))
WHOLE_BODIES = ["/page", "/json", "/empty", "/file?length=100000", DECLARED, "/gzip", "/identity"]


@pytest.mark.parametrize("path", WHOLE_BODIES)
def test_a_whole_body_gets_the_tag_of_its_content(site, path):
    bare = site.get(path, config="bare")
    answer = site.get(path)
    assert answer.status == 200
    assert answer.body == bare.body
    assert answer["ETag"] == str(EntityTag.of(bare.body))
    assert site.result(answer) == "unconditional"


@pytest.mark.parametrize("path", WHOLE_BODIES)
def test_nothing_else_of_the_response_changes(site, path):
    bare, answer = site.get(path, config="bare"), site.get(path)
    # The server's framing of a body whose length nobody told it may change: it is told now.
    framing = () if "Content-Length" in bare else ("content-length", "transfer-encoding", "connection")
    # Of a body worth resuming it is said that it can be.
    ours = answer.compared(without=("etag", "accept-ranges", "date", *framing))
    assert ours == bare.compared(without=("date", *framing))


@pytest.mark.apps("plain")
@pytest.mark.parametrize(
    "path", ["/list", "/tuple", "/nothing", "/page-without-length", "/generator-with-length", "/empty-chunks"]
)
def test_lists_tuples_and_short_declared_bodies_get_their_tag(site, path):
    answer = site.get(path)
    assert answer.body == site.get(path, config="bare").body
    assert answer["ETag"] == str(EntityTag.of(answer.body))


def test_the_tag_is_the_same_each_time_and_another_for_other_content(site):
    tags = [site.get(path)["ETag"] for path in ("/page", "/page", "/json", "/empty", "/gzip")]
    assert tags[0] == tags[1]
    assert len(set(tags)) == 4


def test_each_content_coding_has_its_own_strong_tag(site):
    plain, compressed = site.get("/identity")["ETag"], site.get("/gzip")["ETag"]
    assert plain != compressed
    assert not plain.startswith("W/")
    assert not compressed.startswith("W/")


@pytest.mark.parametrize(("path", "tag"), [("/etag", content.OWN), ("/etag-weak", content.OWN_WEAK)])
def test_the_applications_own_well_formed_tag_is_respected(site, path, tag):
    answer = site.get(path)
    assert answer["ETag"] == tag
    assert site.result(answer) == "unconditional"


def test_an_unquoted_tag_is_replaced(site):
    assert site.get("/etag-unquoted")["ETag"] == str(EntityTag.of(content.PAGE))


@pytest.mark.apps("plain", "flask")
def test_two_tags_are_none_and_are_replaced_by_one(site):
    assert site.get("/etag-two")["ETag"] == str(EntityTag.of(content.PAGE))


def test_a_date_alone_gets_a_tag_beside_it(site):
    answer = site.get("/last-modified")
    assert answer["Last-Modified"] == content.DATE
    assert answer["ETag"] == str(EntityTag.of(content.PAGE))


def test_what_must_not_be_stored_gets_no_tag(site):
    answer = site.get("/no-store")
    assert answer.body == content.PAGE
    assert "ETag" not in answer
    assert site.result(answer) == "bypass"


def test_what_must_not_be_stored_keeps_a_tag_of_its_own(site):
    assert site.get("/no-store-etag")["ETag"] == content.OWN


def test_what_must_not_be_transformed_is_not(site):
    bare, answer = site.get("/no-transform", config="bare"), site.get("/no-transform")
    assert answer.body == bare.body
    assert answer["ETag"] == content.OWN
    assert answer["Content-Type"] == bare["Content-Type"]


@pytest.mark.parametrize("path", ["/created", "/partial-without-tag"])
def test_only_a_200_gets_a_tag(site, path):
    answer = site.get(path)
    assert answer.body == site.get(path, config="bare").body
    assert "ETag" not in answer


def test_a_key_makes_the_tag_one_that_outsiders_cannot_compute(site):
    assert site.get("/page", config="keyed")["ETag"] == f'"{opaque_tag(content.PAGE, KEY.encode())}"'
    path = "/file?length=100000"
    body = (content.files() / "page.bin").read_bytes()
    assert site.get(path, config="keyed")["ETag"] == f'"{opaque_tag(body, KEY.encode())}"'


@pytest.mark.parametrize("path", ["/page", DECLARED, "/file?length=100000", "/etag"])
def test_an_instance_inside_another_passes_through(site, path):
    answer = site.get(path, config="nested")
    assert answer["ETag"] == site.get(path)["ETag"]
    assert answer.body == site.get(path, config="bare").body
    again = site.get(path, ("If-None-Match", answer["ETag"]), config="nested")
    assert again.status == 304
    assert site.result(again) == "not-modified"


def test_a_body_longer_than_max_body_streams_through(site):
    answer = site.get("/declared", config="small")
    assert answer.body == content.WHOLE
    assert "ETag" not in answer
    assert site.result(answer) == "bypass"
    assert site.events(answer, "close").count("close") == 1


@pytest.mark.apps("plain")
def test_a_list_is_hashed_however_long(site):
    assert site.get("/page", config="small")["ETag"] == str(EntityTag.of(content.PAGE))
