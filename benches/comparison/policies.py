"""What policies add to a request: the middleware with them, beside the same without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparison.measure import OURS, Contender, Effort, Samples, Work, side_by_side
from comparison.report import Group, Line
from comparison.served import BODIES
from comparison.wrapping import around, list_app
from notmodified import NotModified

if TYPE_CHECKING:
    from comparison.served import Size

WITHOUT = "notmodified without policies"
SIZE: Size = "2 KiB"
# A site's worth of them, of which the last is for what is asked.
POLICIES = [
    {"path": "/static/dist/**", "preset": "static-versioned"},
    {"path": "/static/**", "preset": "static-unversioned", "expires": "5m"},
    {"path": "/account/**", "preset": "private"},
    *({"path": f"/section-{number}/{{id}}", "cache_control": "max-age=60"} for number in range(96)),
    {"path": "/**", "media_type": "text/html", "cache_control": {"max_age": 60, "s_maxage": "1h"}},
]
FIELDS = {
    "cache_control": {"no_cache": True},
    "targeted": {"CDN-Cache-Control": {"max_age": "1h"}},
    "cache_groups": ["pages"],
    "vary": "Accept-Language",
}


def work(name: str, status: int, policies: list[dict[str, object]]) -> Work:
    bare = list_app(BODIES[SIZE])
    contenders: list[Contender] = [
        around(OURS, NotModified(bare, policy=policies), bare, status),
        around(WITHOUT, NotModified(bare), bare, status),
    ]
    return Work(name, contenders)


WORKS = {
    f"{status}, {name}": (status, policies)
    for status in (200, 304)
    for name, policies in (("100 policies", POLICIES), ("four fields set", [FIELDS]))
}


def measure(effort: Effort) -> Samples:
    works = [work(name, status, policies) for name, (status, policies) in WORKS.items()]
    return side_by_side(works, effort)


GROUP = Group(
    "policies",
    "Policies",
    f"An app that returns a list of {SIZE}; less a server and the app. With 100 policies the last one is "
    "for the request and sets Cache-Control; the other lines set Cache-Control, CDN-Cache-Control, "
    "Cache-Groups and Vary.",
    measure,
    [Line(name, WITHOUT, at_most=1.3) for name in WORKS],
)
