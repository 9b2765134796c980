"""Reading the log of a user's API calls: the newest first, narrowed down, page by page."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from accounts.models import ApiRequest

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD")
# The first digit of the status codes that a class has.
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
# In place of a key: calls with the token of a sign-in.
TOKEN = "token"  # noqa: S105 - a word of a filter


@dataclass(frozen=True)
class RequestFilter:
    """Which calls are shown: by key (TOKEN or an id), method, class of status, request id."""

    key: UUID | str = ""
    method: str = ""
    status: str = ""
    request_id: str = ""

    def conditions(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.key:
            found["api_key_id"] = None if self.key == TOKEN else self.key
        if self.method:
            found["method"] = self.method
        if self.status:
            first = int(self.status[0]) * 100
            found |= {"status__gte": first, "status__lt": first + 100}
        if self.request_id:
            found["request_id"] = self.request_id
        return found


@dataclass(frozen=True)
class RequestPage:
    """Some calls, newest first; `before` names the next page, None after the last one."""

    requests: list[ApiRequest]
    before: int | None


def find(
    user: AbstractBaseUser, wanted: RequestFilter, limit: int, before: int | None = None
) -> RequestPage:
    """Return a page of the calls of a user that were logged before the row `before`."""
    rows = ApiRequest.objects.filter(user_id=user.pk, **wanted.conditions())
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("api_key").order_by("-pk")[: limit + 1])
    has_more = len(found) > limit
    return RequestPage(found[:limit], found[limit - 1].pk if has_more else None)
