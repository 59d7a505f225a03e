"""The sample application in Flask, as one writes it in Flask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, abort, jsonify, redirect, request, send_file, stream_with_context

from apps import content, journal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Response as BaseResponse

application = Flask(__name__)


@application.before_request
def called() -> None:
    journal.note(request.environ, f"called {request.method}")


@application.after_request
def watch_close(response: BaseResponse) -> BaseResponse:
    environ = request.environ
    response.call_on_close(lambda: journal.note(environ, "close"))
    return response


def whole(path: str, body: bytes, *fields: tuple[str, str], status: int = 200) -> None:
    def view() -> Response:
        response = Response(body, status=status, content_type=content.HTML)
        for name, value in fields:
            response.headers.add(name, value)
        return response

    application.add_url_rule(path, endpoint=path, view_func=view)


def stream(path: str, chunks: list[bytes], *fields: tuple[str, str], kind: str = content.TEXT) -> None:
    def view() -> Response:
        def generate() -> Iterable[bytes]:
            for chunk in chunks:
                journal.note(request.environ, "next")
                yield chunk

        return Response(stream_with_context(generate()), content_type=kind, headers=list(fields))

    application.add_url_rule(path, endpoint=path, view_func=view)


@application.get("/page")
def page() -> str:
    return content.PAGE.decode()


@application.get("/json")
def data() -> Response:
    return jsonify(articles=[{"id": n, "title": f"Article {n}"} for n in range(20)])


for _path, _body, _fields, _status in content.PAGES:
    whole(_path, _body, *_fields, status=_status)
for _path, _chunks, _fields, _kind in content.STREAMS:
    stream(_path, _chunks, *_fields, kind=_kind)
whole("/etag-two", content.PAGE, ("ETag", content.OWN), ("ETag", '"own-v2"'))
whole("/own-304", content.PAGE, ("ETag", content.OWN), ("Vary", "Cookie"), status=304)


@application.get("/missing")
def missing() -> Response:
    abort(404, response=Response(content.PAGE, status=404, headers={"ETag": content.OWN}))


@application.get("/moved")
def moved() -> BaseResponse:
    response = redirect("/page")
    response.headers["ETag"] = content.OWN
    return response


@application.get("/no-content")
def no_content() -> Response:
    response = Response(content.PAGE, status=204)
    del response.headers["Content-Type"]
    return response


@application.get("/cookies")
def cookies() -> Response:
    response = Response(content.PAGE)
    response.set_cookie("one", "1")
    response.set_cookie("two", "2", httponly=True)
    return response


@application.get("/file")
def file() -> Response:
    """Hand over a file without validators: `conditional` off, and no date."""
    path = content.files() / request.args.get("name", "page.bin")
    response = send_file(path, mimetype="application/octet-stream", conditional=False, etag=False)
    del response.headers["Last-Modified"]
    return response


@application.get("/send-file")
def send_it() -> Response:
    """Hand over a file as the manual says: Flask judges by size and modification time."""
    return send_file(content.files() / request.args.get("name", "page.bin"), mimetype="text/plain")


@application.get("/signalled")
def signalled() -> Response:
    name = request.args["name"]
    fields = content.signalled_fields(request.args["shape"], name)
    return Response(stream_with_context(content.signalled(name)), headers=fields)


@application.get("/big-stream")
def big_stream() -> Response:
    return Response(content.big(), mimetype="application/octet-stream")


@application.get("/big-declared")
def big_declared() -> Response:
    headers = {"Content-Length": str(content.BIG)}
    return Response(content.big(), mimetype="application/octet-stream", headers=headers)


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@application.route("/echo", methods=METHODS, provide_automatic_options=False)
def echo() -> Response:
    environ = request.environ
    seen = {
        key: environ[key]
        for key in environ
        if key.startswith("HTTP_IF_") or key in ("HTTP_RANGE", "REQUEST_METHOD")
    }
    response = jsonify(seen)
    response.headers["ETag"] = content.OWN
    return response


@application.get("/environ")
def mark_environ() -> str:
    request.environ["sample.user"] = "alice"
    return "hello"
