"""`notmodified.django.cache_policy`, on views of every kind, in each way that Django is served."""

from __future__ import annotations

import asyncio

import pytest

from apps.django_settings import configure

configure()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - needs the settings, as all below
from django.http import Http404, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.test import AsyncClient, Client, override_settings  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views import View  # noqa: E402

from kit.answer import new_id  # noqa: E402
from kit.in_process import Server, environ_of  # noqa: E402
from notmodified import CacheControl, ConfigError, NotModified  # noqa: E402
from notmodified.django import cache_policy  # noqa: E402

POLICY = {"cache_control": {"max_age": "1h"}, "targeted": {"CDN-Cache-Control": "max-age=7200"}}
CONFIGURED = {
    "policy": [{"path": "/**", "status": ["2xx", 404], "cache_control": "max-age=5", "vary": "Accept"}]
}
OURS = "notmodified.django.NotModifiedMiddleware"


def page(request):
    return HttpResponse(b"a page", headers=request.headers.get("X-Own") and {"Cache-Control": "max-age=9"})


async def async_page(request):
    return page(request)


def missing(request):
    raise Http404


class Plain(View):
    def get(self, request):
        return page(request)


class Coroutines(View):
    async def get(self, request):
        return page(request)


class Handler(View):
    @cache_policy(**POLICY)
    def get(self, request):
        return page(request)


decorated = cache_policy(**POLICY)
VIEWS = {
    "function": decorated(page),
    "coroutine": decorated(async_page),
    "class": method_decorator(decorated, name="dispatch")(type("A", (Plain,), {})).as_view(),
    "class-of-coroutines": method_decorator(decorated, name="dispatch")(
        type("B", (Coroutines,), {})
    ).as_view(),
    "handler": Handler.as_view(),
    "as-view": decorated(Plain.as_view()),
    "stream": decorated(lambda request: StreamingHttpResponse([b"a page"])),
}
OTHERS = {
    "plain": page,
    "missing": decorated(missing),
    "missing-is-kept": cache_policy(status=404, cache_control={"max_age": "1m"})(missing),
    "twice": cache_policy("never")(decorated(page)),
    "override": cache_policy(cache_control=CacheControl(no_cache=True), override=True)(page),
    "nothing": cache_policy()(page),
}
urlpatterns = [path(name, view) for name, view in (VIEWS | OTHERS).items()]


def by_class(target, **headers):
    with override_settings(MIDDLEWARE=[OURS], NOTMODIFIED=CONFIGURED):
        return dict(Client().get(target, headers=headers).items())


def by_class_async(target, **headers):
    async def ask():
        return await AsyncClient().get(target, headers=headers)

    with override_settings(MIDDLEWARE=[OURS], NOTMODIFIED=CONFIGURED):
        return dict(asyncio.run(ask()).items())


def by_wrapper(target, **headers):
    server = Server(environ_of("GET", target, headers.items()))
    server.run(NotModified(get_wsgi_application(), CONFIGURED))
    return dict(server.answer(new_id()).fields)


@pytest.fixture(params=[by_class, by_class_async, by_wrapper])
def get(request):
    with override_settings(ROOT_URLCONF=__name__):
        yield request.param


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_a_policy_of_its_own_before_those_that_are_configured(get, name):
    fields = get(f"/{name}")
    assert (fields["Cache-Control"], fields["CDN-Cache-Control"]) == ("max-age=3600", "max-age=7200")
    assert "Vary" not in fields


def test_a_304_says_the_same(get):
    fields = get("/function", **{"If-None-Match": get("/function")["ETag"]})
    assert "Content-Type" not in fields
    assert fields["CDN-Cache-Control"] == "max-age=7200"


def test_other_views_and_responses_that_it_is_not_for_get_what_is_configured(get):
    for name in ("plain", "missing"):
        fields = get(f"/{name}")
        assert (fields["Cache-Control"], fields["Vary"]) == ("max-age=5", "Accept")
    assert get("/missing-is-kept")["Cache-Control"] == "max-age=60"


def test_the_views_own_word_stands_unless_it_is_overridden(get):
    assert get("/function", **{"X-Own": "yes"})["Cache-Control"] == "max-age=9"
    assert get("/override", **{"X-Own": "yes"})["Cache-Control"] == "no-cache"


def test_the_nearest_of_two_wins_and_an_empty_one_is_an_exception(get):
    assert get("/twice")["Cache-Control"] == "max-age=3600"
    assert "Cache-Control" not in get("/nothing")


def test_what_is_wrong_is_told_where_the_view_is_decorated():
    with pytest.raises(ConfigError, match="immutable keeps clients from asking"):
        cache_policy(cache_control={"immutable": True, "max_age": "1h"})
    with pytest.raises(ConfigError, match="no such preset, did you mean private"):
        cache_policy("prvate")
    for key in ("path", "take_over", "maxage"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{key}'"):
            cache_policy(**{key: "/a"})
