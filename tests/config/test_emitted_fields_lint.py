"""What policies send, judged by httplint, whose author edits the RFCs of it."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from httplint import HttpResponseLinter
from httplint.note import levels
from hypothesis import given
from hypothesis import strategies as st

from kit.answer import new_id
from kit.in_process import Server, environ_of
from notmodified import CacheControl, Config, ConfigError, NotModified

PRESETS = ("static-versioned", "static-unversioned", "page", "api", "private", "never")
BODY = b"<p>a page</p>"
EVERY_FIELD = {
    "targeted": {"CDN-Cache-Control": {"max_age": "1h", "stale_while_revalidate": 60}},
    "cache_groups": ["articles", 'say "hi"'],
    "fields": {"Surrogate-Control": "max-age=3600"},
}


def emitted(policy, *fields):
    """Return the fields of a response that has this policy, as a server sends them."""

    def application(environ, start_response):
        length = str(len(BODY))
        start_response(
            "200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", length), *fields]
        )
        return [BODY]

    server = Server(environ_of("GET", "/"))
    server.run(NotModified(application, policy=[policy]))
    return [("Date", formatdate(usegmt=True)), *server.answer(new_id()).fields]


def notes(fields):
    """Return what httplint has against a response."""
    linter = HttpResponseLinter()
    linter.process_response_topline(b"HTTP/1.1", b"200", b"OK")
    linter.process_headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields])
    linter.feed_content(BODY)
    linter.finish_content(complete=True)
    return {type(note).__name__ for note in linter.notes if note.level in (levels.BAD, levels.WARN)}


def test_it_sees_what_is_wrong():
    wrong = [("Cache-Control", "max-age=x"), ("CDN-Cache-Control", "max-age=1;;"), ("Expires", "soon")]
    assert len(notes([("Date", formatdate(usegmt=True)), ("Content-Type", "text/html"), *wrong])) >= 3


@pytest.mark.parametrize("more", [{}, EVERY_FIELD], ids=["alone", "with-every-field"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_clean(preset, more):
    fields = emitted({"preset": preset} | more)
    assert notes(fields) == set()
    sent = {name for name, _ in fields}
    assert "Cache-Control" in sent
    assert not more or sent >= {"CDN-Cache-Control", "Cache-Groups", "Surrogate-Control"}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_on_what_sets_a_cookie_is_clean(preset):
    assert notes(emitted({"preset": preset} | EVERY_FIELD, ("Set-Cookie", "a=b; Path=/; HttpOnly"))) == set()


# Times below a century: in longer ones httplint sees a mistake.
seconds = st.integers(0, 10**9)
names = st.lists(st.sampled_from(["Set-Cookie", "X-User", "X-Cart"]), min_size=1, max_size=2, unique=True)
DIRECTIVES = {
    "public": st.booleans(),
    "private": st.one_of(st.booleans(), names),
    "no_cache": st.one_of(st.booleans(), names),
    "no_store": st.booleans(),
    "no_transform": st.booleans(),
    "must_revalidate": st.booleans(),
    "proxy_revalidate": st.booleans(),
    "must_understand": st.booleans(),
    "immutable": st.booleans(),
    "max_age": st.one_of(seconds, st.sampled_from(["90s", "15m", "1h", "30d", "2w"])),
    "s_maxage": seconds,
    # 0 is the same as none, but httplint does not look at the number.
    "stale_while_revalidate": st.integers(1, 10**9),
    "stale_if_error": st.integers(1, 10**9),
    "extensions": st.fixed_dictionaries(
        {"x-note": st.text(st.characters(min_codepoint=32, max_codepoint=126))}
    ),
}
directives = st.fixed_dictionaries({}, optional=DIRECTIVES)
groups = st.lists(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), min_size=1, max_size=4
)
policies = st.fixed_dictionaries(
    {"versioned": st.just(True), "cache_control": directives},
    optional={
        "targeted": st.fixed_dictionaries({"CDN-Cache-Control": directives}),
        "cache_groups": groups,
        "vary": st.lists(st.sampled_from(["Accept", "Cookie", "Accept-Language"]), min_size=1),
    },
)


def allowed(policy):
    """Return what httplint has against directives that say what they mean."""
    said = policy["cache_control"]
    found = set()
    if said.get("public"):
        # It is for requests with Authorization, of which httplint knows none.
        found.add("STORE_PUBLIC_UNNECESSARY")
    if any(said.get(name) for name in ("no_store", "no_cache", "private", "must_revalidate")):
        # It counts what says the same twice (`no-store, max-age=0`), what speaks of some fields alone
        # (`no-cache="x"`), no-store beside must-understand, where RFC 9111 §5.2.2.3
        # wants it, and must-revalidate, which is about what is stale, beside immutable, which is not.
        found |= {"CC_CONFLICTING", "STORE_PRIVATE_PUBLIC_CONFLICT"}
    lasts = "max_age" in said or "s_maxage" in said
    if not lasts and said.get("no_cache") is not True and not said.get("no_store"):
        found.add("FRESHNESS_HEURISTIC")  # nobody was asked for a lifetime
    return found


@given(policies)
def test_every_policy_that_is_not_refused_is_clean(policy):
    try:
        Config(policy=[policy])
    except ConfigError:
        return
    assert notes(emitted(policy)) - allowed(policy) == set()


@given(directives)
def test_directives_are_written_as_they_are_read(said):
    written = CacheControl(**said)
    assert CacheControl.parse(str(written)) == written
    assert CacheControl.parse(str(written), strict=True) == written
    assert str(CacheControl.parse(str(written))) == str(written)
