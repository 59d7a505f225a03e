"""Applications that get conditional requests wrong, each used as documented: `/gallery/NAME/page`.

What else is asked for below `/gallery/NAME/` is not there. What Express and Go get wrong is shown by Python's
frameworks that do the same, or by functions here: Go takes 450 MB to install, Express 244 packages.
"""

from __future__ import annotations

import atexit
import gzip
import itertools
import os
import secrets
import shutil
import sys
import tempfile
import uuid
import warnings
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from apps.django_settings import configure
from apps.gzip_wsgi import Gzip
from notmodified import EntityTag, NotModified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/gallery/"
PAGE = b"<!doctype html>\n<title>A page</title>\n" + b"<p>Nothing on it ever changes.</p>\n" * 60
LAST_MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"

configure()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports `cgi`
    import webob
    from whitenoise import WhiteNoise


def plain(
    *fields: tuple[str, str],
    body: bytes | Callable[[WSGIEnvironment], bytes] = PAGE,
    directives: str = "no-cache",
) -> WSGIApplication:
    """Return an application that judges nothing."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content = body(environ) if callable(body) else body
        start_response(
            "200 OK",
            [
                ("Content-Type", "text/html"),
                ("Content-Length", str(len(content))),
                ("Cache-Control", directives),
                *fields,
            ],
        )
        return [content]

    return application


def werkzeug(status: int = 200, *, tag: str | None = None) -> WSGIApplication:
    """Return an application that gives whatever it answers to `make_conditional`."""
    from werkzeug.wrappers import Request, Response

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_there = environ["PATH_INFO"].endswith("/page")
        response = Response(PAGE, status=status if is_there else 404, mimetype="text/html")
        response.headers["Last-Modified"] = LAST_MODIFIED
        response.headers["Cache-Control"] = "no-cache"
        if tag is None:
            response.add_etag()
        else:
            response.set_etag(tag)
        return response.make_conditional(Request(environ))(environ, start_response)

    return application


def file_of_flask(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a file by what Flask's `send_file` is."""
    from werkzeug.exceptions import HTTPException
    from werkzeug.utils import send_file

    try:
        response = send_file(files() / "page", environ, mimetype="text/html", max_age=None)
    except HTTPException as error:
        response = error.get_response(environ)
    return response(environ, start_response)


