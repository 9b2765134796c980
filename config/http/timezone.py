"""Pages show times as the browser's own clock does; its zone comes in the cookie `tz`."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

# Programs and staff read UTC.
IN_UTC = ("/api/", "/v1/", "/admin/", "/sandbox/", "/health")


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(IN_UTC):
            return get_response(request)
        with timezone.override(zone_of(request.COOKIES.get("tz", ""))):
            return get_response(request)

    return answer


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")
