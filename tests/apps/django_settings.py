"""Django's settings, set once a process whoever needs Django first."""

from __future__ import annotations


def configure() -> None:
    """Configure and set up Django, unless that is done."""
    import logging

    import django
    from django.conf import settings

    if settings.configured:
        return
    settings.configure(
        SECRET_KEY="nothing secret is signed with it",
        ALLOWED_HOSTS=["*"],
        DEBUG=False,
        ROOT_URLCONF="apps.django_app",
        MIDDLEWARE=[],  # no CommonMiddleware: an HttpResponse has no Content-Length then
        INSTALLED_APPS=[],
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()
    # It logs a warning with every 404 and 412, which is what many tests ask for.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
