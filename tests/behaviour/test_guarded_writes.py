"""Writes are judged before the application acts (RFC 9110 §13.2, RFC 6585), or not at all."""

from __future__ import annotations

import json

import pytest

from apps import content
from model import rfc9110_model as rfc
from notmodified import EntityTag

WRITES = ["PUT", "PATCH", "DELETE", "POST"]
PAGE_TAG = str(EntityTag.of(content.PAGE))
# The middleware class stands inside the application, so it has none to ask.
asks_the_application = pytest.mark.apps("plain", "flask", "django")


def write(site, current, *fields, method="PUT", path="/echo", config="validators"):
    return site.request(method, path, ("X-Current", current), *fields, config=config, body=b"{}")


def called(site, answer):
    return [event for event in site.events(answer) if event.startswith("called")]


def assert_problem(site, answer, status):
    """It is an error of ours with problem details (RFC 9457), and the application was not called."""
    assert answer.status == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert json.loads(answer.body)["status"] == status
    assert not called(site, answer)


@pytest.mark.parametrize("method", WRITES)
def test_a_write_whose_precondition_is_false_never_reaches_the_application(site, method):
    answer = write(site, '"v2"', ("If-Match", '"v1"'), method=method)
    assert_problem(site, answer, 412)
    assert answer["ETag"] == '"v2"'
    assert site.result(answer) == "failed"
    assert site.events(answer) == ["asked"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_one_whose_precondition_is_true_does_and_is_not_judged_again(site, method):
    """Its tag is another than the application's own, which would refuse it."""
    answer = write(site, '"v1"', ("If-Match", '"v1"'), method=method)
    assert answer.status == 200
    assert json.loads(answer.body) == {"REQUEST_METHOD": method}
    assert site.result(answer) == "passed"
    assert site.environ(answer)["HTTP_IF_MATCH"] == '"v1"'


@pytest.mark.parametrize("method", WRITES)
def test_unconditional_writes_are_not_judged_and_the_function_is_not_asked(site, method):
    answer = write(site, "raise", method=method)
    assert answer.status == 200
    assert "asked" not in site.events(answer)
    assert site.result(answer) == "bypass"


@pytest.mark.parametrize("method", ["OPTIONS"])
def test_methods_without_preconditions_are_none_of_its_business(site, method):
    answer = write(site, '"v2"', ("If-Match", '"v1"'), method=method)
    assert json.loads(answer.body)["HTTP_IF_MATCH"] == '"v1"'
    assert "asked" not in site.events(answer)


CURRENTS = {
    '"v1"': rfc.State(etag=rfc.Tag(weak=False, opaque="v1")),
    'W/"v1"': rfc.State(etag=rfc.Tag(weak=True, opaque="v1")),
    content.DATE: rfc.State(last_modified=rfc.parse_date(content.DATE)),
    f'"v1"|{content.DATE}': rfc.State(
        etag=rfc.Tag(weak=False, opaque="v1"), last_modified=rfc.parse_date(content.DATE)
    ),
    "none": rfc.State(exists=False),
}
FIELDS = [
    {name: value}
    for name, values in {
        "If-Match": ['"v1"', 'W/"v1"', '"a","v1"', "*", "v1", '"v1', '"v2"'],
        "If-None-Match": ['"v1"', 'W/"v1"', "*", '"v2"', "v1"],
        "If-Unmodified-Since": [content.DATE, content.EARLIER, "yesterday"],
    }.items()
    for value in values
]
FIELDS += [
    {"If-Match": '"v1"', "If-Unmodified-Since": content.EARLIER},
    {"If-Match": '"v1"', "If-None-Match": '"v1"'},
    {"If-Unmodified-Since": content.DATE, "If-None-Match": "*"},
    {"If-Modified-Since": content.DATE, "If-Match": '"v2"'},
]


@pytest.mark.parametrize("current", CURRENTS)
def test_it_decides_as_the_model_says_and_before_the_application(site, current):
    for fields in FIELDS:
        answer = write(site, current, *fields.items(), method="PUT")
        (decision,) = rfc.allowed("PUT", fields, CURRENTS[current])
        if decision == rfc.PROCEED:
            assert (answer.status, len(called(site, answer))) == (200, 1), fields
        else:
            assert_problem(site, answer, 412)


@pytest.mark.parametrize("told", ["raise", "nonsense", "unquoted"])
def test_a_validator_that_cannot_be_had_is_503_and_nothing_is_done(site, told):
    answer = write(site, told, ("If-Match", '"v1"'))
    assert_problem(site, answer, 503)
    assert "ETag" not in answer
    assert site.result(answer) == "unavailable"


def test_where_the_function_says_so_the_application_judges(site):
    answer = write(site, "ask", ("If-Match", '"v1"'))
    assert json.loads(answer.body)["HTTP_IF_MATCH"] == '"v1"'
    assert site.result(answer) == "bypass"


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("If-None-Match", '"v1"')],
        [("If-Modified-Since", content.DATE)],
        [("If-Unmodified-Since", "soon")],
    ],
    ids=str,
)
@pytest.mark.parametrize("config", ["validators-require", "require"])
def test_where_a_precondition_is_required_a_write_without_one_is_428(site, fields, config):
    answer = write(site, '"v1"', *fields, config=config)
    assert_problem(site, answer, 428)
    assert site.result(answer) == "required"


