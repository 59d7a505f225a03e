"""All that PEP 3333 lets an application do still works, and a broken application breaks as before."""

from __future__ import annotations

import pytest

from apps import content, journal, plain, stacks
from apps.plain import SampleError
from kit.answer import new_id
from kit.in_process import Server, environ_of
from kit.over_socket import BadFramingError, Connection
from notmodified import EntityTag, NotModified

pytestmark = pytest.mark.apps("plain")

WHOLE_TAG = str(EntityTag.of(content.WHOLE))
MATCH_ALL = ("If-None-Match", "*")


def serve(target, *fields, method="GET", config="default"):
    """Let the request be served in this process; give the server's side and the request's id."""
    request_id = new_id()
    named = [("X-Stack", f"plain/{config}"), ("X-Request-Id", request_id), *fields]
    return Server(environ_of(method, target, named)), request_id


def closed(request_id):
    return journal.of(request_id)["events"].count("close")


@pytest.mark.needs("write")
class TestWrite:
    @pytest.mark.parametrize("path", ["/write", "/write-then-iterate", "/write-nothing"])
    def test_what_is_written_goes_out_before_what_is_iterated(self, site, path):
        answer = site.get(path)
        assert answer.status == 200
        assert answer.body == content.WHOLE

    def test_each_piece_goes_out_as_it_is_written(self):
        server, _ = serve("/write-then-iterate")
        server.run(stacks.application)
        assert server.pieces == content.CHUNKS

    def test_a_tag_of_its_own_is_judged_at_the_first_write(self, site):
        answer = site.get("/write-then-iterate", ("If-None-Match", content.OWN))
        assert answer.status == 304
        assert answer.body == b""
        assert site.events(answer, "close").count("close") == 1
        assert site.get("/write-then-iterate", ("If-Match", '"other"')).status == 412

    @pytest.mark.needs("head-of-streams")
    @pytest.mark.parametrize("path", ["/write", "/write-then-iterate"])
    def test_head_drops_what_is_written(self, site, path):
        answer = site.head(path)
        assert answer.status == 200
        assert answer.body == b""


class TestLateStart:
    def test_a_generator_calls_start_response_when_it_is_first_asked(self, site):
        answer = site.get("/generator")
        assert answer.status == 200
        assert answer.body == content.WHOLE
        assert site.events(answer, "close").count("close") == 1

    def test_its_declared_body_is_hashed(self, site):
        answer = site.get("/generator-with-length")
        assert answer["ETag"] == WHOLE_TAG
        assert site.get("/generator-with-length", ("If-None-Match", WHOLE_TAG)).status == 304

    def test_its_own_tag_is_judged(self, site):
        answer = site.get("/generator-with-etag", ("If-None-Match", content.OWN))
        assert answer.status == 304
        assert site.events(answer, "close").count("close") == 1
        assert site.get("/generator-with-etag", ("If-Match", '"other"')).status == 412

    @pytest.mark.needs("head-of-streams")
    def test_its_own_tag_is_there_for_head(self, site):
        assert site.head("/generator-with-etag")["ETag"] == content.OWN

    def test_its_chunks_go_out_as_they_came(self):
        server, _ = serve("/generator")
        server.run(stacks.application)
        assert server.pieces == content.CHUNKS


class TestErrorPages:
    """start_response called again with exc_info: nothing of the first call may survive."""

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/error-page", b"it broke"),
            ("/error-page-of-a-generator", b"it broke"),
            ("/error-page-twice", b"and again"),
        ],
    )
    @pytest.mark.parametrize("fields", [(), (("If-None-Match", '"stale"'),), (MATCH_ALL,)], ids=str)
    def test_nothing_of_the_first_head_is_left(self, site, path, body, fields):
        answer = site.get(path, *fields)
        assert answer.status == 500
        assert answer.body == body
        assert answer["Content-Type"] == content.TEXT
        assert answer["Content-Length"] == str(len(body))
        for name in ("ETag", "Cache-Control", "Set-Cookie"):
            assert name not in answer
        assert site.result(answer) == "bypass"

    def test_if_the_last_head_is_a_200_it_is_that_which_is_judged(self, site):
        answer = site.get("/error-page-that-recovers")
        assert answer.status == 200
        assert answer["ETag"] == WHOLE_TAG
        assert "Set-Cookie" not in answer
        assert site.get("/error-page-that-recovers", ("If-None-Match", WHOLE_TAG)).status == 304

    def test_once_the_head_is_out_the_error_is_raised_again(self):
        server, request_id = serve("/error-too-late")
        with pytest.raises(SampleError):
            server.run(stacks.application)
        assert server.pieces == content.CHUNKS[:1]
        assert journal.of(request_id)["events"].count("restart") == 1
        assert closed(request_id) == 1

    @pytest.mark.needs("socket", "late-error")
    def test_and_the_client_sees_that_the_body_is_not_whole(self, site):
        with pytest.raises(BadFramingError):
            site.get("/error-too-late")
        assert site.get("/page").status == 200


