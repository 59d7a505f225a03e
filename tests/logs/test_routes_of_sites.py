"""`--routes`: what real URL maps of Django and Flask come to, and lines that are none."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from logs.test_command import document_of, logs
from logs.writing import Line, write
from notmodified import url_map

if TYPE_CHECKING:
    from pathlib import Path

DJANGO = """
from django.contrib import admin
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpResponse
from django.urls import include, path, re_path, register_converter
from rest_framework import routers, viewsets

class Deep:
    regex = "[a-z]+/[a-z]+"
    to_python = to_url = str

class Code:
    regex = "[A-Z]{3}"
    to_python = to_url = str

register_converter(Deep, "deep")
register_converter(Code, "code")

class Articles(viewsets.ViewSet):
    def list(self, request): ...
    def retrieve(self, request, pk=None): ...

router = routers.DefaultRouter()
router.register("things", Articles, basename="thing")

def view(request, *args, **kwargs):
    return HttpResponse()

shop = [path("<slug:product>/", view), path("<slug:product>/reviews/<int:pk>/", view)]
urlpatterns = [
    path("", view),
    path("about/", view),
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("shop/<code:code>/", include(shop)),
    path("files/<path:name>", view),
    path("deep/<deep:two>/end", view),
    re_path(r"^archive/(?P<year>[0-9]{4})/(?:page-(?P<page>[0-9]+)/)?$", view),
    re_path(r"^old-(\\d+)\\.(html|php)$", view),
    re_path(r"^legacy/", view),
    re_path(r"^(?P<rest>.*)/raw$", view),
    *i18n_patterns(path("news/<int:pk>/", view), prefix_default_language=False),
]
"""
SETTINGS = """
SECRET_KEY = "x"
ROOT_URLCONF = "urls"
USE_I18N = True
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "rest_framework", "notmodified.django",
]
MIDDLEWARE = []
TEMPLATES = []
DATABASES = {}
"""
# Paths of a site, and the template that each is counted under.
OF_DJANGO = {
    "/": "/",
    "/about/": "/about/",
    "/admin/login/": "/admin/login/",
    "/admin/auth/user/17/change/": "/admin/auth/user/**/change/",
    "/api/things/": "/api/things/",
    "/api/things/9/": "/api/things/{pk}/",
    "/api/things/9.json": "/api/things/*.*",
    "/api/things.json": "/api/things.*",
    "/shop/ABC/tea/": "/shop/{code}/{product}/",
    "/shop/ABC/tea/reviews/4/": "/shop/{code}/{product}/reviews/{pk}/",
    "/files/a/b/c.pdf": "/files/**",
    "/files/a.pdf": "/files/**",
    "/deep/a/b/end": "/deep/**/end",
    "/archive/2019/": "/archive/{year}/",
    "/archive/2019/page-3/": "/archive/{year}/page-*/",
    "/old-17.php": "/old-*.*",
    "/legacy/": "/legacy/**",
    "/legacy/a/b": "/legacy/**",
    "/a/b/raw": "/**/raw",
    "/de/news/5/": "/{language}/news/{pk}/",
    "/news/5/": "/news/{pk}/",
}
FLASK = """
from flask import Blueprint, Flask

app = Flask(__name__)
shop = Blueprint("shop", __name__, url_prefix="/shop/<code>", static_folder="own")

@app.get("/")
@app.route("/<path:anything>")
@app.route("/articles/<int:id>", methods=["GET", "PUT", "DELETE"])
@app.route("/articles/<int(min=1):id>/comments/<uuid:comment>")
@app.get("/report-<int:year>.html")
@app.get("/on/<any(mon, tue):day>")
def view(**kwargs):
    return ""

@shop.get("/<product>/")
def product(code, product):
    return ""

