"""Static files with the middleware class: the same answers as from the wrapper, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re

import pytest

from apps.django_settings import configure

configure()

from django.core.handlers.asgi import ASGIRequest  # noqa: E402 - needs the settings, as all below
from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from django.http import FileResponse, HttpResponse  # noqa: E402
from django.test import AsyncClient, Client, override_settings  # noqa: E402
from django.urls import re_path  # noqa: E402
from django.views.static import serve as serve_file  # noqa: E402

import notmodified  # noqa: E402
from kit.static_site import FILES, write  # noqa: E402
from notmodified import EntityTag  # noqa: E402
from notmodified.django import NotModifiedMiddleware, conf  # noqa: E402

IMMUTABLE = "public, max-age=31536000, immutable"
OURS = "notmodified.django.NotModifiedMiddleware"
seen: list[tuple[str, str, str]] = []


def static(request, path):
    seen.append((request.path, request.path_info, request.META["PATH_INFO"]))
    return serve_file(request, path, document_root=folder_of["static"])


def everything(request, path):
    """Stand for a site that answers any path with its one page."""
    seen.append((request.path, request.path_info, request.META["PATH_INFO"]))
    return HttpResponse(b"<!doctype html>" + path.encode(), headers={"Cache-Control": "max-age=600"})


folder_of: dict[str, object] = {}
urlpatterns = [
    re_path(r"^static/(?P<path>.*)$", static),
    re_path(r"^(?P<path>.*)$", everything),
]


@pytest.fixture
def site(folder):
    """Return a function that gives the setting `assets` for the folder at /static/."""
    seen.clear()
    folder_of["static"] = folder
    entered = []

    def use(**assets):
        settings = {"assets": {"/static/": str(folder), **assets}}
        chosen = override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[OURS], NOTMODIFIED=settings)
        chosen.enable()
        entered.append(chosen)
        return conf.core().assets

    yield use
    while entered:
        entered.pop().disable()


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        write(tmp_path / "static", name, content)
    return tmp_path / "static"


class Answer:
    """What a test client got, whichever it is."""

    def __init__(self, response):
        self.status, self.headers = response.status_code, response.headers
        self.request = response.wsgi_request if hasattr(response, "wsgi_request") else response.asgi_request
        if not response.streaming:
            self.body = response.content
        elif response.is_async:
            self.body = asyncio.run(self.collected(response))
        else:
            self.body = b"".join(response.streaming_content)
        response.close()

    @staticmethod
    async def collected(response):
        return b"".join([block async for block in response])


def get(client, path, method="get", **headers):
    given = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
    made = getattr(client(), method)(path, **given)
    return Answer(asyncio.run(made) if asyncio.iscoroutine(made) else made)


clients = pytest.mark.parametrize("client", [Client, AsyncClient])
BOTH = pytest.mark.parametrize("serve", [False, True], ids=["by-the-view", "by-us"])


@clients
@BOTH
def test_the_current_version_is_immutable_and_any_other_is_revalidated(client, site, serve):
    assets = site(serve=serve)
    url = assets.url("img/logo.svg")
    for path, says in [(url, IMMUTABLE), ("/static/img/logo.0123456789abcdef.svg", "no-cache")]:
        answer = get(client, path)
        assert (answer.status, answer.body) == (200, FILES["img/logo.svg"])
        assert answer.headers["Cache-Control"] == says
        assert answer.headers["ETag"] == str(EntityTag.of(FILES["img/logo.svg"]))
        assert answer.headers["Content-Type"] == "image/svg+xml"
        again = get(client, path, if_none_match=answer.headers["ETag"])
        assert (again.status, again.body, again.headers["Cache-Control"]) == (304, b"", says)
    assert get(client, "/static/img/logo.svg").headers["Cache-Control"] == "no-cache"


def requests(client, path):
    """Make a request as a server would have it come in."""
    if client is Client:
        octets = path.encode().decode("latin-1")
        return WSGIRequest(
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": octets,
                "SCRIPT_NAME": "/under",
                "wsgi.input": io.BytesIO(),
            }
        )
    scope = {"type": "http", "method": "GET", "path": f"/under{path}", "root_path": "/under", "headers": []}
    return ASGIRequest(scope, io.BytesIO())


@clients
@pytest.mark.parametrize("ends", ["with-a-response", "with-an-exception"])
@pytest.mark.parametrize("name", ["js/app.js", "img/grüße.txt"])
def test_the_view_sees_the_path_without_the_version_and_nobody_else_does(client, site, name, ends):
    assets = site()
    versioned = assets.versioned(name)
    request = requests(client, versioned)

    def view(request):
        seen.append((request.path, request.path_info, request.META["PATH_INFO"]))
        if ends == "with-an-exception":
            raise LookupError
        return FileResponse((folder_of["static"] / name).open("rb"))

    async def view_async(request):
        return view(request)

    def run():
        if client is Client:
            return NotModifiedMiddleware(view)(request)
        return asyncio.run(NotModifiedMiddleware(view_async)(request))

    if ends == "with-a-response":
        response = run()
        assert response["Cache-Control"] == IMMUTABLE
        response.close()
    else:
        with pytest.raises(LookupError):
            run()
    assert seen == [(f"/under/static/{name}", f"/static/{name}", f"/static/{name}")]
    assert (request.path, request.path_info) == (f"/under{versioned}", versioned)
    assert request.META["PATH_INFO"] == versioned


@clients
def test_rewritten_style_sheets_are_ours_whoever_serves(client, site):
    assets = site()
    answer = get(client, assets.url("css/app.css"))
    assert answer.body == assets.rewritten("css/app.css")
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
        "text/css; charset=utf-8",
        IMMUTABLE,
    )
    assert seen == []


@clients
def test_what_we_serve_runs_no_view(client, site):
    assets = site(serve=True)
    url = assets.url("js/app.js")
    whole = get(client, url)
    assert (whole.body, whole.headers["Content-Length"]) == (FILES["js/app.js"], "18")
    assert "Content-Disposition" not in whole.headers
    assert whole.request.META["notmodified.result"] == "unconditional"
    head = get(client, url, "head")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "18")
    assert head.headers["ETag"] == whole.headers["ETag"]
    part = get(client, url, range="bytes=0-5")
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"import", "bytes 0-5/18")
    assert get(client, url, range="bytes=99-").status == 416
    assert seen == []
    get(client, url, "post")
    assert seen == [(url,) * 3]


@clients
def test_a_version_of_what_there_is_not_is_a_404_that_nobody_stores(client, site):
    site(serve=True)
    answer = get(client, "/static/js/none.0123456789abcdef.js")
    assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert seen == []


@clients
def test_compressed_siblings_and_long_files_go_out(client, site, folder):
    text = b"let answer = 42;\n" * 20_000
    write(folder, "js/long.js", text)
    packed = gzip.compress(text, mtime=0)
    write(folder, "js/long.js.gz", packed)
    url = site(serve=True).url("js/long.js")
    answer = get(client, url, accept_encoding="gzip")
    assert (answer.body, answer.headers["Content-Encoding"]) == (packed, "gzip")
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert get(client, url).body == text
    part = get(client, url, range="bytes=100000-300000")
    assert (part.status, part.body) == (206, text[100000:300001])


@clients
def test_a_file_that_is_gone_is_left_to_the_view(client, site, folder):
    url = site(serve=True).url("js/app.js")
    running = client()
    get(lambda: running, url)
    (folder / "js/app.js").unlink()
    answer = get(lambda: running, url)
    assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")
    assert seen == [(url,) * 3]


@clients
def test_versions_of_earlier_builds_are_had(client, site, folder, tmp_path):
    manifest = tmp_path / "m.json"
    old = site()
    old.keep(manifest, 1)
    write(folder, "img/logo.svg", b"<svg>new</svg>")
    new = notmodified.Assets({"assets": {"/static/": str(folder)}}, build=True)
    new.keep(manifest, 1)
    manifest.write_text(new.manifest())
    site(manifest=str(manifest), keep=1)
    answer = get(client, old.url("img/logo.svg"))
    assert (answer.body, answer.headers["Cache-Control"]) == (b"<svg/>", IMMUTABLE)
    assert seen == []


def test_asset_url_knows_the_files(site):
    with override_settings(MIDDLEWARE=[OURS]):
        site(serve=True)
        client = Client()
        client.get("/")
        url = notmodified.asset_url("css/app.css")
        assert re.fullmatch(r"/static/css/app\.[0-9a-f]{16}\.css", url)
        assert client.get(url).headers["Cache-Control"] == IMMUTABLE
        imports = json.loads(conf.core().assets.import_map())["imports"]
        assert imports["/static/js/part.js"] == notmodified.asset_url("js/part.js")


def test_whitenoise_inside_serves_what_is_asked_for_by_version(site, folder):
    assets = site()
    whitenoise = "whitenoise.middleware.WhiteNoiseMiddleware"
    with override_settings(MIDDLEWARE=[OURS, whitenoise], STATIC_ROOT=str(folder), STATIC_URL="/static/"):
        for path, says in [
            (assets.url("js/app.js"), IMMUTABLE),
            ("/static/js/app.0123456789ab.js", "no-cache"),
        ]:
            answer = get(Client, path)
            assert (answer.status, answer.body) == (200, FILES["js/app.js"])
            assert answer.headers["Cache-Control"] == says
            assert answer.headers["ETag"] == str(EntityTag.of(FILES["js/app.js"]))
    assert seen == []
