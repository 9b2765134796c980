"""Who may read /metrics: whoever sends METRICS_TOKEN, and METRICS_NETWORKS."""

import hmac
from ipaddress import ip_address

from django.conf import settings


def is_allowed(authorization: str, address: str, *, is_forwarded: bool) -> bool:
    """Return whether a reader with this header, at this address, may read the metrics.

    Behind a proxy that is not trusted every address is that of the proxy, so that only the token
    counts there.
    """
    scheme, _, token = authorization.partition(" ")
    is_bearer = settings.METRICS_TOKEN and scheme.lower() == "bearer"
    if is_bearer and hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode()):
        return True
    if is_forwarded and not settings.TRUSTED_PROXIES:
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in settings.METRICS_NETWORKS)
