"""System checks of the settings: an error keeps every process from starting, a warning is printed.

`manage.py` runs them before its commands, `config.asgi` and `config.celery` when they start.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from accounts.models import User
from config.environment.unknown_names import find_unknown_names
from videos.push import keys as push_keys

log = logging.getLogger(__name__)

SECRET_BYTES = 32
# The accounts of the first run, with their passwords.
FIRST_ACCOUNTS = {"admin": "admin", "demo": "demo-firstlight"}
OPENAI_HOST = "api.openai.com"


@checks.register()
def check_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Report what `manage.py check` shows; only production asks the database."""
    return [
        *(checks.Error(text, id="firstlight.unsafe") for text in _errors()),
        *(checks.Warning(text, id="firstlight.doubtful") for text in _warnings()),
    ]


def refuse_unsafe_start() -> None:
    """Refuse to start with unsafe settings, under any server. Raises ImproperlyConfigured."""
    # A server may load the application in its event loop, where Django forbids database queries.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(_errors_in_thread).result()
    if found:
        raise ImproperlyConfigured("\n".join(found))


def log_warnings() -> None:
    """Log the warnings, for processes that `manage.py` does not start."""
    for text in _warnings():
        log.warning(text)


def _errors_in_thread() -> list[str]:
    try:
        return list(_errors())
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close()
            # A process that is forked from this one must not inherit the sockets of a pool.
            if close_pool := getattr(connection, "close_pool", None):
                close_pool()


def _errors() -> Iterator[str]:
    if settings.BILLING and settings.SANDBOX and settings.STRIPE_LIVE:
        yield (
            "SANDBOX is on and STRIPE_SECRET_KEY is a live key: buyers would pay real money for"
            " placeholder clips. Set SANDBOX=0 or use a test key."
        )
    if push_keys.is_enabled():
        yield from _unreadable_push_key()
    if settings.PRODUCTION:
        yield from _unsafe_engines()
        yield from _unsafe_addresses()
        yield from _unsafe_secrets()
        yield from _first_passwords()


def _unreadable_push_key() -> Iterator[str]:
    try:
        push_keys.public_key()
    except ValueError as error:
        yield f"VAPID_PRIVATE_KEY cannot be read: {error}."


def _unsafe_engines() -> Iterator[str]:
    if settings.DEBUG:
        yield "DEBUG is on."
    if settings.SANDBOX:
        yield "SANDBOX is on: the sandbox engine is for development."
    if not settings.ENGINES:
        yield "No engine is configured: set OPENAI_BASE_URL and OPENAI_API_KEY."


def _unsafe_addresses() -> Iterator[str]:
    if "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS is *: list the hosts."
    if _is_local(settings.BASE_URL):
        yield (
            f"BACKEND_URL is {settings.BASE_URL}, which only this machine can open: e-mails,"
            " callbacks and links contain it. Set the public URL."
        )
    elif not settings.BASE_URL.startswith("https://"):
        yield (
            f"BACKEND_URL is {settings.BASE_URL}: browsers send the session cookie over https only,"
            " so nobody could sign in. Set an https:// URL."
        )


def _unsafe_secrets() -> Iterator[str]:
    if len(settings.SECRET_KEY) < SECRET_BYTES or len(settings.JWT_SECRET) < SECRET_BYTES:
        yield f"SECRET_KEY and JWT_SECRET_KEY need at least {SECRET_BYTES} characters."
    if settings.SECRET_KEY == settings.JWT_SECRET:
        yield "SECRET_KEY and JWT_SECRET_KEY must differ."


def _first_passwords() -> Iterator[str]:
    try:
        first = list(User.objects.filter(username__in=FIRST_ACCOUNTS, is_active=True))
    except DatabaseError:
        return  # not migrated yet
    for user in first:
        password = FIRST_ACCOUNTS[user.username]
        if user.check_password(password):
            yield f"The user {user.username} still has the password {password}."


def _warnings() -> Iterator[str]:
    yield from find_unknown_names()
    yield from _missing_webhook_secrets()
    yield from _ended_engines()
    if settings.PRODUCTION:
        yield from _weak_protection()
        yield from _misdirected_files()
        if not settings.EMAIL_HOST:
            yield "EMAIL_HOST is not set: e-mails, reset links too, only go to DATA_DIR/mail."
        if settings.BILLING and settings.STRIPE_SECRET_KEY and not settings.STRIPE_LIVE:
            yield "STRIPE_SECRET_KEY is a test key: anybody can buy credits with a test card."
    elif not settings.ENGINES:
        yield "No engine is configured: set OPENAI_BASE_URL and OPENAI_API_KEY, or SANDBOX=1."


def _missing_webhook_secrets() -> Iterator[str]:
    lacks_secret = settings.STRIPE_SECRET_KEY and not settings.STRIPE_WEBHOOK_SECRET
    if settings.BILLING and lacks_secret:
        yield "STRIPE_WEBHOOK_SECRET is not set: payments are credited minutes late."


def _ended_engines() -> Iterator[str]:
    hosts = {urlsplit(engine["base_url"]).hostname for engine in settings.ENGINES.values()}
    if OPENAI_HOST in hosts:
        yield (
            "OpenAI's own Videos API ended on 2026-09-24: set OPENAI_BASE_URL to another server."
            " docs/engines.md lists what can be used."
        )


def _weak_protection() -> Iterator[str]:
    if not settings.STAFF_TWO_FACTOR:
        yield "STAFF_TWO_FACTOR is off: a stolen password is enough for the staff pages."
    if not settings.SECURE_HSTS_SECONDS:
        yield "HSTS_SECONDS is 0: browsers may open the site without https."
    if not settings.TRUSTED_PROXIES:
        yield (
            "TRUSTED_PROXIES is 0: behind the proxy that terminates TLS all visitors have one"
            " address, share its rate limits, and get no HSTS header."
        )
    if any(map(_is_local, settings.FRONTEND_ORIGINS)):
        yield "FRONTEND_URL names this machine: pages on a visitor's own machine are trusted."


def _misdirected_files() -> Iterator[str]:
    options = settings.S3_OPTIONS
    endpoint = str(options["public_endpoint_url"] or options["endpoint_url"] or "")
    if settings.S3_BUCKET and endpoint.startswith("http://"):
        yield (
            f"Media is loaded from {endpoint}: browsers may block http on a page by https. Set"
            " S3_ENDPOINT or S3_PUBLIC_ENDPOINT to an https:// URL."
        )
    kept = {} if settings.S3_BUCKET else {"VIDEOS_DIR": Path(settings.MEDIA_ROOT)}
    if connections["default"].vendor == "sqlite":
        kept["DATABASE_PATH"] = Path(settings.DATABASE_PATH)
    for name, path in kept.items():
        if not path.resolve().is_relative_to(settings.DATA_DIR):
            yield (
                f"{name} is {path}, outside DATA_DIR ({settings.DATA_DIR}): make sure that every"
                " process sees this folder and that it outlives a container."
            )


def _is_local(url: str) -> bool:
    """Whether only the machine itself can open this URL."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
