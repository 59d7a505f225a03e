"""`wrap()`: the application that a text names, found as Gunicorn finds it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults

import pytest

from notmodified import NotModified, wrap

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
def make(greeting="hello", *, times=1, fail=False):
    if fail:
        raise RuntimeError("the factory failed")
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [(greeting * times).encode()]
    return app

application = make()
other = make("other")
number = 3
nothing = None

def make_nothing():
    return None
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrapped_site.py").write_text(MODULE)
    (tmp_path / "wrapped_package").mkdir()
    (tmp_path / "wrapped_package" / "__init__.py").touch()
    (tmp_path / "wrapped_package" / "wsgi.py").write_text(MODULE)
    (tmp_path / "needs_more.py").write_text("import a_module_that_is_not_there\n")
    (tmp_path / "broken_site.py").write_text("raise RuntimeError('broken at import')\n")
    (tmp_path / "empty_site.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in (
        "wrapped_site",
        "wrapped_package",
        "wrapped_package.wsgi",
        "needs_more",
        "broken_site",
        "empty_site",
    ):
        monkeypatch.delitem(sys.modules, name, raising=False)


def body_of(application: NotModified) -> str:
    environ: dict = {}
    setup_testing_defaults(environ)
    heads = []
    pieces = application(environ, lambda status, fields, exc_info=None: heads.append((status, dict(fields))))
    body = b"".join(pieces).decode()
    assert heads[0][0] == "200 OK"
    assert heads[0][1]["ETag"].startswith('"'), "the application is not wrapped"
    return body


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("wrapped_site", "hello"),
        ("wrapped_site:application", "hello"),
        ("wrapped_site:other", "other"),
        ("wrapped_site:make()", "hello"),
        ("wrapped_site:make('bye')", "bye"),
        ('wrapped_site:make("bye", times=2)', "byebye"),
        ("wrapped_site: make('a:b')", "a:b"),
        ("wrapped_package.wsgi", "hello"),
        ("wrapped_package.wsgi:other", "other"),
    ],
)
def test_what_the_text_names_is_wrapped(text: str, body: str) -> None:
    application = wrap(text)
    assert isinstance(application, NotModified)
    assert body_of(application) == body


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("no_such_module", ModuleNotFoundError, "there is no module 'no_such_module'"),
        ("wrapped_package.no_such", ModuleNotFoundError, "there is no module 'wrapped_package.no_such'"),
        ("no_such.wsgi:app", ModuleNotFoundError, "there is no module 'no_such'"),
        ("wrapped_site.py", ModuleNotFoundError, "write its module's name: 'wrapped_site:application'"),
        (
            "./wrapped_package/wsgi.py:other",
            ImportError,
            "write its module's name: 'wrapped_package.wsgi:other'",
        ),
        ("wrapped_site:app", ImportError, "no 'app'; it has 'wrapped_site:application'"),
        ("empty_site", ImportError, "the module 'empty_site' has no 'application'"),
        ("wrapped_site:number", TypeError, "of type 'int', not a WSGI application"),
        ("wrapped_site:nothing", TypeError, "is None, not a WSGI application"),
        ("wrapped_site:make_nothing()", TypeError, "returned None, not a WSGI application"),
        ("wrapped_site:make(", ValueError, "does not name an application; write 'module'"),
        ("wrapped_site:a.b", ValueError, "does not name an application"),
        ("wrapped_site:a.b()", ValueError, "does not name an application"),
        ("wrapped_site:1", ValueError, "does not name an application"),
        ("wrapped_site:make(number)", ValueError, "are not all literals"),
        ("wrapped_site:make(**{'times': 2})", ValueError, "does not name an application"),
        (":application", ValueError, "no module before ':application'"),
        ("", ValueError, "no module before"),
    ],
)
def test_what_names_nothing_is_told_clearly(text: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error) as caught:
        wrap(text)
    assert told in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("broken_site", RuntimeError, "broken at import"),
        ("needs_more", ModuleNotFoundError, "No module named 'a_module_that_is_not_there'"),
        ("wrapped_site:make(fail=True)", RuntimeError, "the factory failed"),
        ("wrapped_site:make(nonsense=1)", TypeError, "nonsense"),
    ],
)
def test_what_the_application_itself_raises_comes_through(
    text: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        wrap(text)


def test_the_configuration_is_the_second_argument() -> None:
    policies = {"policy": [{"path": "/**", "cache_control": {"max_age": 60}}]}
    heads: list = []
    environ: dict = {}
    setup_testing_defaults(environ)
    b"".join(
        wrap("wrapped_site", policies)(
            environ, lambda status, fields, exc_info=None: heads.append(dict(fields))
        )
    )
    assert heads[0]["Cache-Control"] == "max-age=60"
