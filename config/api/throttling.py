"""How often the API may be called: a view says what its calls are with `rate`.

    auth       credentials: per address, before any password is hashed
    generate   orders, per user; reading from such a view counts as other
    tasks      looking at tasks, per user; changing something there counts as other
    other      everything else, per user, or per address for those without one (RATE_ANONYMOUS)

`read_rate` names another one for the calls that change nothing. The pages' own reads by cookie are
not counted: one page shows many pictures.
"""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.lib import rate_limits
from config.lib.rate_limits import Rate


class Limit(BaseThrottle):
    """The one throttle of every API view; leaves its verdict for the answer's headers."""

    def allow_request(self, request: Request, view: Any) -> bool:
        name = bucket_of(view, str(request.method))
        known = bool(request.user and request.user.is_authenticated)
        if known and request.auth is None and request.method in SAFE_METHODS:
            return True
        key, rate = f"{name}:user:{request.user.pk}", _rate(name)
        if name == "auth":
            key = f"auth:{rate_limits.network_of(request._request)}"
        elif not known:
            key = f"anonymous:{rate_limits.network_of(request._request)}"
            rate = Rate(*settings.RATE_ANONYMOUS)
        if not rate.limit:
            return True
        verdict = rate_limits.hit(key, rate)
        request._request.rate_limit = verdict  # type: ignore[attr-defined]
        if not verdict.allowed:
            raise Throttled(wait=verdict.reset)
        return True


def bucket_of(view: object, method: str) -> str:
    """auth, generate, tasks or other."""
    name = str(getattr(view, "rate", "other"))
    if method in SAFE_METHODS:
        return str(getattr(view, "read_rate", "tasks" if name == "tasks" else "other"))
    return "other" if name == "tasks" else name


def _rate(name: str) -> Rate:
    rates = {
        "auth": settings.RATE_AUTH,
        "generate": settings.RATE_GENERATE,
        "tasks": settings.RATE_TASKS,
        "other": settings.RATE_OTHER,
    }
    return Rate(*rates[name])
