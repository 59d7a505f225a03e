"""The middleware class beyond what the behaviour suite asks of it: what is Django's own about it."""

from __future__ import annotations

import asyncio
import gc
import io
import pickle
import tempfile
from pathlib import Path

import pytest

from apps.django_settings import configure

configure()

from django.core.exceptions import ImproperlyConfigured  # noqa: E402 - needs the settings, as all below
from django.core.signals import request_finished  # noqa: E402
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.middleware.csrf import rotate_token  # noqa: E402
from django.template.backends.django import DjangoTemplates  # noqa: E402
from django.template.response import TemplateResponse  # noqa: E402
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory, override_settings  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.clickjacking import xframe_options_exempt  # noqa: E402

from notmodified import EntityTag, NotModified, Representation  # noqa: E402
from notmodified.django import NotModifiedMiddleware, conditional, middleware, stats  # noqa: E402

PAGE = b"<p>" + b"a page, " * 100
TAG = str(EntityTag.of(PAGE))
OURS = "notmodified.django.NotModifiedMiddleware"
TAKE_OVER = {"policy": [{"path": "/**", "take_over": True}]}
SHARED = HttpResponse(PAGE)
seen: list = []


def page(request):
    seen.append((request.method, request.META["REQUEST_METHOD"], request.headers.get("If-None-Match")))
    response = HttpResponse(PAGE, headers={"Vary": "Accept-Language"})
    response.set_cookie("visited", "yes")
    return response


async def async_page(request):
    return page(request)


def stream(request):
    return StreamingHttpResponse(iter([b"one", b"two"]), headers={"Content-Length": "6"})


def file(request):
    opened = Path(request.GET["path"]).open("rb")  # noqa: SIM115 - Django closes it
    response = FileResponse(opened)
    seen.append(opened)
    return response


async def huge(request):
    return HttpResponse(b"x" * (middleware.LONG + 1))


@xframe_options_exempt
def framed(request):
    return HttpResponse(PAGE)


def template(request):
    """Return what Django renders only after the view has returned."""
    engine = DjangoTemplates({"NAME": "django", "DIRS": [], "APP_DIRS": False, "OPTIONS": {}})
    return TemplateResponse(request, engine.from_string("a {{ word }}"), {"word": "page"})


def form(request):
    engine = DjangoTemplates({"NAME": "django", "DIRS": [], "APP_DIRS": False, "OPTIONS": {}})
    page = engine.from_string("<form method=post>{% csrf_token %}</form>")
    return HttpResponse(page.render({}, request))


def rotate(request):
    """Log in, as far as the token is concerned."""
    rotate_token(request)
    return HttpResponse("in")


urlpatterns = [
    path("page", page),
    path("async", async_page),
    path("stream", stream),
    path("file", file),
    path("huge", huge),
    path("shared", lambda _: SHARED),
    path("framed", framed),
    path("template", template),
    path("form", form),
    path("guarded", conditional(lambda _: '"now"')(page)),
    path("rotate", rotate),
]


@pytest.fixture(autouse=True)
def site():
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[OURS], NOTMODIFIED={}):
        yield


@pytest.fixture
def finished():
    """Count the signals that a request is finished."""
    senders = []

    def receive(sender, **_):
        senders.append(sender)

    request_finished.connect(receive)
    yield senders
    request_finished.disconnect(receive)


def get(path, method="get", client=Client, **headers):
    """Ask with one of Django's own clients."""
    given = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
    made = getattr(client(), method)(path, **given)
    return asyncio.run(made) if asyncio.iscoroutine(made) else made


clients = pytest.mark.parametrize("client", [Client, AsyncClient])
views = pytest.mark.parametrize("url", ["/page", "/async"])


class TestClients:
    """Django's test clients see what a real client would."""

    @clients
    @views
    def test_a_page_has_its_tag_and_a_304_follows(self, client, url):
        whole = get(url, client=client)
        assert (whole.status_code, whole.content, whole["ETag"]) == (200, PAGE, TAG)
        answer = get(url, client=client, if_none_match=TAG)
        assert (answer.status_code, answer.content, answer.reason_phrase) == (304, b"", "Not Modified")
        assert dict(answer.headers) == {"Vary": "Accept-Language", "ETag": TAG}
        assert answer.cookies["visited"].value == "yes"
        assert answer.wsgi_request.META["notmodified.result"] == "not-modified" if client is Client else True

    @clients
    @views
    def test_head_is_asked_as_get_and_is_head_again_afterwards(self, client, url):
        answer = get(url, "head", client=client)
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, b"", TAG)
        assert answer["Content-Length"] == str(len(PAGE))
        assert seen == [("GET", "GET", None)]
        request = answer.wsgi_request if client is Client else answer.asgi_request
        assert (request.method, request.META["REQUEST_METHOD"]) == ("HEAD", "HEAD")

    @clients
    def test_a_false_if_match_is_a_412(self, client):
        answer = get("/page", client=client, if_match='"other"')
        assert (answer.status_code, answer["Content-Type"]) == (412, "application/problem+json")
        assert answer.json()["status"] == 412
        assert answer.cookies["visited"].value == "yes"

    def test_a_post_is_left_alone(self):
        answer = get("/page", "post", if_match='"other"')
        assert (answer.status_code, "ETag" in answer) == (200, False)
        assert seen[0][0] == "POST"