def of_webob(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    response = webob.Response(PAGE, conditional_response=True, cache_control="no-cache")
    response.headers["Last-Modified"] = LAST_MODIFIED
    response.md5_etag()
    return response(environ, start_response)


def django(
    *middleware: str, form: bool = False, fields: tuple[tuple[str, str], ...] = (), decorated: bool = False
) -> WSGIApplication:
    """Return a view of Django's in these middleware classes, the outermost first.

    `decorated` by `condition`, and by `vary_on_headers` inside of it.
    """
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpResponse
    from django.middleware.csrf import get_token
    from django.utils.module_loading import import_string

    def view(request: WSGIRequest) -> HttpResponse:
        content = PAGE
        if form:
            content += f'<input name="csrfmiddlewaretoken" value="{get_token(request)}">\n'.encode()
        return HttpResponse(content, headers={"Cache-Control": "no-cache", **dict(fields)})

    handler = view
    if decorated:
        from django.views.decorators.http import condition
        from django.views.decorators.vary import vary_on_headers

        handler = condition(etag_func=lambda _: '"a"')(vary_on_headers("Accept-Language")(view))
    for name in reversed(middleware):
        handler = import_string(name)(handler)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = handler(WSGIRequest(environ))
        cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", [*response.items(), *cookies])
        return response

    return application


def django_gzip() -> WSGIApplication:
    """Return one behind GZipMiddleware, whose padding is of another length each time."""
    from django.utils import text

    # By chance one in a hundred would be as the last.
    lengths = itertools.count()
    text.secrets = SimpleNamespace(randbelow=lambda below: next(lengths) % below)
    return django(CONDITIONAL, "django.middleware.gzip.GZipMiddleware")


def nonce(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    made = secrets.token_urlsafe(16)
    content = PAGE + f'<script nonce="{made}">1</script>\n'.encode()
    start_response(
        "200 OK",
        [
            ("Content-Type", "text/html"),
            ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", f"script-src 'nonce-{made}'"),
        ],
    )
    return [content]


def random_tag(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Give each response a tag of its own, and judge by it."""
    return plain(("ETag", f'"{uuid.uuid4()}"'))(environ, start_response)


def language(environ: WSGIEnvironment) -> bytes:
    return PAGE + environ.get("HTTP_ACCEPT_LANGUAGE", "en")[:2].encode()


def answer(
    start_response: StartResponse, status: str, fields: Iterable[tuple[str, str]], content: bytes = b""
) -> Iterable[bytes]:
    usual = [
        ("Content-Type", "text/html"),
        ("Cache-Control", "no-cache"),
        ("Content-Length", str(len(content))),
    ]
    names = {name for name, _ in fields}
    start_response(status, [*(field for field in usual if field[0] not in names), *fields])
    return [content]


def weak_if_match(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Compare tags weakly, whatever they are compared for."""
    asked = environ.get("HTTP_IF_MATCH", "*")
    if asked != "*" and asked.removeprefix("W/") != '"a"':
        return answer(start_response, "412 Precondition Failed", [])
    return NotModified(plain(("ETag", '"a"')))({**environ, "HTTP_IF_MATCH": "*"}, start_response)


def same_date_only(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Compare If-Modified-Since as text."""
    if environ.get("HTTP_IF_MODIFIED_SINCE") == LAST_MODIFIED:
        start_response("304 Not Modified", [("Cache-Control", "no-cache"), ("Last-Modified", LAST_MODIFIED)])
        return []
    return answer(start_response, "200 OK", [("Last-Modified", LAST_MODIFIED)], PAGE)


def hash_of_what_is_sent(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Make the tag after HEAD's content was dropped."""
    content = b"" if environ["REQUEST_METHOD"] == "HEAD" else PAGE
    tag = str(EntityTag.of(content))
    if environ.get("HTTP_IF_NONE_MATCH") == tag:
        start_response("304 Not Modified", [("ETag", tag), ("Cache-Control", "no-cache")])
        return []
    return answer(start_response, "200 OK", [("ETag", tag)], content)


def suffixing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Compress, mark the tag with how, and forget that one did."""
    fields = [("ETag", '"a"'), ("Vary", "Accept-Encoding")]
    if environ.get("HTTP_IF_NONE_MATCH") == '"a"':
        start_response("304 Not Modified", [("Cache-Control", "no-cache"), *fields])
        return []
    if "gzip" not in environ.get("HTTP_ACCEPT_ENCODING", ""):
        return answer(start_response, "200 OK", fields, PAGE)
    fields = [("ETag", '"a--gzip"'), ("Vary", "Accept-Encoding"), ("Content-Encoding", "gzip")]
    return answer(start_response, "200 OK", fields, gzip.compress(PAGE, mtime=0))


def every_range(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Send each range that is asked for, however many, and begin anew whatever If-Range says."""
    fields = [("ETag", '"a"'), ("Accept-Ranges", "bytes")]
    asked = environ.get("HTTP_RANGE", "")
    if not asked.startswith("bytes=") or "HTTP_IF_RANGE" in environ or environ["REQUEST_METHOD"] != "GET":
        return answer(start_response, "200 OK", fields, PAGE)
    parts = []
    for spec in asked.removeprefix("bytes=").split(","):
        first, last = spec.split("-")
        if not first:
            return answer(
                start_response, "416 Range Not Satisfiable", [("Content-Range", f"bytes */{len(PAGE)}")]
            )
        parts.append(slice(int(first), int(last) + 1 if last else len(PAGE)))
    if len(parts) == 1:
        (part,) = parts
        place = f"bytes {part.start}-{part.stop - 1}/{len(PAGE)}"
        return answer(start_response, "206 Partial Content", [*fields, ("Content-Range", place)], PAGE[part])
    body = b"".join(
        b"--a\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%b\r\n"
        % (part.start, part.stop - 1, len(PAGE), PAGE[part])
        for part in parts
    )
    content_type = ("Content-Type", "multipart/byteranges; boundary=a")
    return answer(start_response, "206 Partial Content", [*fields, content_type], body + b"--a--\r\n")


def language_in_304(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ.get("HTTP_IF_NONE_MATCH") == '"a"':
        start_response(
            "304 Not Modified", [("Content-Language", "en"), ("ETag", '"a"'), ("Cache-Control", "no-cache")]
        )
        return []
    return answer(start_response, "200 OK", [("ETag", '"a"'), ("Content-Language", "en")], PAGE)


def fails_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Begin a response that may be kept, and fail: what was said before stays, behind Gunicorn."""
    start_response("200 OK", [("ETag", '"a"'), ("Cache-Control", "public, max-age=600")])
    try:
        {}["the article"]
    except KeyError:
        start_response("500 Internal Server Error", [("Content-Length", "0")], sys.exc_info())
    return []


def missing_for_long(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Give whatever it answers the lifetime of a versioned file."""
    lifetime = ("Cache-Control", "public, max-age=31536000, immutable")
    if not environ["PATH_INFO"].endswith("/page"):
        return answer(start_response, "404 Not Found", [lifetime])
    return NotModified(plain(directives=lifetime[1]))(environ, start_response)


def body_in_304(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Change the status, and nothing else."""
    is_current = environ.get("HTTP_IF_NONE_MATCH") == '"a"'
    return answer(start_response, "304 Not Modified" if is_current else "200 OK", [("ETag", '"a"')], PAGE)


def empty_file(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Give the server a file in which nothing is, and no length."""
    start_response("200 OK", [("Content-Type", "text/css"), ("ETag", '"a"'), ("Cache-Control", "no-cache")])
    return environ["wsgi.file_wrapper"]((files() / "empty").open("rb"))


def unjudged_head(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Judge If-None-Match of a GET, as somebody does who has read that it is for GET alone."""
    if environ["REQUEST_METHOD"] == "HEAD":
        environ = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
    return NotModified(plain())(environ, start_response)


def length_in_304(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as an application that only changes the status."""
    is_current = environ.get("HTTP_IF_NONE_MATCH") == '"a"'
    fields = [("Content-Type", "text/html"), ("ETag", '"a"'), ("Cache-Control", "no-cache")]
    content = b"" if is_current else PAGE
    start_response(
        "304 Not Modified" if is_current else "200 OK", [*fields, ("Content-Length", str(len(content)))]
    )
    return [content]


def file_of_whitenoise(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a file, compressed beforehand, as WhiteNoise's documentation has it."""
    return whitenoise()(environ, start_response)


@cache
def files() -> Path:
    """Make a folder with the page as a file that is not of today."""
    folder = Path(tempfile.mkdtemp(prefix="notmodified-gallery-"))
    atexit.register(shutil.rmtree, folder)
    file = folder / "page"
    file.write_bytes(PAGE)
    (folder / "empty").touch()
    (folder / "page.gz").write_bytes(gzip.compress(PAGE, mtime=0))
    for path in (file, folder / "page.gz"):
        os.utime(path, (784111777, 784111777))
    return folder


def file_of_falcon(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a file by a static route."""
    return falcon()(environ, start_response)


@cache
def falcon() -> WSGIApplication:
    import falcon

    app = falcon.App()
    app.add_static_route(f"{PREFIX}falcon-file", str(files()))
    return app


@cache
def whitenoise() -> WSGIApplication:
    return WhiteNoise(
        plain(), root=files(), prefix=f"{PREFIX}whitenoise/", autorefresh=False, allow_all_origins=False
    )


def one_tag_for_codings(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Compress outside of what makes the tag, and leave the tag as it was."""

    def start(status: str, fields: list[tuple[str, str]]) -> None:
        start_response(status, [(name, value.removeprefix("W/")) for name, value in fields])

    return compressed(environ, start)


compressed = Gzip(NotModified(plain()))
CORS_AND_CSP = (
    ("Access-Control-Allow-Origin", "*"),
    ("Content-Security-Policy", "default-src 'self'"),
    ("CDN-Cache-Control", "max-age=60"),
)
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
APPLICATIONS: dict[str, WSGIApplication] = {
    "healthy": NotModified(plain()),
    "healthy-gzip": NotModified(Gzip(plain())),
    "healthy-form": NotModified(
        django("django.middleware.csrf.CsrfViewMiddleware", form=True), etag={"ignore": ["django-csrf"]}
    ),
    "no-validator": plain(),
    "unquoted": plain(("ETag", "abc")),
    "nobody-judges": plain(("ETag", '"a"')),
    "werkzeug": werkzeug(),
    "werkzeug-empty-tag": werkzeug(tag=""),
    "werkzeug-500": werkzeug(500),
    "werkzeug-302": werkzeug(302),
    "flask-file": file_of_flask,
    "webob": of_webob,
    "django": django(CONDITIONAL),
    "django-form": django(CONDITIONAL, "django.middleware.csrf.CsrfViewMiddleware", form=True),
    "django-gzip": django_gzip(),
    "django-comma": django(CONDITIONAL, fields=(("ETag", '"a,b"'),)),
    "django-fields": django(CONDITIONAL, fields=CORS_AND_CSP),
    "django-condition": django(decorated=True),
    "falcon-file": file_of_falcon,
    "weak-if-match": weak_if_match,
    "same-date-only": same_date_only,
    "hash-of-head": hash_of_what_is_sent,
    "suffix": suffixing,
    "every-range": every_range,
    "language-in-304": language_in_304,
    "fails-late": fails_late,
    "missing-for-long": missing_for_long,
    "random-tag": random_tag,
    "nonce": NotModified(nonce),
    "one-tag": one_tag_for_codings,
    "whitenoise": file_of_whitenoise,
    "language": NotModified(plain(body=language)),
    "length-in-304": length_in_304,
    "body-in-304": body_in_304,
    "unjudged-head": unjudged_head,
    "empty-file": empty_file,
    "contradicts": NotModified(plain(directives="no-store, max-age=60")),
    "private": NotModified(plain(directives="private, max-age=60")),
    "shared-cookie": NotModified(plain(("Set-Cookie", "sid=1"), directives="public, max-age=60")),
}


# Those that are asked for what is not there too.
ANSWER_ALL = {"werkzeug", "missing-for-long"}


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    name, _, page = environ["PATH_INFO"].removeprefix(PREFIX).partition("/")
    if name not in APPLICATIONS or (page != "page" and name not in ANSWER_ALL):
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    return APPLICATIONS[name](environ, start_response)
