"""The assertions: what each lets pass, what not, and that its message says what is wrong and what ends it."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import nullcontext

import pytest
from flask import Flask, request, session
from werkzeug.test import Client

from apps.django_settings import configure

configure()

from django.core.asgi import get_asgi_application  # noqa: E402 - needs the settings, as all below
from django.http import HttpResponse  # noqa: E402
from django.test import AsyncClient, override_settings  # noqa: E402
from django.test import Client as DjangoClient  # noqa: E402
from django.urls import path as django_path  # noqa: E402

import notmodified  # noqa: E402
from notmodified.flask import NotModified  # noqa: E402
from notmodified.pytest import assert_cacheable, assert_never_stale, assert_revalidates  # noqa: E402

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


class Site:
    """A page, and what is said of it."""

    def __init__(self, *fields: tuple[str, str], text="the page", wrapped=True, **config):
        self.text = text
        self.fields = fields
        self.hosts = set()
        self.wsgi = notmodified.NotModified(self.answer, config) if wrapped else self.answer

    def answer(self, environ, start_response):
        self.hosts.add(environ["HTTP_HOST"])
        text = self.text() if callable(self.text) else self.text
        is_there = environ["PATH_INFO"] in {"/", "/page"}
        fields = [("Content-Type", "text/html"), *self.fields]
        start_response("200 OK" if is_there else "404 Not Found", fields)
        return [text.encode()]


def page(_request=None):
    response = HttpResponse("the page")
    response["Cache-Control"] = "no-cache"
    return response


def defective(_request):
    return HttpResponse(f"<p>{secrets.token_hex(16)}</p>")


urlpatterns = [django_path("", page), django_path("defective", defective)]


def flask_app(*, wrapped=True):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", SERVER_NAME="shop.example", APPLICATION_ROOT="/shop")

    @app.get("/")
    def front():
        response = app.make_response("the page")
        response.cache_control.no_cache = True
        return response

    @app.get("/login")
    def login():
        session["user"] = "ada"
        return ""

    @app.get("/account")
    def account():
        if (
            session.get("user") != "ada"
            or request.headers.get("X-Tenant") != "1"
            or request.script_root != "/shop"
        ):
            return "", 403
        response = app.make_response("the account")
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    if wrapped:
        NotModified(app)
    return app


async def asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the page"})


@pytest.fixture
def django_site():
    ours = ["notmodified.django.NotModifiedMiddleware"]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=ours, ALLOWED_HOSTS=["testserver"]):
        yield DjangoClient()


@pytest.mark.parametrize(
    "client_or_app",
    [
        Site(("Cache-Control", "no-cache")).wsgi,
        Client(Site(("Cache-Control", "no-cache")).wsgi),
        flask_app().test_client(),
        flask_app(),
    ],
    ids=["wsgi", "werkzeug", "flask client", "flask app"],
)
def test_what_revalidates_passes(client_or_app):
    assert_revalidates(client_or_app, "/", fail_on="info")
    assert_never_stale(client_or_app, "/")
    assert_cacheable(client_or_app, "/", at_least=0)
    assert_cacheable(client_or_app, "/", at_least=0, shared=True)


def test_django_is_asked_as_its_client_asks(django_site):
    assert_revalidates(django_site, "/", fail_on="info")
    assert_never_stale(django_site, "/")


def test_what_differs_in_django_is_shown(django_site):
    with pytest.raises(AssertionError, match=r"32\s+bytes(.|\n)*unstable-tag(.|\n)*Fix: "):
        assert_revalidates(django_site, "/defective")


def test_the_cookies_fields_host_and_mount_of_a_client_are_sent_along():
    client = flask_app().test_client()
    client.environ_base["HTTP_X_TENANT"] = "1"
    with pytest.raises(AssertionError, match="GET /account is not answered with 200"):
        assert_revalidates(client, "/account")
    client.get("/login")
    assert_revalidates(client, "/account")
    with pytest.raises(AssertionError, match="does not keep it: private"):
        assert_cacheable(client, "/account", shared=True, at_least=0)


def test_a_client_is_asked_at_its_own_host():
    site = Site()
    assert_revalidates(Client(site.wsgi), "/page?a=%20b")
    assert site.hosts == {"localhost"}


def test_asgi_applications_are_asked_where_a_loop_runs_too(django_site):
    application = get_asgi_application()
    assert_revalidates(application, "/", fail_on="info")

    async def test():
        assert_revalidates(application, "/", fail_on="info")
        with pytest.raises(AssertionError, match="no-validator"):
            assert_revalidates(asgi, "/")

    asyncio.run(test())


@pytest.mark.parametrize(
    ("site", "says"),
    [
        (
            Site(wrapped=False),
            r"gets no 304 \(identity\)(.|\n)*no-validator(.|\n)*Fix: Give it an entity-tag",
        ),
        (Site(("ETag", '"a"'), wrapped=False), "validator-ignored"),
        (Site(text=lambda: secrets.token_hex(16)), r"because of these 32\s+bytes(.|\n)*unstable-tag"),
        (Site(text=lambda: 1 / 0), "ZeroDivisionError"),
    ],
    ids=["no validator", "ignored", "unstable", "raises"],
)
def test_what_does_not_revalidate_fails_with_the_finding(site, says):
    with pytest.raises(AssertionError, match=says):
        assert_revalidates(site.wsgi, "/")


def test_what_is_no_page_fails():
    with pytest.raises(AssertionError, match=r"GET /nothing is not answered with 200(.|\n)*404"):
        assert_revalidates(Site().wsgi, "/nothing")


def test_findings_are_let_pass_by_severity_and_by_id():
    def application(environ, start_response):
        """Answer HEAD otherwise than GET."""
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        fields = [("Cache-Control", "no-cache"), ("ETag", '"other"' if is_head else '"a"')]
        asked = environ.get("HTTP_IF_NONE_MATCH", "")
        start_response("304 Not Modified" if '"a"' in asked else "200 OK", fields)
        return [] if is_head or '"a"' in asked else [b"the page"]

    with pytest.raises(AssertionError, match=r"GET / revalidates, but not rightly: (.*, )?head-differs"):
        assert_revalidates(application, "/")
    assert_revalidates(application, "/", fail_on="never")
    with pytest.raises(AssertionError, match="not rightly"):
        assert_revalidates(application, "/", fail_on="info", ignore=["head-differs"])


@pytest.mark.parametrize(
    ("said", "options", "passes"),
    [
        ("max-age=60", {}, True),
        ("max-age=60", {"at_least": 60}, True),
        ("max-age=60", {"at_least": 61}, False),
        ("max-age=60", {"shared": True}, True),
        ("private, max-age=60", {"shared": True}, False),
        ("private, max-age=60", {}, True),
        ("max-age=0, s-maxage=60", {}, False),
        ("max-age=0, s-maxage=60", {"shared": True, "at_least": 60}, True),
        ("no-cache", {}, False),
        ("no-cache", {"at_least": 0}, True),
        ("no-store", {"at_least": 0}, False),
        ("public, private, max-age=60", {}, False),
        (None, {}, False),
    ],
)
def test_how_long_a_page_may_be_used_without_asking(said, options, passes):
    fields = [("Last-Modified", DATE), *([("Cache-Control", said)] if said else [])]
    outcome = nullcontext() if passes else pytest.raises(AssertionError, match=r"GET /(.|\n)*Fix: ")
    with outcome:
        assert_cacheable(Site(*fields).wsgi, "/", **options)


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ([("Cache-Control", "no-cache")], True),
        ([("Cache-Control", "no-store")], True),
        ([("Cache-Control", "max-age=0, must-revalidate")], True),
        ([("Cache-Control", "max-age=1")], False),
        ([("Cache-Control", "no-cache, s-maxage=1")], True),
        ([("Cache-Control", "max-age=0, s-maxage=1")], False),
        ([("Cache-Control", "max-age=0, stale-while-revalidate=9")], False),
        ([("Cache-Control", "max-age=0"), ("Cache-Control", "stale-if-error=9")], False),
        ([("Cache-Control", "no-cache"), ("CDN-Cache-Control", "max-age=9")], False),
        ([("Last-Modified", DATE)], False),
        ([], False),
    ],
)
def test_what_may_be_used_without_asking_may_be_stale(fields, passes):
    outcome = (
        nullcontext() if passes else pytest.raises(AssertionError, match=r"when it is stale: (.|\n)*Fix: ")
    )
    with outcome:
        assert_never_stale(Site(*fields).wsgi, "/")


def test_who_asks_is_told_of_a_change():
    site = Site(("Cache-Control", "no-cache"))
    assert_never_stale(site.wsgi, "/", lambda: setattr(site, "text", "another page"))


def test_a_change_that_changes_nothing_shows_nothing():
    with pytest.raises(AssertionError, match="left its content as it was"):
        assert_never_stale(Site(("Cache-Control", "no-cache")).wsgi, "/", lambda: None)


def test_a_304_from_memory_after_a_change_is_stale():
    fields = [("Cache-Control", "no-cache"), ("Notmodified-Cache-Control", "max-age=60")]
    site = Site(*fields, store="process")
    with pytest.raises(AssertionError, match=r"it has changed, and If-None-Match: .* still gets a 304"):
        assert_never_stale(site.wsgi, "/", lambda: setattr(site, "text", "another page"))

    def change():
        site.text = "a third page"
        notmodified.invalidate("/")

    assert_never_stale(site.wsgi, "/", change)


def test_a_tag_that_stays_when_the_page_changes_is_stale():
    site = Site(("Cache-Control", "no-cache"), ("ETag", '"a"'), wrapped=False)
    with pytest.raises(AssertionError, match='its ETag is "a" as before'):
        assert_never_stale(site.wsgi, "/", lambda: setattr(site, "text", "another page"))


def test_a_date_that_stays_when_the_page_changes_is_stale():
    text = ["one"]

    def application(environ, start_response):
        is_asked = environ.get("HTTP_IF_MODIFIED_SINCE") == DATE
        fields = [("Cache-Control", "no-cache"), ("Last-Modified", DATE)]
        start_response("304 Not Modified" if is_asked else "200 OK", fields)
        return [] if is_asked else [text[0].encode()]

    with pytest.raises(
        AssertionError, match=r"If-Modified-Since: .* still gets a 304; a date counts seconds"
    ):
        assert_never_stale(application, "/", lambda: text.append(text.pop(0) + "."))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: assert_revalidates(object(), "/"), TypeError, "not object"),
        (lambda: assert_revalidates(AsyncClient(), "/"), TypeError, "AsyncClient"),
        (lambda: assert_revalidates(asgi, "page"), ValueError, "starts with /, not 'page'"),
        (lambda: assert_revalidates(asgi, "/", ignore=["no-tag"]), ValueError, "no finding 'no-tag'"),
        (lambda: assert_revalidates(asgi, "/", ignore="no-validator"), TypeError, "several ids"),
        (lambda: assert_revalidates(asgi, "/", fail_on="bad"), ValueError, "fail_on is one of"),
        (lambda: assert_cacheable(asgi, "/", at_least=-1), ValueError, "not -1"),
    ],
)
def test_wrong_arguments_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
