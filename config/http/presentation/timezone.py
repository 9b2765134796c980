"""Pages show times in the time zone of the browser, which sends it in the cookie `tz`."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

# The API and the admin show UTC.
UTC_PATHS = ("/api/", "/v1/", "/admin/", "/sandbox/", "/health")


def timezone_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(UTC_PATHS):
            return get_response(request)
        with timezone.override(zone_of(request.COOKIES.get("tz", ""))):
            return get_response(request)

    return answer


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of this name; UTC for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")