class TestResponses:
    def test_a_stream_is_not_looked_into(self):
        """Not even one of declared length, which the WSGI middleware collects."""
        response = StreamingHttpResponse(iter([b"one", b"two"]), headers={"Content-Length": "6"})
        given = response.streaming_content
        answer = NotModifiedMiddleware(lambda _: response)(RequestFactory().get("/"))
        assert answer is response
        assert "ETag" not in answer
        assert b"".join(given) == b"onetwo"

    def test_an_asynchronous_stream_is_handed_on(self):
        async def chunks():
            yield b"never"

        response = StreamingHttpResponse(chunks(), headers={"Content-Length": "5"})

        async def view(_):
            return response

        answer = asyncio.run(NotModifiedMiddleware(view)(RequestFactory().get("/")))
        assert answer is response
        assert "ETag" not in answer

    @pytest.mark.parametrize("opener", [open, tempfile.NamedTemporaryFile])
    def test_a_file_goes_on_as_the_file_it_is(self, tmp_path, opener):
        """So that Django gives it to the server's file_wrapper, and the server to sendfile."""
        if opener is open:
            target = tmp_path / "file"
            target.write_bytes(PAGE)
            opened = target.open("rb")
        else:
            opened = tempfile.NamedTemporaryFile(dir=tmp_path)  # noqa: SIM115 - Django closes it
            opened.write(PAGE)
            opened.seek(0)
        response = FileResponse(opened)
        answer = NotModifiedMiddleware(lambda _: response)(RequestFactory().get("/"))
        assert answer is response
        assert answer.file_to_stream is opened
        assert opened.tell() == 0
        assert answer["ETag"] == TAG
        answer.close()
        assert opened.closed

    @clients
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_a_304_of_a_file_closes_it(self, tmp_path, client, method):
        target = tmp_path / "file"
        target.write_bytes(PAGE)
        answer = get(f"/file?path={target}", method, client=client, if_none_match=TAG)
        assert (answer.status_code, answer.content, answer.streaming) == (304, b"", False)
        (opened,) = seen
        assert opened.closed

    def test_long_content_is_hashed_beside_the_event_loop(self):
        answer = get("/huge", client=AsyncClient)
        assert answer["ETag"] == str(EntityTag.of(b"x" * (middleware.LONG + 1)))

    @pytest.mark.parametrize("headers", [{}, {"if_none_match": TAG}, {"if_match": '"other"'}], ids=str)
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_the_end_of_a_request_is_told_once(self, finished, method, headers):
        class Closing(HttpResponse):
            closed_times = 0

            def close(self):
                Closing.closed_times += 1
                super().close()

        def view(_):
            return Closing(PAGE)

        fields = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        answer = NotModifiedMiddleware(view)(getattr(RequestFactory(), method)("/", **fields))
        answer._handler_class = "the handler"
        answer.close()
        assert finished == ["the handler"]
        assert Closing.closed_times == 1
        assert answer.closed

    def test_a_response_that_a_view_keeps_is_the_same_the_next_time(self):
        assert get("/shared", if_none_match=TAG).status_code == 304
        assert get("/shared", "head").content == b""
        answer = get("/shared")
        assert (answer.status_code, answer.content) == (200, PAGE)

    def test_marks_for_other_middleware_stay_on_a_304(self):
        outside = "django.middleware.clickjacking.XFrameOptionsMiddleware"
        with override_settings(MIDDLEWARE=[outside, OURS]):
            assert "X-Frame-Options" not in get("/framed", if_none_match=TAG)
            assert "X-Frame-Options" in get("/page", if_none_match=TAG)

    def test_a_cookie_that_a_view_wrote_as_a_header_stays_on_a_304(self):
        def view(_):
            response = HttpResponse(PAGE, headers={"Set-Cookie": "raw=1"})
            response.set_cookie("jar", "1")
            return response

        answer = NotModifiedMiddleware(view)(RequestFactory().get("/", HTTP_IF_NONE_MATCH=TAG))
        assert (answer.status_code, answer["Set-Cookie"]) == (304, "raw=1")
        assert answer.cookies["jar"].value == "1"
        assert NotModifiedMiddleware(view)(RequestFactory().get("/"))["Set-Cookie"] == "raw=1"

    def test_what_goes_out_in_place_of_a_response_can_be_pickled(self):
        """A cache outside may do so, though it had better be inside."""
        view = NotModifiedMiddleware(lambda _: StreamingHttpResponse(iter([b"x"])))
        answer = pickle.loads(pickle.dumps(view(RequestFactory().head("/"))))
        assert (answer.status_code, answer.content) == (200, b"")
        answer.close()

    def test_a_template_response_is_rendered_first(self):
        assert get("/template").content == b"a page"
        assert get("/template")["ETag"] == str(EntityTag.of(b"a page"))

    def test_behind_compression_a_304_has_the_vary_of_the_200(self):
        """GZipMiddleware looks at the length, and a 304 has none."""
        gzip = "django.middleware.gzip.GZipMiddleware"
        with override_settings(MIDDLEWARE=[gzip, OURS]):
            whole = get("/page", accept_encoding="gzip")
            assert whole["Content-Encoding"] == "gzip"
            assert whole["ETag"] == "W/" + TAG
            for tag in (TAG, "W/" + TAG):
                answer = get("/page", accept_encoding="gzip", if_none_match=tag)
                assert (answer.status_code, answer["Vary"]) == (304, whole["Vary"])

    def test_behind_compression_there_are_no_parts(self):
        """It would compress them, and say that they are parts of what they are not."""
        gzip = "django.middleware.gzip.GZipMiddleware"
        with override_settings(MIDDLEWARE=[gzip, OURS]):
            answer = get("/page", accept_encoding="gzip", range="bytes=100-799")
            assert answer.status_code == 200
            assert "Content-Range" not in answer

    def test_so_has_one_that_needed_no_view(self):
        told = Representation(TAG, headers={"Vary": "Accept-Language"})
        gzip = "django.middleware.gzip.GZipMiddleware"
        validators = {"/page": lambda _: told}
        with override_settings(MIDDLEWARE=[gzip, OURS], NOTMODIFIED={"validators": validators}):
            answer = get("/page", if_none_match="W/" + TAG)
        assert (answer.status_code, answer["Vary"]) == (304, "Accept-Language, Accept-Encoding")
        assert seen == []