app.register_blueprint(shop)
"""
OF_FLASK = {
    "/": "/",
    "/articles/17": "/articles/{id}",
    "/articles/17/comments/123e4567-e89b-12d3-a456-426614174000": "/articles/{id}/comments/{comment}",
    "/report-2026.html": "/report-*.html",
    "/on/mon": "/on/{day}",
    "/shop/a/tea/": "/shop/{code}/{product}/",
    "/shop/a/own/x/y.css": "/shop/{code}/own/**",
    "/static/css/x.css": "/static/**",
    "/whatever/else": "/**",
}


def printed(folder: Path, *command: str, module: str, source: str) -> Path:
    """What a command of a project prints, in a file."""
    (folder / f"{module}.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (folder / "routes.txt").write_text(done.stdout)
    return folder / "routes.txt"


def counted(folder: Path, routes: Path, paths: dict[str, str]) -> dict[str, str]:
    """The route under which each path was counted."""
    found = {}
    for path in paths:
        (route,) = document_of("--routes", routes, write(folder / "log", [Line(target=path)]))["routes"]
        found[path] = route["route"]
    return found


def test_a_django_project_prints_its_routes(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(SETTINGS)
    command = ("django", "caching_routes", "--settings=settings", "--pythonpath=.")
    routes = printed(tmp_path, *command, module="urls", source=DJANGO)
    assert counted(tmp_path, routes, OF_DJANGO) == OF_DJANGO


def test_what_flask_prints_of_its_routes_is_read(tmp_path: Path) -> None:
    command = ("flask", "--app", "site_app", "routes")
    routes = printed(tmp_path, *command, module="site_app", source=FLASK)
    assert counted(tmp_path, routes, OF_FLASK) == OF_FLASK


def test_none_stands_before_one_that_matches_only_some_of_its_paths() -> None:
    special_first = [
        *("/a/b", "/a/b*.png", "/a/b*", "/a/{x}/c/**", "/a/{x}", "/a/**/c", "/a/**/*.png", "/a/**"),
        *("/{x}/b", "/{x}", "/**/b", "/**/*.png", "/**"),
    ]
    by_letters = sorted(special_first)
    by_letters.sort(key=url_map.generality)
    assert by_letters == special_first


def test_each_line_is_read_as_what_it_looks_like(tmp_path: Path) -> None:
    file = tmp_path / "routes.txt"
    file.write_text(
        "# by hand\n\n/a b/{id}/*.html\narticles/<int:pk>/\n^blog/(?P<slug>[-\\w]+)/$\n"
        # As show_urls of django-extensions prints it.
        "/polls/<int:question>/\tpolls.views.detail\tpolls:detail\n"
    )
    assert url_map.read(file) == [
        ("/a b/{id}/*.html", f"{file}:3"),
        ("/articles/{pk}/", f"{file}:4"),
        ("/blog/{slug}/", f"{file}:5"),
        ("/polls/{question}/", f"{file}:6"),
    ]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="nothing of it is deprecated")
def test_expressions_are_parsed_with_nothing_deprecated() -> None:
    program = "import sys, notmodified.url_map; sys.exit('sre_parse' in sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/articles/<int:id", "'/articles/<int:id' is no route: write /articles/<int:id> or /articles/{id}"),
        ("^articles/(?P<id>[0-9]+$", "is no regular expression: missing ), unterminated subpattern"),
        (f"^{'(?:aa|bb|cc|dd)' * 9}$", "it has more than 64 alternatives"),
        ("/{a}/{a}/", "`{a}` is there twice: give each segment its own name"),
        ("/a**/b", "`**` must be a segment of its own"),
        ("/gr%C3%BC%C3%9Fe/", "paths are matched percent-decoded"),
    ],
)
def test_a_line_that_is_no_route_is_named_with_its_file(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "routes.txt"
    file.write_text(f"/fine/\n{line}\n")
    done = logs("--routes", file, write(tmp_path / "log", [Line()]))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"notmodified logs: {file}:2: ")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("expression", "has"),
    [
        ("[0-9]+", False),
        ("[^/]+", False),
        (r"[\w-]+", False),
        (r"\W", True),
        ("[^a]", True),
        (".+", True),
        ("a|b/c", True),
        ("[+-9]", True),
        ("(?:a/)?b", True),
        (r"\d{2}", False),
    ],
)
def test_whether_a_variable_has_slashes_is_told_by_its_expression(expression: str, has: bool) -> None:
    assert url_map.matches_slash(expression) is has
