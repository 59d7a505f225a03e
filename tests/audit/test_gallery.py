"""Real defective stacks, started for real: each defect is found, at the hop that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apps.gallery import APPLICATIONS
from kit.answer import new_id
from notmodified.check import judge
from notmodified.check.live import Options, record_urls

if TYPE_CHECKING:
    from notmodified.check.document import Page

ORIGIN, PUBLIC = "origin", "public address"
# What is told of an application behind Gunicorn, infos too.
BEHIND_GUNICORN = {
    "healthy": set(),
    "healthy-gzip": set(),
    "healthy-form": set(),
    "no-validator": {"no-validator"},
    "unquoted": {"ill-formed-tag"},
    "nobody-judges": {"validator-ignored", "if-match-ignored"},
    "werkzeug": {"error-confirmed", "if-match-ignored", "if-match-wrong", "no-date-read"},
    "werkzeug-empty-tag": {"validator-ignored", "if-match-ignored", "no-date-read"},
    "werkzeug-302": {"error-confirmed"},
    "werkzeug-500": {"error-confirmed"},
    "flask-file": {
        "if-range-ignored",
        "range-wrong",
        "if-match-ignored",
        "if-match-wrong",
        "range-not-ignored",
        "content-fields-in-304",
        "no-date-read",
    },
    "webob": {
        "if-range-ignored",
        "list-misread",
        "star-ignored",
        "if-match-ignored",
        "range-not-ignored",
        "no-date-read",
    },
    "django": {"head-differs", "if-match-wrong"},
    "django-form": {"unstable-tag"},
    "django-gzip": {"unstable-tag", "head-differs", "if-match-wrong"},
    "django-comma": {"validator-ignored"},
    "django-fields": {"head-differs", "if-match-wrong", "more-missing-in-304"},
    "django-condition": {"fields-missing-in-304", "if-match-wrong", "options-judged"},
    "falcon-file": {
        "wrong-304",
        "date-refused",
        "if-match-ignored",
        "if-range-ignored",
        "range-not-ignored",
        "nothing-said",
    },
    "weak-if-match": {"if-match-wrong", "options-judged"},
    "same-date-only": {"if-match-ignored", "later-date-ignored", "old-dates-ignored"},
    "hash-of-head": {"weak-form-ignored", "head-differs", "list-misread", "star-ignored", "if-match-ignored"},
    "suffix": {"tag-suffixed", "weak-form-ignored", "list-misread", "star-ignored", "if-match-ignored"},
    "every-range": {"validator-ignored", "if-range-refused", "if-match-ignored", "range-not-ignored"},
    "language-in-304": {
        "weak-form-ignored",
        "list-misread",
        "star-ignored",
        "if-match-ignored",
        "content-fields-in-304",
    },
    "fails-late": {"error-kept"},
    "missing-for-long": {"error-kept"},
    "random-tag": {"unstable-tag"},
    "nonce": {"unstable-tag"},
    "one-tag": {"one-tag-for-codings"},
    "whitenoise": {
        "one-tag-for-codings",
        "weak-form-ignored",
        "if-range-ignored",
        "range-wrong",
        "list-misread",
        "star-ignored",
        "if-match-ignored",
        "range-not-ignored",
        "no-date-read",
    },
    "language": {"vary-missing"},
    "length-in-304": {
        "length-in-304",
        "weak-form-ignored",
        "list-misread",
        "star-ignored",
        "if-match-ignored",
        "content-fields-in-304",
    },
    "body-in-304": {
        "weak-form-ignored",
        "list-misread",
        "star-ignored",
        "if-match-ignored",
        "content-fields-in-304",
    },
    "unjudged-head": {"head-differs"},
    "empty-file": {"not-http", "validator-ignored", "if-match-ignored"},
    "contradicts": {"freshness-contradicts"},
    "private": set(),
    "shared-cookie": {"cookie-in-304"},
}
# What is told of an application behind a proxy: the finding, infos too, and the hop.
BEHIND_PROXIES = {
    ("nginx", "healthy"): set(),
    ("nginx", "unquoted"): {("ill-formed-tag", ORIGIN)},
    ("nginx-gzip", "unquoted"): {("ill-formed-tag", ORIGIN), ("tag-stripped", PUBLIC)},
    ("nginx", "django"): {("head-differs", ORIGIN), ("if-match-wrong", ORIGIN)},
    ("nginx-gzip", "healthy"): {("fields-missing-in-304", PUBLIC), ("tag-weakened", PUBLIC)},
    ("nginx-gzip", "whitenoise"): {
        *((kind, ORIGIN) for kind in BEHIND_GUNICORN["whitenoise"]),
    },
    ("nginx-sub_filter", "healthy"): {("tag-stripped", PUBLIC)},
    ("nginx-cache", "healthy"): {("validator-lost", PUBLIC)},
    ("nginx-cache", "same-date-only"): {
        *((kind, ORIGIN) for kind in BEHIND_GUNICORN["same-date-only"]),
        ("validator-lost", PUBLIC),
    },
    ("nginx-cache-forward", "healthy"): {("if-match-ignored", PUBLIC)},
    ("apache", "healthy"): set(),
    ("apache-deflate", "healthy"): {("head-differs", PUBLIC), ("fields-missing-in-304", PUBLIC)},
    ("apache-deflate", "werkzeug"): {
        *((kind, ORIGIN) for kind in BEHIND_GUNICORN["werkzeug"]),
        ("tag-suffixed", PUBLIC),
        ("head-differs", PUBLIC),
        ("fields-missing-in-304", PUBLIC),
    },
    ("apache-deflate-nochange", "healthy"): {
        ("one-tag-for-codings", PUBLIC),
        ("fields-missing-in-304", PUBLIC),
    },
    ("apache-brotli", "healthy"): {("content-fields-in-304", PUBLIC)},
    ("varnish", "healthy"): {
        ("list-misread", PUBLIC),
        ("star-ignored", PUBLIC),
        ("if-match-ignored", PUBLIC),
        ("range-not-ignored", PUBLIC),
        ("content-fields-in-304", PUBLIC),
    },
}
# Debian's nginx refuses them, older and newer ones need not.
OF_A_VERSION = {"lines-refused"}


def checked(url: str, origin: str | None = None) -> Page:
    (page,) = judge(record_urls([url], Options(origin=origin)))["pages"]
    return page


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_behind_gunicorn(origin, name: str) -> None:
    page = checked(f"{origin.url}/gallery/{name}/page")
    assert {finding["id"] for finding in page["findings"]} == BEHIND_GUNICORN[name]
    assert (page["verdict"] == "It revalidates: who has it gets a 304 in place of 2138 bytes.") == (
        name in {"healthy", "healthy-gzip", "private"}
    )


@pytest.mark.parametrize(("role", "name"), BEHIND_PROXIES)
def test_an_application_behind_a_proxy(proxies, role: str, name: str) -> None:
    proxy = proxies(role)
    # A query of its own, so that no cache has it from before.
    page = checked(f"{proxy.url}/gallery/{name}/page?{new_id()}", proxy.origin.url)
    found = {(finding["id"], finding["hop"]) for finding in page["findings"]}
    assert {one for one in found if one[0] not in OF_A_VERSION} == BEHIND_PROXIES[role, name]


def test_nothing_is_told_of_the_sample_site(origin) -> None:
    document = judge(record_urls([f"{origin.url}/"], Options(crawl=20)))
    assert len(document["pages"]) > 5
    assert [finding for page in document["pages"] for finding in page["findings"]] == []


def test_the_bytes_that_differ_are_shown_with_what_ends_it(origin) -> None:
    page = checked(f"{origin.url}/gallery/django-form/page")
    assert page["verdict"] == (
        "This page can never be revalidated: its ETag changes with each response, because of these 64 bytes: "
        "the CSRF token of Django at line 63."
    )
    (finding,) = (finding for finding in page["findings"] if finding["id"] == "unstable-tag")
    # The tag is Django's own, and stays so unless another one is asked for.
    assert finding["lines"][0] == {
        "place": "notmodified.toml",
        "text": '[[policy]]\npath = "/**"\netag = { from = "content", ignore = ["django-csrf"] }',
    }
    (difference,) = finding["differences"]
    assert len(difference["first"]) == len(difference["second"]) == 64
    assert difference["first"] != difference["second"]
    assert difference["before"] == '<input name="csrfmiddlewaretoken" value="'
    # Two requests show it: their heads are there.
    assert [one["response"].splitlines()[0] for one in finding["evidence"]] == ["200 OK", "200 OK"]
