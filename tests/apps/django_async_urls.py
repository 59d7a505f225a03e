"""The sample application with coroutines for views and asynchronous streams."""

from __future__ import annotations

from apps.django_app import async_urlpatterns as urlpatterns

__all__ = ["urlpatterns"]
