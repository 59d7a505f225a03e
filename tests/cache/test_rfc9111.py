"""RFC 9111 as tables: what may be stored, for how long, for whom, and what ends it, each with its section."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from flask import Flask

from cache.site import Site
from kit.in_process import Server, environ_of
from notmodified import EntityTag, NotModified, invalidate

NO_CACHE = ("Cache-Control", "no-cache")
PUBLIC = ("Cache-Control", "public, max-age=60")
OURS = ("Notmodified-Cache-Control", "max-age=60")
COOKIE = ("Cookie", "sessionid=1")
AUTHORIZATION = ("Authorization", "Basic eDp5")


def cc(value):
    return ("Cache-Control", value)


# section, what it says, fields of the response, fields of the requests, is it answered from memory?
STORED = [
    ("3", "max-age is enough", [cc("max-age=60")], [], True),
    ("3", "s-maxage too", [cc("s-maxage=60")], [], True),
    ("3", "Expires too", [("Expires", "Fri, 01 Jan 2100 00:00:00 GMT")], [], True),
    ("4.2.2", "no heuristic freshness", [("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")], [], False),
    ("4.2.2", "nor for what is public", [cc("public")], [], False),
    ("4.2.1", "s-maxage is before max-age", [cc("max-age=60, s-maxage=0")], [], False),
    (
        "4.2.1",
        "max-age is before Expires",
        [cc("max-age=0"), ("Expires", "Fri, 01 Jan 2100 00:00:00 GMT")],
        [],
        False,
    ),
    ("4.2.1", "twice is stale", [cc("max-age=60"), cc("max-age=60")], [], False),
    ("4.2.1", "no number is stale", [cc("max-age=1m")], [], False),
    ("4.2.3", "Age from upstream counts", [cc("max-age=60"), ("Age", "60")], [], False),
    ("4.2.3", "Age below the lifetime", [cc("max-age=60"), ("Age", "30")], [], True),
    ("5.2.2.4", "no-cache", [cc("no-cache, max-age=60")], [], False),
    ("5.2.2.4", "no-cache for some fields", [cc('max-age=60, no-cache="x-a"'), ("X-A", "1")], [], True),
    ("5.2.2.5", "no-store", [cc("no-store, max-age=60"), ("ETag", '"v1"')], [], False),
    ("5.2.2.7", "private", [cc("private, max-age=60")], [], False),
    ("5.2.2.7", "private for some fields", [cc('max-age=60, private="x-a"'), ("X-A", "1")], [], True),
    (
        "5.2.2.3",
        "must-understand lifts no-store",
        [cc("must-understand, no-store, max-age=60"), ("ETag", '"v1"')],
        [],
        True,
    ),
    ("5.3", "Expires: 0", [("Expires", "0")], [], False),
    ("7.3", "Set-Cookie", [PUBLIC, ("Set-Cookie", "a=b")], [], False),
    ("4.1", "Vary: *", [PUBLIC, ("Vary", "*")], [], False),
    ("4.1", "Vary", [PUBLIC, ("Vary", "Accept-Language")], [("Accept-Language", "de")], True),
    ("3.5", "Authorization", [cc("max-age=60")], [AUTHORIZATION], False),
    ("3.5", "Authorization and Vary", [cc("max-age=60"), ("Vary", "Authorization")], [AUTHORIZATION], False),
    ("3.5", "Authorization and public", [PUBLIC], [AUTHORIZATION], True),
    ("3.5", "Authorization and s-maxage", [cc("s-maxage=60")], [AUTHORIZATION], True),
    ("3.5", "Authorization and must-revalidate", [cc("max-age=60, must-revalidate")], [AUTHORIZATION], True),
    ("3.5", "Authorization and the targeted field", [OURS], [AUTHORIZATION], False),
    ("docs", "Cookie", [cc("max-age=60")], [COOKIE], False),
    ("docs", "Cookie and public", [PUBLIC], [COOKIE], True),
    ("docs", "Cookie and s-maxage", [cc("s-maxage=60")], [COOKIE], True),
    ("docs", "Cookie and the targeted field", [OURS], [COOKIE], True),
    ("docs", "Cookie and Vary: Cookie", [cc("max-age=60"), ("Vary", "Cookie")], [COOKIE], True),
    ("RFC 9213 2.2", "the targeted field replaces no-cache", [NO_CACHE, OURS], [], True),
    ("RFC 9213 2.2", "and what allows more", [PUBLIC, ("Notmodified-Cache-Control", "no-store")], [], False),
    ("RFC 9213 2.1", "an empty one is none", [PUBLIC, ("Notmodified-Cache-Control", "")], [], True),
    (
        "RFC 9213 2.1",
        "a malformed one is none",
        [NO_CACHE, ("Notmodified-Cache-Control", "max-age=60;;")],
        [],
        False,
    ),
    (
        "RFC 9213 2.1",
        "a lifetime that is no number is 0",
        [("Notmodified-Cache-Control", 'max-age="60"')],
        [],
        False,
    ),
]


@pytest.mark.parametrize(
    ("fields", "request_fields", "remembered"),
    [pytest.param(*case[2:], id=f"{case[0]}: {case[1]}") for case in STORED],
)
def test_what_is_stored(fields, request_fields, remembered):
    assert Site(*fields).remembers(*request_fields) is remembered


@pytest.mark.parametrize(
    "status", ["203 Non-Authoritative Information", "206 Partial Content", "404 Not Found"]
)
def test_only_a_200_is_stored(status):
    site = Site(PUBLIC, ("ETag", '"v1"'))
    site.says.status = status
    assert site.ask().status == int(status[:3])
    assert site.again(tag='"v1"').reason != "remembered"


class TestAPageThatIsNotStored:
    def test_it_is_not_looked_up(self):
        site = Site(cc("private"), ("ETag", '"v1"'))
        for _ in range(3):
            assert site.again(tag='"v1"').status == 304
        stats = site.application.stats()
        assert (stats["cache_missed_nothing"], stats["cache_refused_private"]) == (1, 3)

    def test_once_it_may_be_the_request_after_the_next_stores_it(self):
        site = Site(cc("private"))
        site.ask()
        site.says.fields = [PUBLIC]
        site.ask()
        assert site.application.stats()["cache_stored"] == 0
        assert site.remembers()

    def test_what_one_client_is_told_of_it_keeps_it_from_no_other(self):
        site = Site(PUBLIC)
        tag = site.ask()["ETag"]
        site.says.fields = [cc("private")]
        site.ask(("Cookie", "a=b"))
        assert site.again(tag=tag).reason == "remembered"


# section, what it says, method, fields of the request, is it answered from memory?
ASKED = [
    ("4.3.2", "If-None-Match", "GET", [("If-None-Match", "{tag}")], True),
    ("4.3.2", "with others", "GET", [("If-None-Match", '"a", {tag}')], True),
    ("4.3.2", "weakly", "GET", [("If-None-Match", "W/{tag}")], True),
    ("4.3.2", "another tag", "GET", [("If-None-Match", '"a"')], False),
    ("4.3.2", "a star", "GET", [("If-None-Match", "*")], False),
    ("4.3.2", "without preconditions", "GET", [], False),
    ("4.3.2", "If-Modified-Since", "GET", [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")], True),
    ("4.3.2", "an earlier one", "GET", [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT")], False),
    (
        "4.3.2",
        "If-Modified-Since with a cookie",
        "GET",
        [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), COOKIE],
        False,
    ),
    ("4.3.2", "If-Match too", "GET", [("If-None-Match", "{tag}"), ("If-Match", "{tag}")], False),
    (
        "4.3.2",
        "If-Unmodified-Since too",
        "GET",
        [("If-None-Match", "{tag}"), ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")],
        False,
    ),
    ("4.3.2", "Range too", "GET", [("If-None-Match", "{tag}"), ("Range", "bytes=0-1")], False),
    ("4.3.5", "HEAD", "HEAD", [("If-None-Match", "{tag}")], True),
    ("4", "another method", "OPTIONS", [("If-None-Match", "{tag}")], False),
    ("5.2.1", "no-cache of a request is advisory", "GET", [("If-None-Match", "{tag}"), cc("no-cache")], True),
    ("5.2.1", "a reload is, too", "GET", [("If-None-Match", "{tag}"), cc("max-age=0")], True),
]


@pytest.mark.parametrize(
    ("method", "fields", "remembered"),
    [pytest.param(*case[2:], id=f"{case[0]}: {case[1]}") for case in ASKED],
)
def test_what_is_answered(method, fields, remembered):
    site = Site(PUBLIC, ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"))
    tag = site.ask()["ETag"]
    asked = [(name, value.replace("{tag}", tag)) for name, value in fields]
    answer = site.ask(*asked, method=method)
    assert (answer.reason == "remembered") is remembered
    assert (site.says.calls == 1) is remembered
    if remembered:
        assert answer.status == 304


@pytest.mark.parametrize(
    ("said", "remembered"),
    [
        ("no-cache", False),
        ("max-age=0", False),
        ("max-age=30", True),
        ("min-fresh=61", False),
        ("min-fresh=1", True),
    ],
)
def test_directives_of_requests_are_obeyed_where_that_is_configured(said, remembered):
    site = Site(PUBLIC, obey_request_directives=True)
    site.ask()
    assert (site.again(cc(said)).reason == "remembered") is remembered


def test_a_request_that_says_no_store_is_obeyed_where_that_is_configured():
    assert not Site(PUBLIC, obey_request_directives=True).remembers(cc("no-store"))
    assert Site(PUBLIC).remembers(cc("no-store"))


def test_pragma_counts_where_there_is_no_cache_control():
    site = Site(PUBLIC, obey_request_directives=True)
    site.ask()
    assert site.again(("Pragma", "no-cache")).reason != "remembered"
    assert site.again(("Pragma", "no-cache"), cc("max-age=9")).reason == "remembered"


class TestVariants:
    """RFC 9111 §4.1."""

    VARY = ("Vary", "Accept-Language")

    def test_each_variant_has_its_own_entry(self):
        site = Site(PUBLIC, self.VARY)
        tags = {}
        for language in ("de", "fr"):
            site.says.body = language.encode()
            tags[language] = site.ask(("Accept-Language", language))["ETag"]
        for language, tag in tags.items():
            assert site.again(("Accept-Language", language), tag=tag).reason == "remembered"
        assert site.again(("Accept-Language", "fr"), tag=tags["de"]).reason == "modified"
        assert site.again(tag=tags["de"]).reason != "remembered"

    def test_absent_and_empty_are_two_values(self):
        site = Site(PUBLIC, self.VARY)
        site.ask()
        assert site.again(("Accept-Language", "")).reason != "remembered"

    def test_a_vary_that_comes_later_counts_for_what_comes_without(self):
        """As with Django, whose page varies on Cookie only if somebody is logged in."""
        site = Site(OURS)
        anonymous = site.ask()["ETag"]
        site.says.fields = [OURS, ("Vary", "Cookie")]
        site.says.body = b"hello"
        site.ask(COOKIE)
        site.says.fields = [OURS]
        site.says.body = b"content"
        site.ask()
        assert site.again(tag=anonymous).reason == "remembered"
        assert site.again(COOKIE, tag=anonymous).reason != "remembered"

    def test_vary_cookies_names_the_cookies_that_matter(self):
        site = Site(OURS, ("Vary", "Cookie"), vary_cookies=["sessionid", "theme"])
        tag = site.ask(("Cookie", "_ga=1; sessionid=a"))["ETag"]
        assert site.again(("Cookie", "sessionid=a; _ga=2; other"), tag=tag).reason == "remembered"
        for other in (
            "sessionid=b",
            "_ga=1",
            "sessionid=a; theme=dark",
            "sessionid=a,b",
            "theme=a",
            "x=1,sessionid=b",
        ):
            assert site.again(("Cookie", other), tag=tag).reason != "remembered", other

    def test_without_them_any_other_cookie_is_another_variant(self):
        site = Site(OURS, ("Vary", "Cookie"))
        tag = site.ask(("Cookie", "_ga=1; sessionid=a"))["ETag"]
        assert site.again(("Cookie", "_ga=2; sessionid=a"), tag=tag).reason != "remembered"


class TestFields:
    """RFC 9111 §3.1, §4.3.4, §5.1; RFC 9110 §15.4.5."""

    def test_a_304_from_memory_is_the_one_that_the_application_would_have_given_with_an_age(self):
        fields = [
            PUBLIC,
            ("Content-Type", "text/html"),
            ("Vary", "Accept"),
            ("Link", "</x>; rel=next"),
            ("Content-Location", "/page.html"),
            ("Strict-Transport-Security", "max-age=1"),
            ("Access-Control-Allow-Origin", "*"),
            ("Content-Security-Policy", "default-src 'self'"),
        ]
        run = Site(*fields).again()
        site = Site(*fields)
        site.ask()
        remembered = site.again()
        assert remembered.reason == "remembered"
        assert remembered["Age"] == "0"
        assert remembered.compared(without=["age"]) == run.compared()

    @pytest.mark.parametrize(
        "field",
        [
            ("Set-Cookie", "a=b"),
            ("Notmodified-Cache-Control", "max-age=60"),
            ("Access-Control-Allow-Origin", "https://a.example"),
            ("Content-Security-Policy", "script-src 'nonce-abc'"),
            ("Content-Security-Policy-Report-Only", "script-src 'NONCE-abc'"),
            ("X-Request-Id", "1"),
            ("Server-Timing", "db;dur=53"),
            ("Clear-Site-Data", '"cache"'),
            ("X-Named", "1"),
        ],
    )
    def test_what_is_for_one_client_or_one_exchange_is_not_told_from_memory(self, field):
        site = Site(cc('public, max-age=60, private="x-named"'))
        if field[0] != "Set-Cookie":
            site.says.fields.append(field)
        site.ask()
        answer = site.again()
        assert answer.reason == "remembered"
        assert field[0] not in answer

    def test_an_origin_is_told_where_vary_names_it(self):
        site = Site(PUBLIC, ("Vary", "Origin"), ("Access-Control-Allow-Origin", "https://a.example"))
        origin = ("Origin", "https://a.example")
        site.ask(origin)
        assert site.again(origin)["Access-Control-Allow-Origin"] == "https://a.example"

    def test_the_targeted_field_never_leaves(self):
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            for status in ("200 OK", "404 Not Found", "304 Not Modified", "500 Internal Server Error"):
                site = Site(OURS)
                site.says.status = status
                site.says.body = b"" if status.startswith("304") else b"content"
                assert "Notmodified-Cache-Control" not in site.ask(method=method)

    def test_an_answer_of_the_applications_own_freshens_what_is_stored(self):
        """RFC 9111 §4.3.4, §3.2."""
        site = Site(PUBLIC, ("ETag", '"v1"'), ("Link", "</x>"), ("X-A", "1"), ("Age", "59"))
        site.ask()
        site.says.status, site.says.body = "304 Not Modified", b""
        site.says.fields = [cc("public, max-age=90"), ("ETag", '"v1"'), ("X-A", "2")]
        assert site.ask(("If-None-Match", '"v1", "v0"'), ("If-Match", "*")).status == 304
        answer = site.again(tag='"v1"')
        assert (answer.reason, answer["Age"]) == ("remembered", "0")
        assert (answer["Cache-Control"], answer["X-A"], answer["Link"]) == ("public, max-age=90", "2", "</x>")

    def test_an_answer_of_the_applications_own_stores_nothing_new(self):
        site = Site(PUBLIC, ("ETag", '"v1"'))
        site.says.status, site.says.body = "304 Not Modified", b""
        site.again(tag='"v1"')
        assert site.again(tag='"v1"').reason == "app"

    def test_a_head_is_stored_as_the_get_that_it_was_asked_as(self):
        site = Site(PUBLIC)
        tag = site.ask(method="HEAD")["ETag"]
        assert site.again(tag=tag).reason == "remembered"
        bare = Site(PUBLIC, ("ETag", '"v1"'), head_as_get=False)
        bare.says.body = b""
        bare.ask(method="HEAD")
        assert bare.again(tag='"v1"').reason != "remembered"


class TestTagsThatProxiesMarked:
    """A 304 says the tag by which the client knows its page (RFC 9111 §4.3.4), the store the page's own."""

    @pytest.mark.parametrize("first", ['"v1-gzip"', '"v1"', None])
    def test_each_client_hears_its_own(self, first):
        site = Site(PUBLIC, ("ETag", '"v1"'))
        heard = site.ask(*([("If-None-Match", first)] if first else []))
        assert heard["ETag"] == (first or '"v1"')
        for tag in ('"v1-gzip"', '"v1"', 'W/"v1"', '"v1;gzip"'):
            answer = site.again(tag=tag)
            assert (answer.reason, answer.all("ETag")) == ("remembered", [tag.removeprefix("W/")])

    def test_none_where_they_are_not_recognised(self):
        site = Site(PUBLIC, ("ETag", '"v1"'), tag_suffixes=False)
        site.ask()
        assert site.again(tag='"v1-gzip"').status == 200
        assert site.again(tag='"v1"').reason == "remembered"

    def test_what_the_middleware_made_is_stored_as_it_was_made(self):
        site = Site(PUBLIC)
        own = site.tag
        marked = f'{own[:-1]}-gzip"'
        assert site.again(tag=marked)["ETag"] == marked
        answer = site.again(tag=own)
        assert (answer.reason, answer["ETag"]) == ("remembered", own)


