"""GET /metrics for Prometheus, and the counting of all other requests.

Prometheus knows the address of a process, not a host name, so this stands in front of the check of
the Host header, as the probes do. Who may not read it gets 404, as for a page that is not there.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from config.lib import rate_limits
from config.lib.metrics import counting
from config.monitoring import access

PATH = "/metrics"


def metrics_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer /metrics and count the rest. Raises MiddlewareNotUsed while metrics are off."""
    if not settings.METRICS:
        raise MiddlewareNotUsed

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path == PATH and request.method in {"GET", "HEAD"} and _may_read(request):
            return _page()
        start = time.perf_counter()
        response = get_response(request)
        took = time.perf_counter() - start
        counting.request(route_of(request), str(request.method), response.status_code, took)
        return response

    return answer


def route_of(request: HttpRequest) -> str:
    """Return the name of the route that answers a request; never a part of what was sent."""
    if match := request.resolver_match:
        return match.view_name or "unnamed"
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"


def _may_read(request: HttpRequest) -> bool:
    return access.is_allowed(
        request.headers.get("Authorization", ""),
        rate_limits.address_of(request),
        is_forwarded="X-Forwarded-For" in request.headers,
    )


def _page() -> HttpResponse:
    from config.lib.metrics import counters  # noqa: PLC0415 - imported only where it is on
    from config.monitoring import figures  # noqa: PLC0415

    gauges = [*figures.of_database(), *figures.of_process()]
    text = counters.of_process().text(gauges)
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(text, content_type=counters.CONTENT_TYPE, headers=headers)
