"""The routes of a project as path templates, from its URLconf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import conf
from django.urls import get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, URLResolver

from notmodified import url_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified.url_map import Pieces


def templates() -> list[str]:
    """Return the templates in the URLconf's order, the first of which is what Django would choose.

    Raises ValueError for an expression that no template can say.
    """
    mounted = (conf.settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    return list(
        dict.fromkeys(url_map.template(pieces) for pieces in _within(get_resolver(), (f"{mounted}/",)))
    )


def _within(resolver: Any, before: Pieces) -> Iterator[Pieces]:
    for one in resolver.url_patterns:
        is_whole = not isinstance(one, URLResolver)
        for pieces in _pieces(one.pattern, is_whole=is_whole):
            if is_whole:
                yield (*before, *pieces)
            else:
                yield from _within(one, (*before, *pieces))


def _pieces(pattern: Any, *, is_whole: bool) -> list[Pieces]:
    if isinstance(pattern, RegexPattern):
        return url_map.of_expression(str(pattern), is_whole=is_whole)
    if isinstance(pattern, LocalePrefixPattern):
        prefix: list[Pieces] = [(url_map.Variable("language"), "/")]
        return prefix if pattern.prefix_default_language else [*prefix, ()]

    def has_slashes(name: str, _: str | None) -> bool:
        return url_map.matches_slash(pattern.converters[name].regex)

    return [url_map.of_route(str(pattern), has_slashes)]
