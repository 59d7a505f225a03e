"""Django's pages with forms: the 304 that they never got, and what must not be confirmed."""

from __future__ import annotations

import pytest

SECRETS = ["plain", "sessions"]  # where Django keeps the CSRF secret: in a cookie of its own, in the session


@pytest.mark.parametrize("variant", SECRETS)
def test_a_page_with_forms_is_confirmed_though_each_token_is_masked_anew(visitor, variant):
    client = visitor("django", variant)
    first = client.visit("/article")
    assert first.fields["etag"].startswith("W/")
    other = visitor("django", variant)
    other.cookies = client.cookies
    assert other.visit("/article").body != first.body, "no token is masked anew: there is nothing to show"
    for _ in range(5):  # two workers
        again = client.visit("/article")
        assert again.status == 304
        assert again.body == first.body


@pytest.mark.parametrize("variant", SECRETS)
def test_after_a_304_the_old_form_still_submits(visitor, variant):
    client = visitor("django", variant)
    token = client.visit("/article").hidden()["csrfmiddlewaretoken"]
    page = client.visit("/article")
    assert page.status == 304
    assert page.hidden()["csrfmiddlewaretoken"] == token
    answer = client.submit("/comment", text="it", csrfmiddlewaretoken=token)
    assert (answer.status, answer.data) == (200, b"thank you for it")


@pytest.mark.parametrize("variant", SECRETS)
def test_after_a_login_that_rotates_the_token_there_is_no_304(visitor, variant):
    client = visitor("django", variant)
    stale = client.visit("/article").hidden()["csrfmiddlewaretoken"]
    assert client.visit("/login").status == 200
    assert client.submit("/comment", text="it", csrfmiddlewaretoken=stale).status == 403
    page = client.visit("/article")
    assert page.status == 200
    fresh = page.hidden()["csrfmiddlewaretoken"]
    assert client.submit("/comment", text="it", csrfmiddlewaretoken=fresh).status == 200
    assert client.visit("/article").status == 304


def test_the_first_response_which_sets_the_cookie_has_the_tag_of_the_next(visitor):
    client = visitor("django")
    first = client.visit("/article")
    assert "csrftoken=" in first.fields["set-cookie"]
    assert client.visit("/article").status == 304


def test_a_304_keeps_the_cookie_and_vary(visitor):
    client = visitor("django")
    first = client.visit("/article")
    assert "Cookie" in first.fields["vary"]
    answer = client.visit("/article")
    assert answer.status == 304
    assert answer.fields["vary"] == first.fields["vary"]
    assert "csrftoken=" in answer.fields["set-cookie"]


def test_two_visitors_have_two_tags(visitor):
    tags = {visitor("django").visit("/article").fields["etag"] for _ in range(3)}
    assert len(tags) == 3


def test_a_token_in_json_is_masked_too(visitor):
    client = visitor("django")
    first = client.visit("/token")
    assert client.visit("/token").status == 304
    token = first.text.split('"')[3]
    assert client.submit("/comment", text="it", csrfmiddlewaretoken=token).status == 200


def test_without_the_preset_such_a_page_is_never_confirmed(visitor):
    client = visitor("django", "not-configured")
    tags = {client.visit("/article").fields["etag"] for _ in range(3)}
    assert len(tags) == 3
    assert client.visit("/article").status == 200


class TestNonces:
    def test_a_304_leaves_the_policy_to_the_stored_page(self, visitor):
        client = visitor("django")
        first = client.visit("/scripts")
        nonce = first.text.partition('nonce="')[2].partition('"')[0]
        assert nonce
        assert f"'nonce-{nonce}'" in first.fields["content-security-policy"]
        for _ in range(5):
            again = client.visit("/scripts")
            assert again.status == 304
            # The stored page with its fields as renewed by the 304: its scripts still run.
            assert f"'nonce-{nonce}'" in again.fields["content-security-policy"]

    def test_a_new_policy_reaches_the_client(self, visitor):
        client = visitor("django")
        client.visit("/scripts")
        client.stored["/scripts?more=https://other.example"] = client.stored["/scripts"]
        page = client.visit("/scripts?more=https://other.example")
        assert page.status == 200
        assert "https://other.example" in page.fields["content-security-policy"]
