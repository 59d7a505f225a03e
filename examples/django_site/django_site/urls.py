"""Two views that know nothing of entity-tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest


def page(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Django</title><p>The same page has the same tag.")


def planets(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"planets": ["Mercury", "Venus", "Earth", "Mars"]})


def countdown(_request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        yield from (f"{number}\n" for number in range(3, 0, -1))

    return StreamingHttpResponse(lines(), content_type="text/plain")


urlpatterns = [path("", page), path("api/planets", planets), path("countdown", countdown)]
