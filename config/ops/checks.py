"""Settings with which production does not start; each has one line."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from accounts.models import User

SECRET_BYTES = 32


@register()
def check_production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report unsafe settings of production to `manage.py check`."""
    if not settings.PRODUCTION:
        return []
    return [Error(text, id="firstlight.production") for text in _refusals()]


def refuse_unsafe_start() -> None:
    """Refuse to start with unsafe settings, under any server. Raises ImproperlyConfigured."""
    if not settings.PRODUCTION:
        return
    # A server may load the application in its event loop, where Django forbids database queries.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(_all_refusals).result()
    if found:
        raise ImproperlyConfigured("\n".join(found))


def _all_refusals() -> list[str]:
    try:
        return list(_refusals())
    finally:
        connections.close_all()


def _refusals() -> Iterator[str]:
    if settings.DEBUG:
        yield "DEBUG is on."
    if settings.SANDBOX:
        yield "SANDBOX is on: the sandbox engine is for development."
    if not settings.ENGINES:
        yield "No engine is configured: set OPENAI_BASE_URL and OPENAI_API_KEY."
    if "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS is *: list the hosts."
    if len(settings.SECRET_KEY) < SECRET_BYTES or len(settings.JWT_SECRET) < SECRET_BYTES:
        yield f"SECRET_KEY and JWT_SECRET_KEY need at least {SECRET_BYTES} characters."
    if settings.SECRET_KEY == settings.JWT_SECRET:
        yield "SECRET_KEY and JWT_SECRET_KEY must differ."
    if _default_password_works():
        yield "The user admin still has the password admin."


def _default_password_works() -> bool:
    try:
        admin = User.objects.filter(username="admin", is_active=True).first()
    except DatabaseError:
        return False  # not migrated yet
    return admin is not None and admin.check_password("admin")
