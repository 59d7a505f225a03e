"""Shared caches of the real world, and whether they do what a policy says to them."""

from __future__ import annotations

import pytest

from apps import content
from kit.answer import new_id

CACHES = ["nginx-cache", "varnish"]


def visits(proxy, stack, page="/page", count=2):
    """Have so many visitors ask for a page; return their answers, and how often the application was asked."""
    path = f"{page}?{new_id()}"
    answers = [proxy.ask("GET", path, stack=f"plain/{stack}") for _ in range(count)]
    assert {(answer.status, answer.body) for answer in answers} == {(200, content.PAGE)}
    return answers, len(proxy.origin.seen(path, 1))


@pytest.mark.parametrize("role", CACHES)
def test_a_shared_cache_answers_for_as_long_as_s_maxage_says(proxies, role):
    answers, asked = visits(proxies(role), "shared", count=3)
    assert asked == 1
    # And the browser behind it is told what is for browsers.
    assert {answer["Cache-Control"] for answer in answers} == {"max-age=0, s-maxage=600"}


@pytest.mark.parametrize("role", CACHES)
def test_it_keeps_nothing_that_is_private(proxies, role):
    assert visits(proxies(role), "private")[1] == 2


@pytest.mark.parametrize("role", CACHES)
def test_it_keeps_nothing_that_sets_a_cookie(proxies, role):
    answers, asked = visits(proxies(role), "shared", "/cookies")
    assert asked == 2
    assert {answer["Cache-Control"] for answer in answers} == {"private, max-age=0"}
    assert [len(answer.all("Set-Cookie")) for answer in answers] == [2, 2]


@pytest.mark.parametrize("role", CACHES)
def test_one_that_does_not_know_the_field_of_cdns_passes_it_on_to_those_in_front(proxies, role):
    answers, asked = visits(proxies(role), "cdn")
    assert asked == 2
    for answer in answers:
        assert (answer["CDN-Cache-Control"], answer["Cache-Control"]) == ("max-age=600", "no-cache")


def test_one_that_is_taught_to_obeys_it_and_leaves_browsers_their_own(proxies):
    answers, asked = visits(proxies("varnish-cdn"), "cdn")
    assert asked == 1
    for answer in answers:
        assert ("CDN-Cache-Control" in answer, answer["Cache-Control"]) == (False, "no-cache")
    # For everything else it is as it was.
    assert visits(proxies("varnish-cdn"), "private")[1] == 2


@pytest.mark.parametrize("role", CACHES)
def test_each_obeys_the_field_of_its_own(proxies, role):
    """X-Accel-Expires is nginx's; Varnish takes Surrogate-Control in the place of Cache-Control."""
    answers, asked = visits(proxies(role), "vendors", count=3)
    assert asked == 1
    assert {answer["Cache-Control"] for answer in answers} == {"no-cache"}
