"""A small site to watch `NotModified` on: pages, a JSON API, a download, a stream, events, an edit.

The site knows nothing of entity-tags or conditional requests: what it shows of them is the middleware's work.

    NOTMODIFIED_DEMO_DATA=/tmp/site gunicorn --workers 2 'notmodified.sample_site:create_app()'
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    send_file,
)

from notmodified import NotModified
from notmodified.sample_site.articles import Article, Articles

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM_PAUSE = 0.05
EVENT_PAUSE = 0.2
MAX_EVENTS = 600
REPORT_SECONDS = 0.05

_pages = Blueprint("pages", __name__)


def create_app(data: str | os.PathLike[str] | None = None) -> NotModified:
    """Return the sample site wrapped by `NotModified`, configured by the `notmodified.toml` beside it.

    `data` is a directory that all workers share; without it the environment's NOTMODIFIED_DEMO_DATA names
    one.
    """
    directory = data if data is not None else os.environ.get("NOTMODIFIED_DEMO_DATA")
    if directory is None:
        msg = "set NOTMODIFIED_DEMO_DATA to a directory that all workers share, or pass it to create_app()"
        raise RuntimeError(msg)
    return NotModified(
        create_site(Path(directory)),
        config=Path(__file__).with_name("notmodified.toml"),
        store_path=str(Path(directory) / "validators"),
    )


def create_site(directory: Path) -> Flask:
    """Return the bare Flask application over the articles in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    site = Flask(__name__)
    site.extensions["articles"] = Articles(directory)
    site.register_blueprint(_pages)
    return site


def _articles() -> Articles:
    return cast("Articles", current_app.extensions["articles"])


def _article(slug: str) -> Article:
    return _articles().get(slug) or abort(404)


@_pages.get("/")
def front_page() -> str:
    """Show all articles."""
    return render_template("front.html", articles=_articles().all(), base=request.host_url.rstrip("/"))


@_pages.get("/articles/<slug>")
def article_page(slug: str) -> str:
    """Show one article."""
    return render_template("article.html", article=_article(slug), base=request.host_url.rstrip("/"))


@_pages.get("/api/articles")
def list_articles() -> Response:
    """Return all articles as JSON."""
    return jsonify([asdict(article) for article in _articles().all()])


@_pages.get("/api/articles/<slug>")
def get_article(slug: str) -> Response:
    """Return one article as JSON."""
    return jsonify(asdict(_article(slug)))


@_pages.put("/api/articles/<slug>")
def edit_article(slug: str) -> Response:
    """Change an article's title, body, or both."""
    change = request.get_json()
    if not isinstance(change, dict) or not change or not change.keys() <= {"title", "body"}:
        abort(400, "send a JSON object with a new 'title', a new 'body', or both")
    if not all(isinstance(text, str) for text in change.values()):
        abort(400, "'title' and 'body' are strings")
    response = jsonify(asdict(_articles().edit(slug, change.get("title"), change.get("body")) or abort(404)))
    response.headers["Cache-Group-Invalidation"] = '"articles"'
    return response


@_pages.get("/report")
def report() -> Response:
    """Count the words of all articles, which takes its time; it holds until one of them is edited."""
    articles = _articles()
    articles.count_report()
    words = {article.slug: len(article.body.split()) for article in articles.all()}
    revisions = sum(article.revision for article in articles.all())
    time.sleep(REPORT_SECONDS)  # what a page of many queries takes
    response = jsonify({"words": words, "revisions": revisions})
    response.headers["Notmodified-Cache-Control"] = "max-age=3600"
    response.headers["Cache-Groups"] = '"articles"'
    return response


@_pages.get("/report/runs")
def report_runs() -> Response:
    """Tell how often the view of the report has run, in all workers."""
    return jsonify({"runs": _articles().reports})


@_pages.get("/almanac.csv")
def almanac() -> Response:
    """Send a file, through the server's own `wsgi.file_wrapper`."""
    # Flask's own conditional handling is off: it judges by size and second, the middleware by content.
    return send_file(_articles().almanac, mimetype="text/csv", conditional=False, etag=False)


@_pages.get("/export.ndjson")
def export() -> Response:
    """Send all articles, each as soon as it is ready."""
    articles = _articles()

    def lines() -> Iterator[str]:
        for number, article in enumerate(articles.all()):
            if number:
                time.sleep(STREAM_PAUSE)
            yield json.dumps(asdict(article)) + "\n"

    return Response(lines(), mimetype="application/x-ndjson")


@_pages.get("/events")
def events() -> Response:
    """Tell the articles' revisions, `count` times (server-sent events)."""
    articles = _articles()
    count = min(request.args.get("count", default=MAX_EVENTS, type=int), MAX_EVENTS)

    def revisions() -> Iterator[str]:
        for number in range(count):
            if number:
                time.sleep(EVENT_PAUSE)
            state = {article.slug: article.revision for article in articles.all()}
            yield f"id: {number}\nevent: revisions\ndata: {json.dumps(state)}\n\n"

    return Response(revisions(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})
