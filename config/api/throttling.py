"""Rate limits of the API. A view names the limit that counts its calls with `rate`:

    auth       calls that take credentials: per IP address, before a password is hashed
    generate   orders of videos, per user; reading from such a view counts as `other`
    tasks      reading tasks, per user; changing a task counts as `other`
    other      all other calls, per user, or per IP address without sign-in (RATE_ANONYMOUS)

`read_rate` names another limit for the calls that change nothing. Reads by session cookie are not
counted, because one page loads many images.
"""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.lib import rate_limits
from config.lib.rate_limits import Rate


class RateThrottle(BaseThrottle):
    """The throttle of every API view; stores its verdict for the headers of the answer."""

    def allow_request(self, request: Request, view: Any) -> bool:
        name = limit_of(view, str(request.method))
        signed_in = bool(request.user and request.user.is_authenticated)
        if signed_in and request.auth is None and request.method in SAFE_METHODS:
            return True
        key, rate = f"{name}:user:{request.user.pk}", _rate(name)
        if name == "auth":
            key = f"auth:{rate_limits.network_of(request._request)}"
        elif not signed_in:
            key = f"anonymous:{rate_limits.network_of(request._request)}"
            rate = Rate(*settings.RATE_ANONYMOUS)
        if not rate.limit:
            return True
        verdict = rate_limits.hit(key, rate)
        request._request.rate_limit = verdict  # type: ignore[attr-defined]
        if not verdict.allowed:
            raise Throttled(wait=verdict.reset)
        return True


def limit_of(view: object, method: str) -> str:
    """Return the name of the limit: auth, generate, tasks or other."""
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
