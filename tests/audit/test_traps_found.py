"""The traps that others fell into, and that a check finds: by which finding, as which real stack shows.

The traps are those of `behaviour/test_traps.py`, which says that we do not fall into them, as far as anything
of them is in a response to a safe method.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit import test_gallery, test_gallery_hops, test_gallery_workers
from behaviour.test_traps import TRAPS, names_in
from notmodified._core import finding_kinds

HERE = Path(__file__).parent
GUNICORN = "test_gallery.py::test_an_application_behind_gunicorn"
PROXY = "test_gallery.py::test_an_application_behind_a_proxy"
NGINX = "test_gallery_hops.py::test_files_by_nginx"
REPLICAS = "test_gallery_hops.py::test_two_servers_behind_a_balancer"
HOP = "test_gallery_hops.py::test_what_a_proxy_does_is_told_of_the_proxy"
WORKER = "test_gallery_workers.py::test_what_a_worker_makes_of_it"
WRITES = "test_gallery_writes.py::test_a_write_that_is_not_guarded_is_told"

# trap → the findings that tell it, each with a test and its case
FOUND = {
    "a list split at every comma breaks the tag “a,b”": [
        ("validator-ignored", GUNICORN, "django-comma"),
        ("list-misread", GUNICORN, "whitenoise"),
    ],
    "lists without a space, with tabs, with empty elements": [("list-misread", GUNICORN, "webob")],
    "repeated field lines, joined with a bare comma": [("list-misread", GUNICORN, "webob")],
    "`*` as falsy or as a tag; the tag “*” as the wildcard; the empty tag is a tag": [
        ("star-ignored", GUNICORN, "webob"),
        ("if-match-wrong", GUNICORN, "werkzeug"),
        ("wrong-304", GUNICORN, "falcon-file"),
        ("validator-ignored", GUNICORN, "werkzeug-empty-tag"),
    ],
    "weak against strong comparison": [
        ("weak-form-ignored", GUNICORN, "whitenoise"),
        ("if-match-wrong", GUNICORN, "weak-if-match"),
        ("if-range-ignored", GUNICORN, "flask-file"),
    ],
    "the order of §13.2.2; If-None-Match bars If-Modified-Since": [
        ("date-beats-tag", NGINX, "app.css"),
        ("range-wrong", GUNICORN, "flask-file"),
    ],
    "a malformed If-Match dropped, so that the write proceeds": [
        ("if-match-wrong", GUNICORN, "django"),
        ("write-unguarded", WRITES, "django"),
    ],
    "a malformed date answered with 400 or 412; RFC 850 and asctime dates; `+0000`": [
        ("date-refused", GUNICORN, "falcon-file"),
        ("if-match-wrong", NGINX, "app.css"),
        ("old-dates-ignored", GUNICORN, "same-date-only"),
        ("no-date-read", GUNICORN, "werkzeug"),
    ],
    "a 404, 302 or 500 turned to 304": [
        ("error-confirmed", GUNICORN, "werkzeug"),
        ("error-confirmed", GUNICORN, "werkzeug-302"),
        ("error-confirmed", GUNICORN, "werkzeug-500"),
    ],
    "If-Modified-Since on other methods; 304 instead of 412 on a write": [
        ("write-304", WRITES, "any-method")
    ],
    "a write's precondition judged after the handler ran": [("refused-and-done", WRITES, "late")],
    "two If-Modified-Since lines are no date": [("no-date-read", GUNICORN, "werkzeug")],
    "If-Unmodified-Since where there is no date": [
        ("if-match-wrong", GUNICORN, "django"),
        ("if-match-wrong", HOP, "private-shared"),
    ],
    "OPTIONS, TRACE and CONNECT are exempt": [
        ("options-judged", GUNICORN, "django-condition"),
        ("options-judged", GUNICORN, "weak-if-match"),
    ],
    "Content-Language does not belong on a 304": [("content-fields-in-304", GUNICORN, "language-in-304")],
    "HEAD with another status or other validators than GET": [("head-differs", GUNICORN, "django")],
    "Vary, Cache-Control, CORS, CSP and CDN fields lost on a 304": [
        ("fields-missing-in-304", GUNICORN, "django-condition"),
        ("fields-missing-in-304", PROXY, "nginx-gzip-healthy"),
        ("fields-missing-in-304", PROXY, "apache-deflate-healthy"),
        ("more-missing-in-304", GUNICORN, "django-fields"),
    ],
    "Content-Type, -Length, -Encoding left in a 304; an app's Content-Length on its own 304": [
        ("content-fields-in-304", GUNICORN, "body-in-304"),
        ("length-in-304", GUNICORN, "length-in-304"),
    ],
    "Set-Cookie on a 304: only what this very run of the application set": [
        ("cookie-in-304", GUNICORN, "shared-cookie"),
    ],
    "random padding, tokens and nonces below the hash": [
        ("unstable-tag", GUNICORN, "django-gzip"),
        ("unstable-tag", GUNICORN, "django-form"),
        ("unstable-tag", GUNICORN, "nonce"),
    ],
    "one strong tag for identity and gzip": [
        ("one-tag-for-codings", GUNICORN, "whitenoise"),
        ("one-tag-for-codings", PROXY, "apache-deflate-nochange-healthy"),
    ],
    "modification time as identity": [
        ("replicas-disagree", REPLICAS, "copied-later"),
        ("replicas-disagree", REPLICAS, "in-another-zone"),
        ("frozen-date", NGINX, "built.css"),
        ("frozen-date", NGINX, "unzipped.css"),
    ],
    "a hash of HEAD's empty body": [("head-differs", GUNICORN, "hash-of-head")],
    "an unquoted tag copied to the client": [
        ("ill-formed-tag", GUNICORN, "unquoted"),
        ("tag-stripped", PROXY, "nginx-gzip-unquoted"),
    ],
    "nginx weakens tags; Apache and others mark them with the coding": [
        ("tag-weakened", PROXY, "nginx-gzip-healthy"),
        ("tag-suffixed", PROXY, "apache-deflate-werkzeug"),
        ("tag-suffixed", GUNICORN, "suffix"),
    ],
    "nginx removes tags, and withholds If-None-Match": [
        ("tag-stripped", PROXY, "nginx-sub_filter-healthy"),
        ("validator-lost", PROXY, "nginx-cache-healthy"),
    ],
    "servers that send a 304's, a 204's or a HEAD's body": [
        ("precondition-breaks", WORKER, "gevent_pywsgi-body-in-304"),
        ("precondition-breaks", WORKER, "tornado-body-in-304"),
        ("not-http", WORKER, "gevent_pywsgi-nobody-judges"),
    ],
    "earlier header fields that survive exc_info": [("error-kept", GUNICORN, "fails-late")],
    "an empty file through file_wrapper corrupts the next request": [
        ("not-http", WORKER, "sync-empty-file"),
        ("not-http", GUNICORN, "empty-file"),
    ],
    "If-Range: weak tags, inexact dates, not looked at": [
        ("if-range-ignored", GUNICORN, "flask-file"),
        ("if-range-ignored", GUNICORN, "webob"),
        ("if-range-ignored", GUNICORN, "whitenoise"),
        ("if-range-ignored", GUNICORN, "falcon-file"),
        ("if-range-refused", GUNICORN, "every-range"),
    ],
    "ranges on HEAD, unknown units, one byte, bytes=-0": [
        ("range-not-ignored", GUNICORN, "flask-file"),
        ("range-wrong", GUNICORN, "whitenoise"),
        ("range-not-ignored", GUNICORN, "webob"),
    ],
    "many, overlapping and descending ranges": [("range-not-ignored", GUNICORN, "every-range")],
    "Flask's send_file says 304 to changed content of equal size and second": [
        ("tag-lies", REPLICAS, "other-content-of-that-size-and-second"),
    ],
    "the same tag on every replica, never the same for other content": [
        ("replicas-disagree", REPLICAS, "copied-later"),
        ("tag-lies", REPLICAS, "other-content-of-that-size-and-second"),
    ],
    "404s of versioned URLs that are kept": [("error-kept", GUNICORN, "missing-for-long")],
}
WITHIN = "nothing of it is in a response"
# trap → why no response to a safe method has it
UNSEEN = {
    "a Last-Modified less than a second old as a strong validator": "it is that for less than a second",
    "fields of tens of kilobytes with thousands of tags": "to send them is an attack",
    "events delayed, memory exhausted, sendfile lost": "what comes late is too-slow, whatever the cause",
    "close() not called, or twice": WITHIN,
    "Flask's ranges come wrapped": WITHIN,
    "accumulating a stream, with b'' meanwhile": WITHIN,
    "PEP 3333: plain dict, exact lists of exact tuples, late start_response, write()": WITHIN,
    "octets past ASCII in field values": "it is no question of caching",
    "the access log: the word before the last octet, all of a repeated field": "`notmodified logs` reads it",
    "mutable state from before the fork": "it is told as servers that differ: replicas-disagree",
}


def test_no_trap_is_forgotten() -> None:
    assert set(TRAPS) <= FOUND.keys() | UNSEEN.keys()
    assert UNSEEN.keys() <= set(TRAPS)
    assert not FOUND.keys() & UNSEEN.keys()


def told(test: str, case: str) -> set[str] | None:
    """Return what a test expects to be told, where it has that in a table."""
    name = test.partition("::")[2]
    if name == "test_an_application_behind_gunicorn":
        return test_gallery.BEHIND_GUNICORN[case]
    if name == "test_an_application_behind_a_proxy":
        (kinds,) = (kinds for pair, kinds in test_gallery.BEHIND_PROXIES.items() if "-".join(pair) == case)
        return {kind for kind, _ in kinds}
    if name == "test_what_a_worker_makes_of_it":
        (kinds,) = (kinds for pair, kinds in test_gallery_workers.TOLD.items() if "-".join(pair) == case)
        return kinds
    if name == "test_files_by_nginx":
        return test_gallery_hops.told_of_file(case)
    return None


@pytest.mark.parametrize("trap", FOUND)
def test_every_trap_that_can_be_seen_is_found_in_a_real_stack(trap: str) -> None:
    known = {kind["id"] for kind in json.loads(finding_kinds())["check"]}
    for kind, test, case in FOUND[trap]:
        assert kind in known
        file, _, name = test.partition("::")
        assert name in names_in(HERE / file)
        kinds = told(test, case)
        if kinds is None:
            # Its cases and what they expect stand in its parameters or in the file.
            source = (HERE / file).read_text(encoding="utf-8")
            assert f'"{case}"' in source
            assert f'"{kind}"' in source
        else:
            assert kind in kinds
