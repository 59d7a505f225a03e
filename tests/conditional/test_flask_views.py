"""`notmodified.flask.conditional`, on functions, methods and coroutines, with and without the middleware."""

from __future__ import annotations

import pytest
from flask import Flask, Response, abort, request
from flask.views import MethodView

from notmodified import ASK_APP, NotModified, Representation
from notmodified.flask import conditional

HEADERS = {"Cache-Control": "no-cache", "Vary": "Cookie"}
TOLD = {
    "one": '"v1"',
    "known": Representation('"v1"', headers=HEADERS),
    "none": None,
    "ask": ASK_APP,
}


def version(doc):
    if doc == "raise":
        msg = "the database is away"
        raise RuntimeError(msg)
    return TOLD[doc]


class Site:
    """An application that counts how often each view ran."""

    def __init__(self, *, wrapped, **options):
        self.ran = []
        app = Flask(__name__)
        app.testing = True
        methods = ["GET", "PUT", "DELETE", "OPTIONS", "PROPFIND"]

        def authenticated(view):
            def call(**kwargs):
                if "Authorization" not in request.headers:
                    abort(401)
                return view(**kwargs)

            return call

        def view(doc):
            self.ran.append(request.method)
            self.judged = request.environ.get("notmodified.validator", "nobody")
            return Response(f"hello {doc}", headers={"X-Own": "kept"})

        async def view_async(doc):
            return view(doc)

        class Docs(MethodView):
            decorators = (conditional(version),)

            def get(self, doc):
                return view(doc)

            def put(self, doc):
                return view(doc)

        app.add_url_rule("/f/<doc>", "f", authenticated(conditional(version)(view)), methods=methods)
        app.add_url_rule("/r/<doc>", "r", conditional(version, require=True)(view), methods=methods)
        app.add_url_rule("/a/<doc>", "a", conditional(version)(view_async), methods=methods)
        app.add_url_rule("/w/<doc>", "w", conditional(version, accept_weakened=True)(view), methods=methods)
        app.add_url_rule("/s/<doc>", "s", conditional(version, accept_weakened=False)(view), methods=methods)
        app.add_url_rule("/c/<doc>", view_func=Docs.as_view("c"))
        self.core = NotModified(app.wsgi_app, **options) if wrapped else None
        app.wsgi_app = self.core or app.wsgi_app
        self.client = app.test_client()

    def ask(self, method, path, **fields):
        self.ran.clear()
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        return self.client.open(path, method=method, headers={"Authorization": "Basic x", **headers})


@pytest.fixture(params=[True, False], ids=["wrapped", "alone"])
def site(request):
    return Site(wrapped=request.param)


@pytest.mark.parametrize("kind", ["f", "a", "c"])
def test_a_write_is_judged_before_the_view(site, kind):
    failed = site.ask("PUT", f"/{kind}/one", If_Match='"v0"')
    assert (failed.status_code, failed.headers["ETag"], site.ran) == (412, '"v1"', [])
    assert failed.content_type == "application/problem+json"
    passed = site.ask("PUT", f"/{kind}/one", If_Match='"v1"')
    assert (passed.status_code, site.ran) == (200, ["PUT"])
    assert site.judged == Representation('"v1"')
    if site.core:
        stats = site.core.stats()
        assert (stats["failed"], stats["passed"]) == (1, 1)


def test_who_is_not_authenticated_gets_a_401_and_no_tag(site):
    answer = site.client.put("/f/one", headers={"If-Match": '"v0"'})
    assert answer.status_code == 401
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("kind", ["f", "a", "c"])
def test_a_read_gets_its_304_with_the_fields_of_the_view(site, kind):
    whole = site.ask("GET", f"/{kind}/one")
    assert (whole.status_code, whole.headers["ETag"]) == (200, '"v1"')
    again = site.ask("GET", f"/{kind}/one", If_None_Match='"v1"')
    assert (again.status_code, again.data, again.headers["X-Own"]) == (304, b"", "kept")
    assert site.ran == ["GET"]


def test_with_the_fields_known_the_view_does_not_run(site):
    again = site.ask("GET", "/f/known", If_None_Match='"v1"')
    assert (again.status_code, site.ran) == (304, [])
    assert {name: again.headers[name] for name in HEADERS} == HEADERS
    whole = site.ask("GET", "/f/known")
    assert {name: whole.headers[name] for name in HEADERS} == HEADERS
    if site.core:
        assert site.core.stats()["not_modified"] == 1


def test_a_precondition_may_be_required(site):
    assert site.ask("PUT", "/r/one").status_code == 428
    assert site.ran == []
    assert site.ask("PUT", "/r/one", If_Match='"v1"').status_code == 200
    assert site.ask("GET", "/r/one").status_code == 200


def test_no_resource_can_be_created_but_not_changed(site):
    assert site.ask("PUT", "/f/none", If_Match="*").status_code == 412
    assert site.ask("PUT", "/f/none", If_None_Match="*").status_code == 200
    assert site.judged is None


def test_where_the_function_says_so_the_view_judges(site):
    assert site.ask("PUT", "/f/ask", If_Match='"v0"').status_code == 200
    assert site.judged == "nobody"


def test_a_function_that_raises_closes_writes_and_opens_reads(site, caplog):
    assert site.ask("PUT", "/f/raise", If_Match='"v1"').status_code == 503
    assert site.ran == []
    assert "the database is away" in caplog.text
    assert site.ask("GET", "/f/raise", If_None_Match='"v1"').status_code == 200


def test_a_weakened_tag_is_accepted_where_that_is_asked_for(site):
    assert site.ask("PUT", "/f/one", If_Match='W/"v1"').status_code == 412
    assert site.ask("PUT", "/w/one", If_Match='W/"v1"').status_code == 200


def test_options_has_no_preconditions(site):
    assert site.ask("OPTIONS", "/c/one", If_Match='"v0"').status_code == 200


def test_a_false_precondition_of_a_read_is_412(site):
    assert site.ask("GET", "/f/one", If_Match='"v0"').status_code == 412


def test_what_is_no_function_is_refused_at_once():
    with pytest.raises(TypeError, match="a function that tells the validator, not str"):
        conditional("version")


def test_a_safe_method_needs_no_precondition(site):
    assert site.ask("PROPFIND", "/r/one").status_code == 200


def test_it_follows_the_configuration_of_the_middleware_around_it():
    for options, status in (({}, 412), ({"accept_weakened": True}, 200)):
        site = Site(wrapped=True, **options)
        assert site.ask("PUT", "/f/one", If_Match='W/"v1"').status_code == status
        assert site.ask("PUT", "/w/one", If_Match='W/"v1"').status_code == 200
        assert site.ask("PUT", "/s/one", If_Match='W/"v1"').status_code == 412
    assert site.ask("GET", "/f/one", If_None_Match='"v1-gzip"').status_code == 304
    exact = Site(wrapped=True, tag_suffixes=False)
    assert exact.ask("GET", "/f/one", If_None_Match='"v1-gzip"').status_code == 200


def test_a_function_that_fails_is_counted():
    site = Site(wrapped=True)
    assert site.ask("GET", "/f/raise").status_code == 200
    assert site.ask("PUT", "/f/raise", If_Match='"v1"').status_code == 503
    stats = site.core.stats()
    assert {name: stats[name] for name in ("requests", "errors", "unavailable")} == {
        "requests": 2,
        "errors": 1,
        "unavailable": 1,
    }
