"""A policy with a nonce and a 304, whoever made the tag."""

from __future__ import annotations

from wsgiref.validate import validator

import pytest

from kit.in_process import Server, environ_of
from notmodified import NotModified

NONCE = "MTIzNDU2Nzg5MDEyMzQ1Ng=="
POLICY = f"script-src 'nonce-{NONCE}'"
OWN = '"own"'


def answer(status, *fields, if_none_match=OWN, ignore=("csp-nonce",), body=b"a page"):
    def application(environ, start_response):
        kind = [] if status.startswith("304") else [("Content-Type", "text/html")]
        start_response(status, [*kind, *fields])
        return [b"" if status.startswith("304") else body]

    environ = environ_of("GET", "/", [("If-None-Match", if_none_match)])
    server = Server(environ)
    server.run(validator(NotModified(application, etag={"ignore": list(ignore)})))
    return server.answer("")


@pytest.mark.parametrize("name", ["Content-Security-Policy", "content-security-policy-report-only"])
@pytest.mark.parametrize("status", ["200 OK", "304 Not Modified"])
def test_a_304_by_a_tag_of_the_applications_own_leaves_it_out_too(name, status):
    told = answer(status, ("ETag", OWN), (name, POLICY), ("X-Kept", "yes"))
    assert told.status == 304
    assert name not in told
    assert told["X-Kept"] == "yes"


def test_a_policy_without_a_nonce_is_on_the_304():
    told = answer("200 OK", ("ETag", OWN), ("Content-Security-Policy", "default-src 'self'"))
    assert (told.status, told["Content-Security-Policy"]) == (304, "default-src 'self'")


def test_without_the_preset_a_304_has_the_policy_that_the_application_sent():
    told = answer("200 OK", ("ETag", OWN), ("Content-Security-Policy", POLICY), ignore=())
    assert (told.status, told["Content-Security-Policy"]) == (304, POLICY)


def test_the_whole_response_has_its_policy():
    told = answer("200 OK", ("ETag", OWN), ("Content-Security-Policy", POLICY), if_none_match='"other"')
    assert (told.status, told["Content-Security-Policy"]) == (200, POLICY)


def test_a_weak_tag_of_a_masked_page_satisfies_no_if_match():
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Security-Policy", POLICY)])
        return [f'<script nonce="{NONCE}">'.encode()]

    application = NotModified(application, etag={"ignore": ["csp-nonce"]})
    first = Server(environ_of("GET", "/"))
    first.run(validator(application))
    tag = first.answer("")["ETag"]
    assert tag.startswith("W/")
    for field, status in (("If-None-Match", 304), ("If-Match", 412)):
        again = Server(environ_of("GET", "/", [(field, tag)]))
        again.run(validator(application))
        assert again.answer("").status == status
