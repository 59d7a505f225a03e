"""The same site under ASGI: `pip install uvicorn`, `uvicorn django_site.asgi:application` by manage.py."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_site.settings")

application = get_asgi_application()
