"""`notmodified.flask.cache_policy`, over views of every kind."""

from __future__ import annotations

import pytest
from flask import Flask, abort
from flask.views import MethodView

from notmodified import ConfigError
from notmodified.flask import NotModified, cache_policy

decorated = cache_policy("private", cache_groups=["drafts"])


@pytest.fixture
def client():
    app = Flask(__name__)
    app.testing = True
    app.config["NOTMODIFIED"] = {"policy": [{"cache_control": "max-age=5", "status": ["2xx", 404]}]}
    NotModified(app)

    @app.get("/function")
    @decorated
    def function():
        return "a page", {"Cache-Control": "max-age=9"}

    @app.get("/plain")
    def plain():
        return "a page"

    @app.get("/missing")
    @decorated
    def missing():
        abort(404)

    class Pages(MethodView):
        decorators = (decorated,)

        def get(self):
            return "a page"

    app.add_url_rule("/class", view_func=Pages.as_view("pages"))
    return app.test_client()


@pytest.mark.parametrize("target", ["/function", "/class"])
def test_a_view_has_a_policy_of_its_own_before_those_that_are_configured(client, target):
    whole = client.get(target)
    again = client.get(target, headers={"If-None-Match": whole.headers["ETag"]})
    assert (whole.status_code, again.status_code) == (200, 304)
    for answer in (whole, again):
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Cache-Groups"] == '"drafts"'


def test_other_views_and_responses_that_it_is_not_for_get_what_is_configured(client):
    for target in ("/plain", "/missing"):
        answer = client.get(target)
        assert answer.headers["Cache-Control"] == "max-age=5"
        assert "Cache-Groups" not in answer.headers


def test_what_is_wrong_is_told_where_the_view_is_decorated():
    with pytest.raises(ConfigError, match="a policy can't set Set-Cookie"):
        cache_policy(fields={"Set-Cookie": "a=b"})
