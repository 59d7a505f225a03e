"""Fields that a policy sets for shared caches, and when it must not."""

from __future__ import annotations

import logging

import pytest

from kit.answer import new_id
from kit.in_process import Server, environ_of
from notmodified import Config, EntityTag, NotModified

PAGE = b"<p>a page</p>"
TAG = str(EntityTag.of(PAGE))
FOR_THE_CDN = {
    "cache_control": {"max_age": 60, "s_maxage": "10m"},
    "targeted": {"CDN-Cache-Control": {"max_age": "1h"}, "Example-Cache-Control": "no-store"},
    "fields": {"Surrogate-Control": "max-age=3600", "X-Robots-Tag": "noindex"},
    "cache_groups": ["articles", 'say "hi"'],
    "expires": 60,
}
TOLD_TO_ALL = {
    "Example-Cache-Control": ["no-store"],
    "X-Robots-Tag": ["noindex"],
    "Cache-Groups": ['"articles", "say \\"hi\\""'],
}
TOLD_TO_SHARED = {"CDN-Cache-Control": ["max-age=3600"], "Surrogate-Control": ["max-age=3600"]}
TOLD_NOTHING: dict[str, list[str]] = {name: [] for name in TOLD_TO_SHARED}


def site(policy, *fields):
    """Make an application that answers with these fields, under one policy."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html"), *fields])
        return [PAGE]

    return NotModified(application, policy=[policy])


def ask(application, *fields):
    server = Server(environ_of("GET", "/", fields))
    server.run(application)
    return server.answer(new_id())


def told(answer, names):
    return {name: answer.all(name) for name in names}


@pytest.mark.parametrize("asked", [(), (("If-None-Match", TAG),)], ids=["200", "304"])
def test_a_200_and_its_304_say_the_same_to_every_kind_of_cache(asked):
    answer = ask(site(FOR_THE_CDN), *asked)
    assert answer.status == (304 if asked else 200)
    everything = TOLD_TO_ALL | TOLD_TO_SHARED | {"Cache-Control": ["max-age=60, s-maxage=600"]}
    assert told(answer, everything) == everything
    assert "Expires" in answer


def test_a_field_of_the_applications_own_stands_unless_it_is_overridden():
    own = (("cdn-cache-control", "max-age=5"), ("Surrogate-Control", "no-store"), ("Cache-Groups", '"own"'))
    answer = ask(site(FOR_THE_CDN, *own))
    assert answer.all("CDN-Cache-Control") == ["max-age=5"]
    assert answer.all("Surrogate-Control") == ["no-store"]
    assert answer.all("Cache-Groups") == ['"own"', *TOLD_TO_ALL["Cache-Groups"]]
    answer = ask(site(FOR_THE_CDN | {"override": True}, *own))
    assert told(answer, TOLD_TO_SHARED) == TOLD_TO_SHARED
    assert answer.all("Cache-Groups") == ['"own"', *TOLD_TO_ALL["Cache-Groups"]]


@pytest.mark.parametrize("asked", [(), (("If-None-Match", TAG),)], ids=["200", "304"])
@pytest.mark.parametrize("override", [False, True])
def test_what_sets_a_cookie_is_not_offered_to_shared_caches(asked, override, caplog):
    application = site(FOR_THE_CDN | {"override": override}, ("Set-Cookie", "session=1"))
    with caplog.at_level(logging.WARNING, "notmodified"):
        answers = [ask(application, *asked) for _ in range(2)]
    for answer in answers:
        assert answer["Cache-Control"] == "private, max-age=60"
        assert "Expires" not in answer
        assert told(answer, TOLD_TO_SHARED) == TOLD_NOTHING
        assert told(answer, TOLD_TO_ALL) == TOLD_TO_ALL
    assert application.stats()["narrowed"] == 2
    [record] = caplog.records
    assert record.getMessage().startswith(
        "a policy lets shared caches keep /, but the response sets a cookie"
    )


@pytest.mark.parametrize(
    "policy",
    [
        {"cache_control": {"public": True, "max_age": 60, "no_cache": ["Set-Cookie"]}},
        {"preset": "page"},
        {"preset": "never"},
        {"cache_control": {"private": True, "max_age": 60}, "expires": 60},
    ],
)
def test_what_shared_caches_do_not_use_unasked_is_left_as_it_is(policy):
    application = site(policy, ("Set-Cookie", "session=1"))
    [wanted] = Config(policy=[policy]).policies
    assert ask(application)["Cache-Control"] == wanted["cache_control"]
    assert application.stats()["narrowed"] == 0


@pytest.mark.parametrize("own", ["private", "max-age=5, Private", "no-store"])
def test_a_cdn_is_not_told_to_keep_what_the_application_calls_private(own):
    application = site(FOR_THE_CDN, ("Cache-Control", own))
    answer = ask(application)
    assert answer.all("Cache-Control") == [own]
    assert told(answer, TOLD_TO_SHARED) == TOLD_NOTHING
    assert application.stats()["narrowed"] == 1
    # Whoever overrides that has said so.
    answer = ask(site(FOR_THE_CDN | {"override": True}, ("Cache-Control", own)))
    assert told(answer, TOLD_TO_SHARED) == TOLD_TO_SHARED


def test_what_the_application_shares_may_be_shared_by_a_cdn_for_longer():
    answer = ask(site(FOR_THE_CDN, ("Cache-Control", "max-age=5")))
    assert answer["Cache-Control"] == "max-age=5"
    assert told(answer, TOLD_TO_SHARED) == TOLD_TO_SHARED


def test_an_error_of_ours_is_offered_to_no_cache():
    answer = ask(site(FOR_THE_CDN), ("If-Match", '"other"'))
    assert answer.status == 412
    assert told(answer, TOLD_TO_SHARED) == TOLD_NOTHING