class TestRanges:
    @clients
    def test_parts_of_a_page(self, client):
        answer = get("/page", client=client, range="bytes=10-19", if_range=TAG)
        assert (answer.status_code, answer.reason_phrase) == (206, "Partial Content")
        assert answer.content == PAGE[10:20]
        assert (answer["Content-Range"], answer["Vary"]) == (f"bytes 10-19/{len(PAGE)}", "Accept-Language")
        assert answer.cookies["visited"].value == "yes"
        assert get("/page", client=client, range="bytes=-0").status_code == 416
        several = get("/page", client=client, range="bytes=0-1,-2")
        assert several["Content-Type"].startswith("multipart/byteranges")
        assert len(several.content) == int(several["Content-Length"])

    def test_parts_of_a_file_close_it(self, tmp_path):
        target = tmp_path / "file"
        target.write_bytes(PAGE)
        for field, expected in (("bytes=10-19", PAGE[10:20]), ("bytes=-3", PAGE[-3:])):
            answer = get(f"/file?path={target}", range=field)
            assert (answer.status_code, b"".join(answer.streaming_content)) == (206, expected)
            assert int(answer["Content-Length"]) == len(expected)
            answer.close()
            assert seen.pop().closed


class TestGuardedWrites:
    """Judged before a view runs, by a registered function or inside authentication."""

    @clients
    @pytest.mark.parametrize("url", ["/page", "/guarded"], ids=["registered", "decorated"])
    def test_a_write_whose_precondition_is_false_does_not_reach_the_view(self, client, url):
        with override_settings(NOTMODIFIED={"validators": {"/page": lambda _: '"now"'}}):
            answer = get(url, "put", client=client, if_match='"then"')
            assert (answer.status_code, answer["ETag"]) == (412, '"now"')
            assert answer["Content-Type"] == "application/problem+json"
            assert seen == []
            request = answer.wsgi_request if client is Client else answer.asgi_request
            assert request.META["notmodified.result"] == "failed"
            assert get(url, "put", client=client, if_match='"now"').status_code == 200
            assert [method for method, *_ in seen] == ["PUT"]

    def test_asking_the_application_with_a_get_is_for_the_wrapper(self):
        policy = {"path": "/**", "preconditions": "get"}
        with (
            override_settings(NOTMODIFIED={"policy": [policy]}),
            pytest.raises(ImproperlyConfigured, match='preconditions = "get"'),
        ):
            NotModifiedMiddleware(lambda _: None)


