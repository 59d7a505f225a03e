"""The sample application with plain views and asynchronous streams."""

from __future__ import annotations

from apps.django_app import asgi_urlpatterns as urlpatterns

__all__ = ["urlpatterns"]
