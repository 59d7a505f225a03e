"""What is no head by PEP 3333 goes to the server as it is, which has the words to refuse it.

It is counted and logged, and nothing of it is judged: half of a head read wrongly would be worse than none.
"""

from __future__ import annotations

import pytest

from notmodified import NotModified

CONTENT_TYPE = ("Content-Type", "text/plain")


@pytest.mark.parametrize(
    "headers",
    [
        [CONTENT_TYPE, ("X-A", "b", "c")],
        [("ETag", '"v1"', "c"), CONTENT_TYPE],
        [("Set-Cookie", "a=b", "c", "d"), CONTENT_TYPE],
        [CONTENT_TYPE, ("X-A",)],
        [CONTENT_TYPE, ()],
        [CONTENT_TYPE, ["X-A", "b"]],
        [CONTENT_TYPE, "ab"],
        [CONTENT_TYPE, ("X-A", 304)],
        [CONTENT_TYPE, ("X-A", None)],
        [CONTENT_TYPE, (b"X-A", "b")],
        [CONTENT_TYPE, None],
        (CONTENT_TYPE,),
        {"Content-Type": "text/plain"},
        None,
    ],
    ids=repr,
)
@pytest.mark.parametrize("options", [{}, {"policy": [{"path": "/**", "preset": "page"}]}], ids=["", "policy"])
def test_a_head_that_is_none_is_the_servers_to_refuse(headers, options, caplog):
    content = [b"content"]

    def app(_, start_response):
        start_response("200 OK", headers)
        return content

    wrapped = NotModified(app, **options)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_IF_NONE_MATCH": '"v1"'}
    seen = []
    assert wrapped(environ, lambda *head: seen.append(head)) is content
    assert seen == [("200 OK", headers)]
    assert seen[0][1] is headers
    assert environ["notmodified.result"] == "error"
    assert wrapped.stats()["errors"] == wrapped.stats()["requests"] == 1
    assert "judging the response failed, the app's own response goes out" in caplog.text
