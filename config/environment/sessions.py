"""Where the sessions of pages are read from."""

from django.core.exceptions import ImproperlyConfigured

DATABASE = "django.contrib.sessions.backends.db"
CACHED = "accounts.auth.cached_sessions"


def engine(store: str, redis_url: str) -> str:
    """Return the SESSION_ENGINE for SESSION_STORE. Raises ImproperlyConfigured."""
    if store not in {"database", "redis"}:
        raise ImproperlyConfigured("SESSION_STORE: expected database or redis")
    if store == "redis" and not redis_url:
        raise ImproperlyConfigured("SESSION_STORE=redis needs REDIS_URL")
    return CACHED if store == "redis" else DATABASE
