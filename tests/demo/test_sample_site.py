"""The sample site by itself, without the middleware: what it answers and what it keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from notmodified.sample_site import create_app, create_site
from notmodified.sample_site.articles import Articles

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_site(tmp_path).test_client()


def test_every_article_is_on_the_front_page_and_has_a_page(client: FlaskClient) -> None:
    articles = client.get("/api/articles").json
    front = client.get("/").text
    assert len(articles) == 4
    for article in articles:
        assert article["title"] in front
        assert article["title"] in client.get(f"/articles/{article['slug']}").text


def test_an_edit_is_seen_by_every_instance_over_the_same_directory(
    client: FlaskClient, tmp_path: Path
) -> None:
    other = create_site(tmp_path).test_client()
    edited = client.put("/api/articles/who-decides", json={"title": "Somebody"}).json
    assert (edited["title"], edited["revision"]) == ("Somebody", 2)
    assert other.get("/api/articles/who-decides").json == edited
    assert "Somebody" in other.get("/").text


def test_a_title_is_text_and_not_markup(client: FlaskClient) -> None:
    client.put("/api/articles/who-decides", json={"title": "<script>"})
    assert "<script>" not in client.get("/").text
    assert "&lt;script&gt;" in client.get("/").text


@pytest.mark.parametrize("change", [{}, [], {"slug": "x"}, {"title": 1}, {"body": None}, "x"])
def test_a_change_that_is_none_is_refused(client: FlaskClient, change: object) -> None:
    assert client.put("/api/articles/who-decides", json=change).status_code == 400
    assert client.get("/api/articles/who-decides").json["revision"] == 1


def test_what_is_not_there_is_404(client: FlaskClient) -> None:
    assert client.get("/articles/nothing").status_code == 404
    assert client.get("/api/articles/nothing").status_code == 404
    assert client.put("/api/articles/nothing", json={"title": "x"}).status_code == 404


def test_workers_that_start_at_once_make_one_first_edition(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: Articles(tmp_path), range(8)))
    assert {tuple(articles.all()) for articles in opened} == {tuple(opened[0].all())}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["almanac.csv", "articles.sqlite"]


def test_without_a_shared_directory_the_factory_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTMODIFIED_DEMO_DATA", raising=False)
    with pytest.raises(RuntimeError, match="NOTMODIFIED_DEMO_DATA"):
        create_app()


def test_the_factory_wraps_the_site(tmp_path: Path) -> None:
    app = create_app(tmp_path)
    assert type(app).__name__ == "NotModified"