class TestForms:
    """Pages with a CSRF token, as docs/django.md says."""

    @pytest.fixture(autouse=True)
    def masking(self):
        middleware = [OURS, "django.middleware.csrf.CsrfViewMiddleware"]
        with override_settings(MIDDLEWARE=middleware, NOTMODIFIED={"etag": {"ignore": ["django-csrf"]}}):
            yield

    def test_a_304_confirms_a_form_that_can_still_be_sent(self):
        client = Client(enforce_csrf_checks=True)
        first, second = client.get("/form"), client.get("/form")
        assert first.content != second.content
        assert first["ETag"] == second["ETag"]
        again = client.get("/form", headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again["Vary"]) == (304, "Cookie")
        token = first.content.decode().rpartition('value="')[2].partition('"')[0]
        assert client.post("/form", {"csrfmiddlewaretoken": token}).status_code == 200

    def test_after_the_token_was_rotated_the_old_form_is_not_confirmed(self):
        client = Client(enforce_csrf_checks=True)
        first = client.get("/form")
        client.get("/rotate")
        assert client.get("/form", headers={"If-None-Match": first["ETag"]}).status_code == 200

    def test_another_visitors_form_is_another(self):
        assert Client().get("/form")["ETag"] != Client().get("/form")["ETag"]


class TestRequests:
    @clients
    @views
    def test_taken_over_the_view_sees_no_condition(self, client, url):
        with override_settings(NOTMODIFIED=TAKE_OVER):
            answer = get(url, client=client, if_none_match=TAG)
        assert answer.status_code == 304
        assert seen == [("GET", "GET", None)]
        request = answer.wsgi_request if client is Client else answer.asgi_request
        assert request.headers["If-None-Match"] == TAG

    def test_even_if_a_middleware_outside_has_looked_at_the_headers(self):
        def view(request):
            seen.append(request.headers.get("If-None-Match"))
            return HttpResponse(PAGE)

        request = RequestFactory().get("/", HTTP_IF_NONE_MATCH=TAG)
        assert request.headers["If-None-Match"] == TAG
        with override_settings(NOTMODIFIED=TAKE_OVER):
            assert NotModifiedMiddleware(view)(request).status_code == 304
        assert seen == [None]
        assert request.headers["If-None-Match"] == TAG

    def test_the_scheme_is_known_under_asgi_too(self):
        """It is a part of what names a response."""
        for scheme in ("http", "https"):
            request = AsyncRequestFactory().get("/", secure=scheme == "https")
            NotModifiedMiddleware(lambda _: HttpResponse(PAGE))(request)
            assert request.META["wsgi.url_scheme"] == scheme

    @pytest.mark.parametrize("kind", ["wsgi", "asgi"])
    def test_a_policy_is_for_a_path_in_any_script(self, kind):
        """In META the path is text, in a WSGI environ it is octets."""
        from django.core.handlers.asgi import ASGIRequest

        if kind == "wsgi":
            request = RequestFactory().get("/größe")
        else:
            scope = {"type": "http", "method": "GET", "path": "/größe", "query_string": b"", "headers": []}
            request = ASGIRequest(scope, io.BytesIO())
        policy = {"path": "/größe", "cache_control": "max-age=7"}
        with override_settings(NOTMODIFIED={"policy": [policy]}):
            answer = NotModifiedMiddleware(lambda _: HttpResponse(PAGE))(request)
        assert answer["Cache-Control"] == "max-age=7"
        assert request.META["PATH_INFO"] == "/größe"

    def test_a_request_made_by_hand_is_judged_too(self):
        request = HttpRequest()
        request.method = "POST"
        assert "ETag" not in NotModifiedMiddleware(lambda _: HttpResponse(PAGE))(request)
        request = HttpRequest()
        request.method = "GET"
        assert NotModifiedMiddleware(lambda _: HttpResponse(PAGE))(request)["ETag"] == TAG

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_an_exception_of_the_views_goes_through_and_the_request_is_as_before(self, error):
        def view(_):
            raise error

        request = RequestFactory().head("/", HTTP_IF_NONE_MATCH=TAG)
        with override_settings(NOTMODIFIED=TAKE_OVER), pytest.raises(error):
            NotModifiedMiddleware(view)(request)
        assert (request.method, request.META["REQUEST_METHOD"]) == ("HEAD", "HEAD")
        assert request.META["HTTP_IF_NONE_MATCH"] == TAG
        assert request.META["notmodified.result"] == "bypass"

    def test_so_does_the_end_of_a_coroutine_whose_client_has_gone(self):
        async def view(_):
            await asyncio.sleep(60)

        request = RequestFactory().head("/")

        async def lose():
            task = asyncio.create_task(NotModifiedMiddleware(view)(request))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(lose())
        assert (request.method, request.META["notmodified.result"]) == ("HEAD", "bypass")