class TestBrokenApplications:
    @pytest.mark.parametrize(
        ("path", "closes"),
        [
            ("/raise-at-once", 0),
            ("/raise-after-start", 0),
            ("/raise-first", 1),
            ("/raise-middle", 1),
            ("/raise-middle-of-declared", 1),
            ("/raise-middle-with-etag", 1),
            ("/raise-in-close", 1),
        ],
    )
    def test_its_exception_reaches_the_server_and_it_is_closed_once(self, path, closes):
        server, request_id = serve(path)
        with pytest.raises(SampleError):
            server.run(stacks.application)
        assert closed(request_id) == closes

    @pytest.mark.needs("socket", "500")
    @pytest.mark.parametrize("path", ["/raise-at-once", "/raise-after-start", "/raise-first"])
    def test_the_server_answers_500_without_the_head_that_was_meant(self, site, path):
        answer = site.get(path)
        assert answer.status == 500
        for name in ("ETag", "Cache-Control", "Set-Cookie"):
            assert name not in answer

    @pytest.mark.needs("socket", "late-error")
    @pytest.mark.parametrize(
        "path", ["/raise-middle", "/raise-middle-of-declared", "/raise-middle-with-etag"]
    )
    def test_the_client_never_gets_half_a_body_for_a_whole_one(self, site, path):
        try:
            answer = site.get(path)
        except BadFramingError as cut_off:
            asked = cut_off
        else:
            assert answer.status == 500
            asked = answer
        assert site.events(asked, "close").count("close") == 1
        assert site.get("/page").status == 200

    def test_a_304_is_sent_before_a_body_could_break(self, site):
        answer = site.get("/raise-middle-with-etag", ("If-None-Match", content.OWN))
        assert answer.status == 304
        assert site.events(answer, "close").count("close") == 1

    @pytest.mark.needs("socket", "close-may-fail")
    def test_a_304_is_sent_before_close_could_break(self, site):
        """What the server does with the connection then is its own affair."""
        request_id = new_id()
        fields = [("X-Stack", "plain/default"), ("X-Request-Id", request_id), ("If-None-Match", content.OWN)]
        with Connection(site.running.address) as connection:
            connection.send("GET", "/raise-in-close", fields)
            answer = connection.read_head("GET", request_id)
        assert answer.status == 304
        assert site.events(answer, "close").count("close") == 1

    def test_starting_twice_is_still_an_error(self):
        server, _ = serve("/start-twice")
        with pytest.raises(AssertionError):
            server.run(stacks.application)

    def test_never_starting_is_still_an_error(self):
        server, _ = serve("/start-never")
        with pytest.raises(AssertionError):
            server.run(stacks.application)


class TestDeclaredLength:
    def test_a_body_shorter_than_declared_goes_through_without_a_tag(self):
        server, request_id = serve("/declared-short")
        server.run(stacks.application)
        assert b"".join(server.pieces) == content.WHOLE
        assert ("Content-Length", str(len(content.WHOLE) + 10)) in server.sent[1]
        assert "ETag" not in dict(server.sent[1])
        assert closed(request_id) == 1

    def test_a_body_longer_than_declared_goes_through_without_a_tag(self):
        server, request_id = serve("/declared-long")
        server.run(stacks.application)
        assert b"".join(server.pieces)[: len(content.WHOLE) - 10] == content.WHOLE[:-10]
        assert "ETag" not in dict(server.sent[1])
        assert closed(request_id) == 1

    def test_no_tag_of_what_was_declared_otherwise_matches(self):
        for path in ("/declared-short", "/declared-long"):
            for body in (content.WHOLE, content.WHOLE[:-10]):
                server, _ = serve(path, ("If-None-Match", str(EntityTag.of(body))))
                server.run(stacks.application)
                assert server.sent[0] == "200 OK"

    def test_a_length_that_is_no_number_is_the_servers_to_refuse(self):
        server, request_id = serve("/declared-nonsense")
        server.run(stacks.application)
        assert server.pieces == content.CHUNKS
        assert ("Content-Length", "several") in server.sent[1]
        assert server.environ["notmodified.result"] == "bypass"
        assert closed(request_id) == 1


