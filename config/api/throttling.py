"""Rate limits of the API. A view names the limit that counts its calls with `rate`:

    register   registrations: per IP address, before a password is hashed
    login      sign-ins with a password: per IP address, before it is hashed
    auth       all other calls that take credentials: per IP address
    generate   orders of videos, per user; reading from such a view counts as `other`
    upload     uploads, per user
    tasks      reading tasks, per user; changing a task counts as `other`
    events     asking for events, per user
    prompt_help  having prompts improved, per user
    other      all other calls, per user

Without a sign-in all calls but the first three kinds count together, per IP address
(RATE_ANONYMOUS), also those that are refused because nobody is signed in.
`read_rate` names another limit for the calls that change nothing. Pages share these counters. A
view with `free_for_pages` does not count reads by session cookie: one page loads many images.
"""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.lib import rate_limits
from config.lib.rate_limits import Limit, Rate

# Limits of calls that take credentials, before which nobody is signed in.
BY_ADDRESS = ("register", "login", "auth")


class RateThrottle(BaseThrottle):
    """The throttle of every API view; stores its verdict for the headers of the answer."""

    def allow_request(self, request: Request, view: Any) -> bool:
        name = limit_of(view, str(request.method))
        signed_in = bool(request.user and request.user.is_authenticated)
        is_read_by_page = request.auth is None and request.method in SAFE_METHODS
        if signed_in and is_read_by_page and getattr(view, "free_for_pages", False):
            return True
        if name in BY_ADDRESS:
            network = rate_limits.network_of(request._request)
            _count(request, f"{name}:{network}", rate_limits.rate_of(name))
        elif signed_in:
            _count(request, rate_limits.key_of(name, request.user), rate_limits.rate_of(name))
        else:
            count_anonymous(request)
        return True


def count_anonymous(request: Request) -> None:
    """Count a call without a sign-in for its address. Raises Throttled."""
    network = rate_limits.network_of(request._request)
    _count(request, f"anonymous:{network}", Rate(*settings.RATE_ANONYMOUS))


def _count(request: Request, key: str, rate: Rate) -> None:
    if not rate.limit:
        return
    verdict = rate_limits.hit(key, rate)
    request._request.rate_limit = verdict  # type: ignore[attr-defined]
    if not verdict.allowed:
        raise Throttled(wait=verdict.reset)


def limit_of(view: object, method: str) -> Limit:
    """Return the limit that counts a call of a view."""
    name: Limit = getattr(view, "rate", "other")
    if method in SAFE_METHODS:
        read_rate: Limit = getattr(view, "read_rate", "tasks" if name == "tasks" else "other")
        return read_rate
    return "other" if name == "tasks" else name