class TestInvalidation:
    """RFC 9111 §4.4, RFC 9875."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "FROBNICATE"])
    @pytest.mark.parametrize("status", ["200 OK", "204 No Content", "303 See Other"])
    def test_an_unsafe_method_that_succeeds_ends_it(self, method, status):
        site = Site(PUBLIC)
        site.ask()
        site.says.status, site.says.body = status, b""
        site.ask(method=method, target="/page?x=1")
        site.says.status, site.says.body = "200 OK", b"content"
        assert site.again().reason == "not-modified"
        assert site.again().reason == "remembered"

    @pytest.mark.parametrize(
        ("method", "status"),
        [
            ("POST", "400 Bad Request"),
            ("PUT", "500 Oh"),
            ("OPTIONS", "200 OK"),
            ("PROPFIND", "207 Multi-Status"),
        ],
    )
    def test_one_that_fails_and_a_safe_one_do_not(self, method, status):
        site = Site(PUBLIC)
        site.ask()
        site.says.status = status
        site.ask(method=method)
        assert site.again().reason == "remembered"

    @pytest.mark.parametrize(
        ("location", "ends"),
        [
            ("/page", True),
            ("page?x#y", True),
            ("./other/../page", True),
            ("http://test.example/page", True),
            ("//TEST.example:80/page", True),
            ("http://other.example/page", False),
            ("/page/1", False),
            ("mailto:page", False),
        ],
    )
    @pytest.mark.parametrize("field", ["Location", "Content-Location"])
    def test_what_location_names_on_this_origin_is_ended_too(self, field, location, ends):
        site = Site(PUBLIC)
        host = ("Host", "test.example")
        tag = site.ask(host)["ETag"]
        site.says.fields.append((field, location))
        site.ask(host, method="POST", target="/new")
        assert (site.again(host, tag=tag).reason != "remembered") is ends

    def test_groups_end_together_within_their_origin(self):
        groups = ", ".join(f'"{number:032}"' for number in range(32))
        site = Site(PUBLIC, ("Cache-Groups", groups))
        here, there = ("Host", "a.example"), ("Host", "b.example")
        for host in (here, there):
            site.ask(host)
        site.says.fields = [("Cache-Group-Invalidation", f'"{31:032}";x=1')]
        site.ask(here, target="/other")
        assert site.again(here, tag=site.tag).reason == "remembered", "a safe method says nothing"
        site.ask(here, method="POST", target="/other")
        assert site.again(here).reason != "remembered"
        assert site.again(there).reason == "remembered"

    def test_groups_that_cannot_be_read_are_not_stored(self):
        for groups in ("articles", ", ".join(['"a"'] * 65)):
            site = Site(PUBLIC, ("Cache-Groups", groups))
            assert not site.remembers()
            assert site.application.stats()["cache_refused_groups"] == 2

    def test_what_began_before_is_not_stored_after(self):
        """The classic race: a page is rendered from the old state while a write goes by."""
        site = Site(PUBLIC)
        tag = site.tag
        site.says.before_answering = lambda: invalidate("/page")
        site.ask()
        site.says.before_answering = lambda: None
        assert site.application.stats()["cache_refused_invalidated"] == 1
        assert site.again(tag=tag).reason == "not-modified"

    def test_for_settle_seconds_nothing_is_stored(self):
        site = Site(PUBLIC, settle=3600)
        assert site.remembers()
        invalidate("/page")
        assert not site.remembers()
        assert site.remembers(target="/elsewhere")


class TestTakenBack:
    """What an application said and then did not keep is not remembered."""

    FIELDS = (("ETag", '"v1"'), PUBLIC)

    def answered_after(self, content, start):
        """Tell what is answered to `"v1"` once the application has said so and this went out."""
        site = Site(*self.FIELDS)
        whole = site.application.application

        def failing(environ, start_response):
            start_response("200 OK", list(self.FIELDS))
            return content(start_response)

        current = [failing]

        def app(environ, start_response):
            return current[0](environ, start_response)

        site.application = NotModified(app, store="process")
        start(site)
        current[0] = whole
        return site.again(tag='"v1"').reason

    def test_a_head_that_another_takes_the_place_of(self):
        def content(start_response):
            try:
                {}["missing"]
            except LookupError:
                start_response("500 Oh", [], sys.exc_info())
            yield b"sorry"

        assert self.answered_after(content, lambda site: site.ask()) == "not-modified"

    def test_one_whose_content_fails_at_once(self):
        def content(start_response):
            raise LookupError
            yield b""

        def start(site):
            with pytest.raises(LookupError):
                site.ask()

        assert self.answered_after(content, start) == "not-modified"

    def test_one_that_is_kept_is_remembered(self):
        assert self.answered_after(lambda _: iter([b"content"]), lambda site: site.ask()) == "remembered"


class TestDates:
    """RFC 9111 §4.2.3: the clock of who made the response, and ours."""

    def at(self, seconds):
        return ("Date", format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True))

    @pytest.mark.parametrize(("ago", "remembered"), [(50, True), (70, False)])
    def test_a_date_in_the_past_is_an_age(self, ago, remembered):
        site = Site(PUBLIC, self.at(-ago))
        assert site.remembers() is remembered
        if remembered:
            assert int(site.again()["Age"]) >= ago

    def test_one_in_the_future_makes_nothing_younger(self):
        site = Site(PUBLIC, self.at(3600))
        assert site.remembers()
        assert site.again()["Age"] == "0"

    def test_expires_counts_from_it(self):
        site = Site(self.at(-3600), ("Expires", self.at(-3500)[1]))
        assert not site.remembers()

    @pytest.mark.parametrize("age", ["60", "999999999999", "60, 0"])
    def test_an_age_from_upstream_counts_whatever_the_date(self, age):
        assert not Site(PUBLIC, self.at(0), ("Age", age)).remembers()


class TestStaleWhileRevalidate:
    """RFC 5861 §3."""

    def test_one_request_renews_and_the_others_are_answered(self):
        site = Site(("Notmodified-Cache-Control", "max-age=0, stale-while-revalidate=60"))
        tag = site.ask()["ETag"]
        asked = []

        def others():
            asked.append(site.again(tag=tag).reason)
            assert asked == ["remembered"]

        site.says.before_answering = lambda: others() if not asked else None
        assert site.again(tag=tag).reason == "not-modified"
        assert asked == ["remembered"]
        assert site.says.calls == 2

    def test_not_where_that_is_forbidden(self):
        site = Site(cc("s-maxage=0, stale-while-revalidate=60"))
        assert not site.remembers()


BASE = {"target": "/page?a=1", "environ": {"HTTP_HOST": "a.example"}}


class TestKeys:
    """Two requests that an application could answer otherwise never share an entry."""

    def hits(self, first, second, **options):
        site = Site(OURS, **options)
        tag = site.ask(**first)["ETag"]
        return site.again(tag=tag, **second).reason == "remembered"

    @pytest.mark.parametrize(
        "other",
        [
            {"target": "/page"},
            {"target": "/page?a=2"},
            {"target": "/page?a=1&"},
            {"target": "/page/?a=1"},
            {"target": "/PAGE?a=1"},
            {"environ": {"HTTP_HOST": "b.example"}},
            {"environ": {"HTTP_HOST": "a.example:8000"}},
            {"environ": {"HTTP_HOST": "A.example"}},
            {"environ": {"HTTP_HOST": ""}},
            {"environ": {"HTTP_HOST": "a.example", "wsgi.url_scheme": "https"}},
            {"environ": {"HTTP_HOST": "a.example", "SCRIPT_NAME": "/page", "PATH_INFO": ""}},
            {"environ": {"HTTP_HOST": "a.example", "SCRIPT_NAME": "/pa", "PATH_INFO": "ge"}},
            {"environ": {"HTTP_HOST": "a.example", "PATH_INFO": "//page"}},
            {"environ": {"HTTP_HOST": "a.example", "PATH_INFO": "/page;x"}},
            {"environ": {"HTTP_HOST": "a.example", "PATH_INFO": "/page?a=1", "QUERY_STRING": ""}},
            {"environ": {"HTTP_HOST": "a.example", "RAW_URI": "http://b.example/page?a=1"}},
            {"environ": {"HTTP_HOST": "a.example", "RAW_URI": "/p%61ge?a=1"}},
            {"environ": {"HTTP_HOST": "a.example", "REQUEST_URI": "/p%61ge?a=1"}},
            {"target": "/page?a=1&b=2"},
            {"target": "/page?a=%31"},
            *(
                {"environ": {"HTTP_HOST": "a.example", name: "b.example"}}
                for name in (
                    "HTTP_X_FORWARDED_HOST",
                    "HTTP_X_FORWARDED_PROTO",
                    "HTTP_X_FORWARDED_PORT",
                    "HTTP_X_FORWARDED_PREFIX",
                    "HTTP_X_FORWARDED_PROTOCOL",
                    "HTTP_X_FORWARDED_SSL",
                    "HTTP_X_SCRIPT_NAME",
                    "HTTP_FORWARDED",
                    "HTTP_X_ORIGINAL_URL",
                    "HTTP_X_REWRITE_URL",
                    "HTTP_X_HTTP_METHOD_OVERRIDE",
                )
            ),
        ],
        ids=str,
    )
    def test_a_collision_is_refused(self, other):
        assert self.hits(BASE, BASE)
        assert not self.hits(BASE, {**BASE, **other})
        assert not self.hits({**BASE, **other}, BASE)

    def test_a_raw_target_that_says_no_more_is_the_same(self):
        plain = {"environ": {"HTTP_HOST": "a.example", "RAW_URI": "/page?a=1"}}
        assert self.hits({**BASE, **plain}, BASE)
        with_mark = {"environ": {"HTTP_HOST": "a.example", "RAW_URI": "/page?"}}
        assert not self.hits({**BASE, "target": "/page"}, {"target": "/page", **with_mark})

    def test_the_order_of_a_query_counts(self):
        first, second = {**BASE, "target": "/page?a=1&b=2"}, {**BASE, "target": "/page?b=2&a=1"}
        assert not self.hits(first, second)

    def test_who_sends_no_host_shares_nothing_with_who_does(self):
        site = Site(OURS)
        tag = site.ask(**BASE)["ETag"]
        environ = environ_of("GET", "/page?a=1", [("If-None-Match", tag)], None)
        environ.pop("HTTP_HOST", None)
        environ["SERVER_PROTOCOL"] = "HTTP/1.0"
        server = Server(environ)
        server.run(site.application)
        assert environ["notmodified.result"] == "not-modified"

    @pytest.mark.parametrize("count", [15, 17, 100])
    def test_a_vary_on_many_fields_is_compared_whole_or_not_stored(self, count):
        names = [f"X-{number}" for number in range(count)]
        site = Site(OURS, ("Vary", ", ".join(names)))
        assert site.remembers() is (count == 15)
        assert site.again((names[-1], "other")).reason != "remembered"

    def test_long_fields_are_told_apart_to_their_last_octet(self):
        site = Site(OURS, ("Vary", "Cookie"))
        long = "a" * 30_000
        tag = site.ask(("Cookie", f"x={long}1"))["ETag"]
        assert site.again(("Cookie", f"x={long}1"), tag=tag).reason == "remembered"
        assert site.again(("Cookie", f"x={long}2"), tag=tag).reason != "remembered"

    def test_a_response_that_is_too_long_for_an_entry_is_not_stored(self):
        site = Site(OURS, ("X-Long", "a" * 9000))
        assert not site.remembers()
        assert site.application.stats()["cache_refused_too_large"] == 2

    @pytest.mark.parametrize("cookies", ["", ";", "sessionid", "sessionid=", 'sessionid="1"', "=1"])
    def test_odd_cookies_are_values_of_their_own(self, cookies):
        site = Site(OURS, ("Vary", "Cookie"), vary_cookies=["sessionid"])
        tag = site.ask(("Cookie", "sessionid=1"))["ETag"]
        assert site.again(("Cookie", cookies), tag=tag).reason != "remembered"

    @pytest.mark.parametrize("scheme", ["Bearer x", "Digest username=jo", "", "nonsense"])
    def test_any_authorization_is_one(self, scheme):
        assert not Site(OURS).remembers(("Authorization", scheme))
        site = Site(OURS)
        tag = site.ask()["ETag"]
        assert site.again(("Authorization", scheme), tag=tag).reason != "remembered"

    def test_instances_that_are_configured_otherwise_share_no_entry(self, tmp_path):
        """Of one application in one store: a policy of one of them would be told by the other."""
        shared = {"store": "host", "store_path": str(tmp_path / "store"), "release": "test"}
        one = Site(OURS, **shared)
        same = Site(OURS, **shared)
        other = Site(OURS, tag_suffixes=False, **shared)
        tag = one.ask()["ETag"]
        assert same.again(tag=tag).reason == "remembered"
        assert other.again(tag=tag).reason == "not-modified"
        invalidate("/page")
        assert one.again(tag=tag).reason == "not-modified"

    def test_flask_applications_of_two_modules_share_no_entry(self, tmp_path):
        shared = {"store": "host", "store_path": str(tmp_path / "store"), "release": "test"}
        words = []
        for name in ("one", "two", "one"):
            app = Flask(name, root_path=str(tmp_path))
            app.add_url_rule("/page", view_func=lambda: ("content", [OURS]), endpoint="page")
            environ = environ_of("GET", "/page", [("If-None-Match", str(EntityTag.of(b"content")))], None)
            server = Server(environ)
            server.run(NotModified(app.wsgi_app, **shared))
            words.append(environ["notmodified.result"])
        assert words == ["not-modified", "not-modified", "remembered"]

    def test_a_get_with_content_is_for_the_application(self):
        with_content = {"environ": {"CONTENT_LENGTH": "1"}}
        chunked = {"environ": {"HTTP_TRANSFER_ENCODING": "chunked"}}
        for special in (with_content, chunked):
            assert not self.hits(special, {})
            assert not self.hits({}, special)
        assert self.hits({"environ": {"CONTENT_LENGTH": "0"}}, {"environ": {"CONTENT_LENGTH": ""}})

    def test_what_a_server_knows_of_the_user_counts_as_authorization(self):
        known = {"environ": {"REMOTE_USER": "jo"}}
        assert not self.hits(known, known)
        assert not self.hits({}, known)

    def test_an_application_that_changes_the_environ_changes_no_key(self):
        site = Site(OURS)
        environ = {"HTTP_HOST": "a.example"}
        application = site.application.application

        def shifting(environ, start_response):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = environ["PATH_INFO"], ""
            environ["HTTP_HOST"] = "internal"
            return application(environ, start_response)

        site.application = type(site.application)(shifting, store="process")
        tag = site.ask(environ=environ)["ETag"]
        assert site.again(tag=tag, environ=environ).reason == "remembered"
