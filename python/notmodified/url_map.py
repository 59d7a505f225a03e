"""Routes of a site as path templates, from how Django and Flask write them.

A route is taken apart into pieces: text, and what a view gets. What may have a slash in it becomes `**`, what
is a whole segment a `{name}`, anything else `*`.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# There is no public way to know what an expression matches: this is what `re` itself parses them with.
_syntax: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

# `<int:id>`, `<id>`, and what Werkzeug's converters take: `<any(a, b):which>`.
_CONVERTER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
_HEAD_OF_FLASK = re.compile(r"Endpoint\s+Methods\s+(?:.*\s)?Rule\s*")
# Of one expression; who has more can't want them all named.
_MOST_ALTERNATIVES = 64
_SLASH = ord("/")
_CATEGORIES_WITH_SLASH = {
    _syntax.CATEGORY_NOT_DIGIT,
    _syntax.CATEGORY_NOT_SPACE,
    _syntax.CATEGORY_NOT_WORD,
}


@dataclass(frozen=True)
class Variable:
    """A part of a path that is not always the same."""

    name: str | None
    has_slashes: bool = False


Pieces: TypeAlias = tuple[str | Variable, ...]
# What an expression was parsed to: operations, each with its operand.
_Tree: TypeAlias = Iterable[tuple[Any, Any]]


def read(file: str | Path) -> list[tuple[str, str]]:
    """Return the templates that a file has, each with the place where it stands: `routes.txt:3`.

    It is what `flask routes` or `manage.py caching_routes` print, or has a route in each line: a template as
    policies have it, `/articles/<int:id>`, or an expression of `re_path`. Raises ValueError that names the
    line which is none of that.
    """
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    table = next((number for number, line in enumerate(lines) if _HEAD_OF_FLASK.fullmatch(line)), None)
    if table is None:
        found = [
            (place, template)
            for place, line in _numbered(file, lines)
            for template in _judged(place, line, of_line)
        ]
    else:
        column = lines[table].index("Rule")
        # The line of dashes is the next.
        rules = ((place, line[column:]) for place, line in _numbered(file, lines, start=table + 2))
        found = [(place, template) for place, rule in rules for template in _judged(place, rule, of_rule)]
        # The order there is that of names.
        found.sort(key=lambda one: generality(one[1]))
    return [(template, place) for place, template in found]


def _numbered(file: str | Path, lines: Sequence[str], start: int = 0) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines[start:], start + 1):
        if line.strip() and not line.startswith("#"):
            yield f"{file}:{number}", line


def _judged(place: str, line: str, of: Callable[[str], list[str]]) -> list[str]:
    try:
        return of(line)
    except ValueError as error:
        msg = f"{place}: {error}"
        raise ValueError(msg) from error


def generality(template: str) -> tuple[list[int], int]:
    """Return what to sort templates by, so that none comes before one that matches only some of its paths."""
    ranks = [
        3 if segment == "**" else 2 if segment.startswith("{") else int("*" in segment)
        for segment in template.split("/")
    ]
    # What goes on comes before what ends there.
    return [*ranks, 4], -len(template)


def of_line(line: str) -> list[str]:
    """Return the templates of a line that a person wrote, or `manage.py show_urls` of django-extensions."""
    route = line.partition("\t")[0].strip()
    if route.startswith("^") or route.endswith("$") or "(?" in route:
        return [template(pieces) for pieces in of_expression(route)]
    if "<" in route or ">" in route:
        return of_rule(route)
    return [route if route.startswith("/") else f"/{route}"]


def of_rule(rule: str) -> list[str]:
    """Return the template of a rule of Flask or a route of Django's `path`: `/articles/<int:id>`."""
    rule = rule.strip()
    rest = _CONVERTER.sub("", rule)
    if re.search(r"[<>\s]", rest):
        msg = f"{rule!r} is no route: write /articles/<int:id> or /articles/{{id}}"
        raise ValueError(msg)
    return [template(of_route(rule))]


def of_route(route: str, has_slashes: Callable[[str, str | None], bool] | None = None) -> Pieces:
    """Return the pieces of a route in which variables are written `<int:id>`.

    `has_slashes` tells of a variable and its converter whether there may be slashes in it; if it is not
    given, there are in that of `path` alone.
    """
    pieces: list[str | Variable] = []
    at = 0
    for found in _CONVERTER.finditer(route):
        converter, name = found.groups()
        crosses = converter == "path" if has_slashes is None else has_slashes(name, converter)
        pieces += [route[at : found.start()], Variable(name, crosses)]
        at = found.end()
    return (*pieces, route[at:])


def of_expression(expression: str, *, is_whole: bool = True) -> list[Pieces]:
    """Return the pieces of an expression of Django's `re_path`, for each way to take its alternatives.

    If it `is_whole`, the path may go on where it does not end with `$`. Raises ValueError if it is no
    expression or has more alternatives than anybody would name.
    """
    try:
        parsed: Any = _syntax.parse(expression)
    except re.error as error:
        msg = f"{expression!r} is no regular expression: {error}"
        raise ValueError(msg) from error
    names = {number: name for name, number in parsed.state.groupdict.items()}
    found = _alternatives(parsed, names)
    if is_whole and not expression.endswith(("$", "\\Z")):
        found = [(*pieces, Variable(None, has_slashes=True)) for pieces in found]
    return list(dict.fromkeys(found))


