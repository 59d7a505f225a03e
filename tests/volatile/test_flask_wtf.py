"""Flask-WTF's forms, whose tokens are signed with a time and expire."""

from __future__ import annotations

import time

LIFETIME = 4


def test_a_page_with_forms_is_confirmed_and_its_old_form_submits(visitor):
    client = visitor("flask")
    first = client.visit("/article")
    assert first.fields["etag"].startswith("W/")
    token = first.hidden()["csrf_token"]
    time.sleep(1.1)  # tokens are signed by the second
    other = visitor("flask")
    other.cookies = client.cookies
    assert other.visit("/article").body != first.body, "no token is signed anew: there is nothing to show"
    page = client.visit("/article")
    if page.status == 200:  # half an hour has just passed
        token = page.hidden()["csrf_token"]
        page = client.visit("/article")
    assert page.status == 304
    answer = client.submit("/comment", text="it", csrf_token=token)
    assert (answer.status, answer.data) == (200, b"thank you for it")


def test_a_form_is_not_confirmed_over_its_time_limit(visitor):
    client = visitor("flask", LIFETIME=str(LIFETIME))
    half = LIFETIME / 2
    client.visit("/article")  # so that the worker is awake
    time.sleep(half - time.time() % half + 0.05)  # to the beginning of one half
    first = client.visit("/article")
    old = first.hidden()["csrf_token"]
    assert client.visit("/article").status == 304
    assert client.submit("/comment", text="it", csrf_token=old).status == 200
    time.sleep(half)
    page = client.visit("/article")
    assert page.status == 200, "what is confirmed must be good for another half of its life"
    new = page.hidden()["csrf_token"]
    time.sleep(half + 1)  # its age is counted in whole seconds, and must be more than the limit
    assert client.submit("/comment", text="it", csrf_token=old).status == 400, "it had expired"
    assert client.submit("/comment", text="it", csrf_token=new).status == 200


def test_another_session_has_another_tag(visitor):
    client = visitor("flask")
    stale = client.visit("/article").hidden()["csrf_token"]
    client.visit("/leave")
    page = client.visit("/article")
    assert page.status == 200
    assert client.submit("/comment", text="it", csrf_token=stale).status == 400
    assert client.submit("/comment", text="it", csrf_token=page.hidden()["csrf_token"]).status == 200
