"""What a caller may do, and how often: scopes, rate limits, and a token beside the API key."""

from django.conf import settings

from accounts.auth.callers import Caller
from config.lib import rate_limits
from config.lib.rate_limits import Limit
from videos.mcp.errors import Refused

ORDERS: Limit = "generate"
BATCHES: Limit = "batch"


def check(caller: Caller, scope: str, limit: Limit) -> None:
    """Count one call. Raises Refused without the scope, TooManyAttempts beyond the rate."""
    if scope not in caller.scopes:
        granted = ", ".join(sorted(caller.scopes)) or "none"
        raise Refused(
            f"This credential may not do that: it needs the scope {scope} and has {granted}."
            " Nothing was changed."
        )
    if limit in {ORDERS, BATCHES} and settings.REQUIRE_API_KEY and not caller.has_key_and_token:
        raise Refused(
            "Orders need an access token in Authorization and an API key of the same user in"
            " X-API-Key. Nothing was ordered."
        )
    rate_limits.use(limit, caller.user)
