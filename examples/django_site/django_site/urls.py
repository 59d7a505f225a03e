"""Views that know nothing of entity-tags."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

NOTE = Path(os.environ.get("NOTE_FILE", Path(tempfile.gettempdir(), "notmodified-note")))


def page(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Django</title><p>The same page has the same tag.")


def planets(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"planets": ["Mercury", "Venus", "Earth", "Mars"]})


async def moons(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"moons": ["Io", "Europa", "Ganymede", "Callisto"]})


def note(request: HttpRequest) -> HttpResponse:
    """Show a text that a PUT writes; once that is answered, no worker confirms what was there before."""
    if request.method == "PUT":
        NOTE.write_bytes(request.body)
        return HttpResponse(status=204)
    response = HttpResponse(NOTE.read_bytes() if NOTE.exists() else b"nothing yet")
    response["Cache-Control"] = "no-cache"  # clients ask each time
    response["Notmodified-Cache-Control"] = "max-age=60"  # and this view need not run for it
    return response


def countdown(_request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        yield from (f"{number}\n" for number in range(3, 0, -1))

    return StreamingHttpResponse(lines(), content_type="text/plain")


urlpatterns = [
    path("", page),
    path("api/planets", planets),
    path("api/moons", moons),
    path("countdown", countdown),
    path("note", note),
]