@pytest.mark.parametrize(
    ("current", "field"),
    [
        ('"v1"', ("If-Match", '"v1"')),
        (content.DATE, ("If-Unmodified-Since", content.DATE)),
        ("none", ("If-None-Match", "*")),
    ],
)
def test_with_one_it_is_judged(site, current, field):
    assert write(site, current, field, config="validators-require").status == 200


def test_a_date_does_not_do_where_the_resource_has_none(site):
    """It would be ignored (§13.1.4), and the write would go through unseen."""
    answer = write(site, '"v1"', ("If-Unmodified-Since", content.DATE), config="validators-require")
    assert_problem(site, answer, 428)
    assert answer["ETag"] == '"v1"'


def test_reads_need_none(site):
    assert site.get("/page", ("X-Current", '"v1"'), config="validators-require").status == 200


def test_a_weakened_tag_is_accepted_only_where_that_is_configured(site):
    assert write(site, '"v1"', ("If-Match", 'W/"v1"')).status == 412
    assert write(site, '"v1"', ("If-Match", 'W/"v1"'), config="validators-weakened").status == 200
    assert write(site, 'W/"v1"', ("If-Match", 'W/"v1"'), config="validators-weakened").status == 412


@pytest.mark.apps("plain", "flask", "django", "django-middleware")  # ASGI has no other around it
def test_an_instance_inside_another_guards_what_that_one_does_not_know_of(site):
    """Who puts `wrap()` around a site whose settings guard its writes must not open it by that."""
    failed = write(site, '"v2"', ("If-Match", '"v1"'), config="nested-validators")
    assert_problem(site, failed, 412)
    assert (failed["ETag"], site.result(failed)) == ('"v2"', "failed")
    passed = write(site, '"v1"', ("If-Match", '"v1"'), config="nested-validators")
    assert (passed.status, site.result(passed)) == (200, "passed")
    assert_problem(site, write(site, '"v1"', config="nested-require"), 428)
    assert_problem(site, write(site, "raise", ("If-Match", '"v1"'), config="nested-validators"), 503)


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")  # of wsgiref.validate
def test_a_safe_method_needs_no_precondition(site):
    """WebDAV's PROPFIND changes nothing, whatever it is called."""
    answer = site.request("PROPFIND", "/page", config="require")
    assert answer.status != 428


class TestByAGetToTheSameApplication:
    @asks_the_application
    @pytest.mark.parametrize(
        ("path", "tag"), [("/etag", content.OWN), ("/page", PAGE_TAG), ("/file?length=100000", None)]
    )
    def test_the_tag_is_that_of_a_get(self, site, path, tag):
        got = site.get(path, config="get")
        assert tag in (None, got["ETag"])
        failed = site.request("PUT", path, ("If-Match", '"other"'), config="get", body=b"{}")
        assert failed.status == 412
        assert failed["ETag"] == got["ETag"]
        assert called(site, failed) == ["called GET"]
        passed = site.request("PUT", path, ("If-Match", got["ETag"]), config="get", body=b"{}")
        assert called(site, passed) == ["called GET", "called PUT"]
        assert site.result(passed) == "passed"

    @asks_the_application
    def test_it_has_no_conditions_and_no_content(self, site):
        """What the application sees of it is hashed: the GET that a client sends is the same."""
        got = site.get("/echo", config="get")
        fields = [("If-Match", got["ETag"]), ("Range", "bytes=0-1"), ("X-HTTP-Method-Override", "PUT")]
        answer = site.request("PUT", "/echo", *fields, config="get", body=b"{}")
        assert answer.status == 200
        assert json.loads(answer.body)["REQUEST_METHOD"] == "PUT"

    @asks_the_application
    def test_an_instance_inside_another_asks_too(self, site):
        failed = site.request("PUT", "/page", ("If-Match", '"other"'), config="nested-get", body=b"{}")
        assert (failed.status, failed["ETag"], called(site, failed)) == (412, PAGE_TAG, ["called GET"])
        passed = site.request("PUT", "/page", ("If-Match", PAGE_TAG), config="nested-get", body=b"{}")
        assert called(site, passed) == ["called GET", "called PUT"]

    @asks_the_application
    def test_nothing_there_is_no_resource(self, site):
        create = site.request("PUT", "/missing", ("If-None-Match", "*"), config="get", body=b"{}")
        assert called(site, create) == ["called GET", "called PUT"]
        update = site.request("PUT", "/missing", ("If-Match", "*"), config="get", body=b"{}")
        assert update.status == 412
        assert called(site, update) == ["called GET"]

    @asks_the_application
    def test_a_get_that_is_sent_elsewhere_answers_the_write_too(self, site):
        """So an anonymous client is told to log in, and not what there is."""
        got = site.get("/moved", config="get")
        answer = site.request("PUT", "/moved", ("If-Match", '"v1"'), config="get", body=b"{}")
        assert (answer.status, answer.all("Location")) == (got.status, got.all("Location"))
        assert called(site, answer) == ["called GET"]
        assert site.result(answer) == "bypass"

    @asks_the_application
    def test_one_that_fails_is_503(self, site):
        answer = site.request("PUT", "/broken", ("If-Match", '"v1"'), config="get", body=b"{}")
        assert answer.status == 503
        assert called(site, answer) == ["called GET"]

    @asks_the_application
    def test_it_is_asked_only_for_a_precondition(self, site):
        answer = site.request("PUT", "/page", config="get", body=b"{}")
        assert called(site, answer) == ["called PUT"]
        answer = site.request("PUT", "/page", config="get-require", body=b"{}")
        assert answer.status == 428
        assert not called(site, answer)