class TestFailures:
    """Whatever breaks in us, the view's own response goes out."""

    class Broken(HttpResponse):
        @property
        def cookies(self):
            raise RuntimeError

        @cookies.setter
        def cookies(self, value):
            pass

    def test_one_before_judging_is_counted_and_logged(self, caplog):
        ours = NotModifiedMiddleware(lambda _: self.Broken(PAGE))
        request = RequestFactory().head("/")
        answer = ours(request)
        assert (answer.status_code, answer.content, "ETag" in answer) == (200, PAGE, False)
        assert request.META["notmodified.result"] == "error"
        assert request.method == "HEAD"
        assert (ours.core.stats()["requests"], ours.core.stats()["errors"]) == (1, 1)
        assert "answering with the response failed" in caplog.text
        assert "RuntimeError" in caplog.text

    def test_one_after_judging_leaves_the_response(self, caplog, monkeypatch):
        def fail(*_):
            raise RuntimeError

        monkeypatch.setattr(middleware, "_write", fail)
        ours = NotModifiedMiddleware(lambda _: HttpResponse(PAGE))
        answer = ours(RequestFactory().get("/"))
        assert (answer.status_code, answer.content) == (200, PAGE)
        assert ours.core.stats()["errors"] == 1
        assert ours.core.stats()["requests"] == 1
        assert "RuntimeError" in caplog.text


class TestSettings:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ({"max_bodi": 1}, "NOTMODIFIED: max_bodi = 1: no such key, did you mean max_body?"),
            ({"policy": [{"path": "/**", "expires": "soon"}]}, "NOTMODIFIED: policy[0].expires"),
            ("nowhere.toml", "nowhere.toml"),
            (7, "config is a path, a Config or a mapping, not int"),
        ],
    )
    def test_what_is_wrong_stops_the_start_and_names_the_key(self, value, said):
        with (
            override_settings(NOTMODIFIED=value),
            pytest.raises(ImproperlyConfigured, match="NOTMODIFIED") as raised,
        ):
            NotModifiedMiddleware(lambda _: None)
        assert said in str(raised.value)

    def test_it_may_be_a_file(self, tmp_path):
        target = tmp_path / "notmodified.toml"
        target.write_text('[[policy]]\npath = "/page"\ncache_control = "private, max-age=9"\n')
        for value in (target, str(target)):
            with override_settings(NOTMODIFIED=value):
                assert get("/page")["Cache-Control"] == "private, max-age=9"

    def test_it_may_be_absent(self):
        from django.conf import settings

        with override_settings():
            del settings.NOTMODIFIED
            assert get("/page")["ETag"] == TAG

    def test_stats_are_those_of_the_process(self):
        gc.collect()  # the handlers of other tests take their counts along
        before = stats()
        client = Client()
        client.get("/page")
        client.get("/page", headers={"If-None-Match": TAG})
        after = stats()
        assert after["not_modified"] - before.get("not_modified", 0) == 1
        assert after["bytes_not_sent"] - before.get("bytes_not_sent", 0) == len(PAGE)


def test_inside_the_wsgi_middleware_it_passes_through():
    from django.core.handlers.wsgi import WSGIHandler

    from kit.in_process import Server, environ_of

    outer = NotModified(WSGIHandler())
    server = Server(environ_of("GET", "/page", [("Host", "testserver"), ("If-None-Match", TAG)]))
    gc.collect()  # the handlers of other tests take their counts along
    before = stats()["requests"]
    server.run(outer)
    assert server.head[0] == "304 Not Modified"
    assert (outer.stats()["not_modified"], stats()["requests"]) == (1, before)
