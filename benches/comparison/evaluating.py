"""Preconditions of an environ, judged: `evaluate()` and its peers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import etag as etag_package
import werkzeug.http
from django.http import HttpRequest
from django.utils.cache import get_conditional_response

from comparison import prototypes
from comparison.measure import OURS, PROTOTYPE, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.request import ETAG, HOSTILE, environ_with, hostile
from comparison.served import configure_django
from notmodified import Decision, EntityTag, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

WERKZEUG = "Werkzeug `is_resource_modified`"
DJANGO = "Django `get_conditional_response`"
ETAG_PACKAGE = "etag `evaluate_preconditions`"
OURS_WITH_OBJECT = "notmodified, EntityTag kept"

# How each is asked, and what it answers if a 304 is due.
ASKED: dict[str, tuple[str, Callable[[object], bool]]] = {
    OURS: ("evaluate(environ, etag)", lambda answer: answer is Decision.NOT_MODIFIED),
    OURS_WITH_OBJECT: ("evaluate(environ, tag)", lambda answer: answer is Decision.NOT_MODIFIED),
    WERKZEUG: ("is_resource_modified(environ, etag)", lambda answer: not answer),
    DJANGO: ("get_conditional_response(request, etag)", lambda answer: answer is not None),
    ETAG_PACKAGE: (
        """evaluate_preconditions(environ["REQUEST_METHOD"], etag, if_match=environ.get("HTTP_IF_MATCH"),
        if_none_match=environ.get("HTTP_IF_NONE_MATCH"))""",
        lambda answer: answer == 304,
    ),
}
if prototypes.BUILT:
    ASKED[PROTOTYPE] = ("prototype_evaluate(environ, etag)", bool)


def contenders(environ: dict[str, object], *, due: bool, without: tuple[str, ...] = ()) -> list[Contender]:
    request = HttpRequest()
    request.META, request.method = environ, environ["REQUEST_METHOD"]
    names = {
        "environ": environ,
        "etag": ETAG,
        "tag": EntityTag.parse(ETAG),
        "request": request,
        "evaluate": evaluate,
        "is_resource_modified": werkzeug.http.is_resource_modified,
        "get_conditional_response": get_conditional_response,
        "evaluate_preconditions": etag_package.evaluate_preconditions,
        "prototype_evaluate": prototypes.evaluate,
    }
    chosen = {name: asked for name, asked in ASKED.items() if name not in without}
    for name, (statement, is_due) in chosen.items():
        if is_due(eval(statement, names)) != due:
            msg = f"{name} answers {statement} wrongly"
            raise AssertionError(msg)
    return [Contender(name, statement, names) for name, (statement, _) in chosen.items()]


def other_tags(count: int) -> str:
    return ", ".join(f'"{number:0>22}"' for number in range(count))


USUAL = {
    "no precondition": (environ_with(), False),
    "one tag, another": (environ_with(if_none_match=other_tags(1)), False),
    "one tag, the same": (environ_with(if_none_match=ETAG), True),
    "50 tags, no match": (environ_with(if_none_match=other_tags(50)), False),
}
SIZES = {"8 KiB": 8 << 10, "64 KiB": 64 << 10, "800 KiB": 800 << 10}
METHODS = ("GET", "PUT")


def measure_usual(effort: Effort) -> Samples:
    configure_django([])
    works = [Work(title, contenders(environ, due=due)) for title, (environ, due) in USUAL.items()]
    return side_by_side(works, effort)


def hostile_work(shape: str, size: str, method: str) -> Work:
    length = SIZES[size]
    environ = environ_with(if_none_match=hostile(shape, length))
    environ["REQUEST_METHOD"] = method
    if size == "8 KiB" and method == "GET":
        # The prototype knows no limit and no grammar, only commas.
        chosen = contenders(environ, due=False, without=(ETAG_PACKAGE, OURS_WITH_OBJECT, PROTOTYPE))
    else:
        names = {"evaluate": evaluate, "environ": environ, "etag": ETAG}
        chosen = [Contender(OURS, ASKED[OURS][0], names)]
    return Work(f"{shape}, {method}, {size}", chosen, per=length)


def measure_hostile(effort: Effort) -> Samples:
    configure_django([])
    works = [hostile_work(shape, size, method) for shape in HOSTILE for method in METHODS for size in SIZES]
    return side_by_side(works, replace(effort, rounds=max(2, effort.rounds // 4)))


def usual_lines() -> list[Line]:
    lines = []
    for title in USUAL:
        many = title.startswith("50")
        lines += [
            Line(title, WERKZEUG, at_least=30 if many else 20),
            Line(title, DJANGO, at_least=100 if many else 35),
            Line(title, ETAG_PACKAGE),
            Line(title, PROTOTYPE),
            Line(title, OURS_WITH_OBJECT),
        ]
    return lines


def hostile_lines() -> list[Line]:
    lines = []
    for shape in HOSTILE:
        lines += [Line(f"{shape}, GET, 8 KiB", peer) for peer in (WERKZEUG, DJANGO)]
        lines += [Line(f"{shape}, {method}, {size}", limit_ns=4) for method in METHODS for size in SIZES]
    return lines


USUAL_GROUP = Group(
    "evaluate",
    "Preconditions, judged",
    "One call on the environ of a browser's GET through Gunicorn 27. The etag is given as text to everyone; "
    "the line `EntityTag kept` is ours with the parsed object instead. Django's HttpRequest is made before. "
    "The prototype splits at commas and compares, and nothing else.",
    measure_usual,
    usual_lines(),
)
HOSTILE_GROUP = Group(
    "hostile",
    "Hostile fields, a byte",
    "If-None-Match full of one thing, to so many bytes: time divided by bytes. What is longer than 64 KiB "
    "counts as malformed and is not read.",
    measure_hostile,
    hostile_lines(),
)
