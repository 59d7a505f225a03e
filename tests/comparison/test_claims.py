"""What the documents say of others, beside the table."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.middleware.gzip import GZipMiddleware

from apps.django_settings import configure
from comparison.peers import Resource, answer_of, environ_of, werkzeug

configure()


def test_django_s_gzip_makes_other_bytes_of_the_same_page_each_time() -> None:
    from django.core.handlers.wsgi import WSGIRequest

    page = GZipMiddleware(lambda _request: HttpResponse(b"the same page " * 100))
    request = WSGIRequest(environ_of("GET", {"Accept-Encoding": "gzip"}))
    assert len({page(request).content for _ in range(20)}) > 1


@pytest.mark.parametrize("field", ["If-None-Match", "If-Modified-Since"])
def test_flask_s_files_judge_for_themselves_and_are_let(field: str, tmp_path) -> None:
    from werkzeug.utils import send_file

    from notmodified import NotModified

    file = tmp_path / "file.txt"
    file.write_bytes(b"content")
    first = werkzeug(Resource(file=file), "GET", {})
    known = first.fields["etag" if field == "If-None-Match" else "last-modified"]
    environ = environ_of("GET", {field: known})
    application = NotModified(lambda env, start: send_file(file, env)(env, start))
    assert answer_of(application, environ).status == 304
    assert environ["notmodified.result"] == "app"


def test_flask_s_files_can_be_taken_over(tmp_path) -> None:
    from werkzeug.utils import send_file

    from notmodified import NotModified

    file = tmp_path / "file.txt"
    file.write_bytes(b"content")
    application = NotModified(
        lambda env, start: send_file(file, env)(env, start), policy=[{"path": "/**", "take_over": True}]
    )
    tag = answer_of(application, environ_of("GET", {})).fields["etag"]
    environ = environ_of("GET", {"If-None-Match": tag})
    assert (answer_of(application, environ).status, environ["notmodified.result"]) == (304, "not-modified")