def _alternatives(tree: _Tree, names: dict[int, str]) -> list[Pieces]:
    found: list[Pieces] = [()]
    for operation, operand in tree:
        ways = _ways(operation, operand, names)
        found = [(*one, *other) for one, other in itertools.product(found, ways)]
        if len(found) > _MOST_ALTERNATIVES:
            msg = f"it has more than {_MOST_ALTERNATIVES} alternatives"
            raise ValueError(msg)
    return found


def _ways(  # noqa: PLR0911  one for each
    operation: Any, operand: Any, names: dict[int, str]
) -> list[Pieces]:
    """Return what one part of an expression may stand for."""
    if operation is _syntax.LITERAL:
        return [(chr(operand),)]
    if operation in {_syntax.AT, _syntax.ASSERT, _syntax.ASSERT_NOT}:
        return [()]
    if operation is _syntax.BRANCH:
        return [pieces for tree in operand[1] for pieces in _alternatives(tree, names)]
    if operation is _syntax.SUBPATTERN:
        group, tree = operand[0], operand[-1]
        if group is None:
            return _alternatives(tree, names)
        return [(Variable(names.get(group, "arg"), _has_slash(operation, operand)),)]
    if operation in {_syntax.MAX_REPEAT, _syntax.MIN_REPEAT}:
        least, most, tree = operand
        if (least, most) == (0, 1):
            return [(), *_alternatives(tree, names)]
    return [(Variable(None, _has_slash(operation, operand)),)]


def _has_slash(operation: Any, operand: Any) -> bool:
    """Tell whether something that a part of an expression matches has a slash in it."""
    if operation is _syntax.LITERAL:
        return bool(operand == _SLASH)
    if operation is _syntax.NOT_LITERAL:
        return bool(operand != _SLASH)
    if operation is _syntax.IN:
        is_in = any(_is_slash_in(kind, value) for kind, value in operand)
        return is_in is not (operand[0][0] is _syntax.NEGATE)
    if operation is _syntax.BRANCH:
        return any(_has_slash(*part) for tree in operand[1] for part in tree)
    if operation in {_syntax.SUBPATTERN, _syntax.MAX_REPEAT, _syntax.MIN_REPEAT}:
        return any(_has_slash(*part) for part in operand[-1])
    # Anything, or what nobody writes in a path.
    return operation not in {_syntax.AT, _syntax.ASSERT, _syntax.ASSERT_NOT}


def _is_slash_in(kind: Any, value: Any) -> bool:
    if kind is _syntax.LITERAL:
        return bool(value == _SLASH)
    if kind is _syntax.RANGE:
        return bool(value[0] <= _SLASH <= value[1])
    return kind is _syntax.CATEGORY and value in _CATEGORIES_WITH_SLASH


def matches_slash(expression: str) -> bool:
    """Tell whether something that a regular expression matches has a slash in it."""
    parsed: Any = _syntax.parse(expression)
    return any(_has_slash(*part) for part in parsed)


def template(pieces: Pieces) -> str:
    """Return the template that pieces come to, as policies have it."""
    segments: list[list[str | Variable]] = [[]]
    for piece in pieces:
        if isinstance(piece, Variable):
            segments[-1].append(piece)
            continue
        first, *others = piece.split("/")
        segments[-1].append(first)
        segments += [[other] for other in others]
    if segments[0] in ([], [""]) and len(segments) > 1:
        del segments[0]
    taken: set[str] = set()
    written: list[str] = []
    for segment in segments:
        for text in _segment([piece for piece in segment if piece != ""], taken):
            # Twice any number of segments is any number of them.
            if (text, written[-1:]) != ("**", ["**"]):
                written.append(text)
    return "/" + "/".join(written)


def _segment(segment: Sequence[str | Variable], taken: set[str]) -> list[str]:
    """Return one segment of a path as a template has it; several, where a variable has slashes."""
    match segment:
        case [Variable(name=str(name), has_slashes=False)]:
            return [f"{{{_unique(name, taken)}}}"]
        case _:
            text = "".join(_text(piece) for piece in segment)
    before, several, after = text.partition("**")
    if not several:
        return [re.sub(r"\*+", "*", text)]
    after = after.rpartition("**")[2]
    return [*([f"{before}*"] if before else []), "**", *([f"*{after}"] if after else [])]


def _text(piece: str | Variable) -> str:
    if isinstance(piece, Variable):
        return "**" if piece.has_slashes else "*"
    # What a template would take for something else.
    return re.sub(r"[{}*%]+", "*", piece)


def _unique(name: str, taken: set[str]) -> str:
    name = name.lstrip("_0123456789") or "arg"
    numbered = (f"{name}{number}" for number in itertools.count(2))
    unique = next(one for one in itertools.chain([name], numbered) if one not in taken)
    taken.add(unique)
    return unique
