"""Who may call the sandbox engine, and how often."""

import hmac
import math
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest

from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs import counters


def authenticate(request: HttpRequest) -> str:
    """Return the owner a bearer key stands for. Raises ApiError 401."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip() if scheme.lower() == "bearer" else ""
    known = [hmac.compare_digest(key.encode(), each.encode()) for each in settings.SANDBOX_API_KEYS]
    if not key:
        raise ApiError(401, "You didn't provide an API key.", code="invalid_api_key")
    if not any(known):
        raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
    return sha256(key.encode()).hexdigest()


def throttle(owner: str) -> None:
    """Count a create against SANDBOX_MAX_RPM. Raises ApiError 429 when it is one too many."""
    limit = settings.SANDBOX_MAX_RPM
    if limit and (wait := counters.seconds_until_allowed(owner, limit)):
        raise ApiError(
            429,
            f"Rate limit reached: {limit} requests per minute.",
            code="rate_limit_exceeded",
            type="requests",
            headers={"Retry-After": str(math.ceil(wait))},
        )