class TestClose:
    @pytest.mark.parametrize("path", ["/stream", "/declared", "/stream-etag", "/page", "/generator"])
    @pytest.mark.parametrize("pieces", [0, 1])
    def test_when_the_client_goes_away(self, path, pieces):
        """PEP 3333: close() is called even if the iteration is abandoned, or never begun."""
        server, request_id = serve(path)
        if pieces:
            server.run(stacks.application, pieces=pieces)
        else:
            result = stacks.application(server.environ, server.start_response)
            result.close()
        if path == "/generator" and not pieces:
            # Never begun, it has nothing to clean up: Python does not run its finally then.
            assert closed(request_id) <= 1
        else:
            assert closed(request_id) == 1

    @pytest.mark.parametrize("path", ["/stream", "/declared", "/stream-etag", "/page", "/write-then-iterate"])
    @pytest.mark.parametrize(
        "fields", [(), (MATCH_ALL,), (("If-Match", '"other"'),), (("If-None-Match", '"other"'),)], ids=str
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    def test_once_whatever_the_answer_is(self, path, fields, method):
        server, request_id = serve(path, *fields, method=method)
        server.run(stacks.application)
        assert closed(request_id) == 1

    def test_closing_twice_closes_once(self):
        for path in ("/stream", "/declared", "/page"):
            server, request_id = serve(path)
            result = stacks.application(server.environ, server.start_response)
            list(result)
            if hasattr(result, "close"):
                result.close()
                result.close()
                assert closed(request_id) >= 1


class TestPlumbing:
    def test_a_list_that_needs_nothing_is_handed_on_as_it_is(self):
        """Servers are quicker with a list; there is no reason to wrap it."""
        body = [b"one", b"two"]

        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return body

        server = Server(environ_of("GET", "/"))
        assert list(NotModified(application)(server.environ, server.start_response)) == body

    def test_the_environ_that_arrives_is_the_very_dict_of_the_server(self):
        seen = []

        def application(environ, start_response):
            seen.append(environ)
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b""]

        for method in ("GET", "HEAD", "POST"):
            server = Server(environ_of(method, "/"))
            server.run(NotModified(application))
            assert seen.pop() is server.environ

    def test_the_list_of_headers_stays_the_applications_own(self):
        """An application may keep one list for all its answers."""
        headers = [("Content-Type", "text/plain"), ("Content-Length", "5")]

        def application(environ, start_response):
            start_response("200 OK", headers)
            return [b"hello"]

        wrapped = NotModified(application)
        for fields in ([], [MATCH_ALL], [("If-Match", '"other"')]):
            Server(environ_of("GET", "/", fields)).run(wrapped)
        assert headers == [("Content-Type", "text/plain"), ("Content-Length", "5")]

    def test_middleware_outside_that_adds_fields_finds_a_list_it_may_change(self):
        def outside(environ, start_response):
            def start(status, headers, exc_info=None):
                headers.append(("X-Outside", "1"))
                return start_response(status, headers, exc_info)

            return wrapped(environ, start)

        wrapped = NotModified(plain.application)
        for fields in ([], [MATCH_ALL], [("If-Match", '"other"')]):
            server = Server(environ_of("GET", "/page", [("X-Request-Id", new_id()), *fields]))
            server.run(outside)
            assert ("X-Outside", "1") in server.sent[1]

    def test_field_names_are_found_in_any_case(self):
        def application(environ, start_response):
            start_response(
                "200 OK", [("content-type", "text/plain"), ("eTaG", '"x"'), ("CONTENT-LENGTH", "2")]
            )
            return [b"hi"]

        server = Server(environ_of("GET", "/", [("If-None-Match", '"x"')]))
        server.run(NotModified(application))
        assert server.sent == ("304 Not Modified", [("eTaG", '"x"')])

    def test_a_status_of_the_applications_own_wording_is_kept(self):
        def application(environ, start_response):
            start_response("200 Here you are", [("Content-Type", "text/plain")])
            return [b"hi"]

        server = Server(environ_of("GET", "/"))
        server.run(NotModified(application))
        assert server.sent[0] == "200 Here you are"

    def test_octets_that_are_no_ascii_stay_what_they_are_in_fields(self):
        def application(environ, start_response):
            start_response(
                "200 OK", [("Content-Type", "text/plain"), ("X-Name", "J\xf6rg"), ("ETag", '"\xfc"')]
            )
            return [b"hi"]

        wrapped = NotModified(application)
        server = Server(environ_of("GET", "/"))
        server.run(wrapped)
        assert server.sent[1] == [("Content-Type", "text/plain"), ("X-Name", "J\xf6rg"), ("ETag", '"\xfc"')]
        server = Server(environ_of("GET", "/", [("If-None-Match", '"\xfc"')]))
        server.run(wrapped)
        assert server.sent[0] == "304 Not Modified"
