"""/developers/requests/: the user's own calls of the API, as they come in."""

from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import ApiKey
from accounts.request_log import search
from accounts.request_log.search import RequestFilter
from config.lib.web.responses import user_of

PER_PAGE = 50


@login_required
@require_safe
def requests_page(request: HttpRequest) -> HttpResponse:
    """Show a page of the log; what the query asks for wrongly is left out."""
    wanted, before = _filter_of(request), request.GET.get("before", "")
    is_place = before.isascii() and before.isdigit() and len(before) < 19
    page = search.find(user_of(request), wanted, PER_PAGE, int(before) if is_place else None)
    context = {
        "at": "developers",
        "tab": "requests",
        "page": page,
        "wanted": wanted,
        "is_narrowed": wanted != RequestFilter(),
        "is_newest": not is_place,
        "keys": ApiKey.objects.of(user_of(request)).order_by("name"),
        "methods": search.METHODS,
        "status_classes": search.STATUS_CLASSES,
        "days": settings.REQUEST_LOG.days,
    }
    response = render(request, "developers/requests.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _filter_of(request: HttpRequest) -> RequestFilter:
    asked = request.GET
    key: UUID | str = search.TOKEN if asked.get("key") == search.TOKEN else ""
    if not key:
        with suppress(ValueError):
            key = UUID(asked.get("key", ""))
    method, status = asked.get("method", ""), asked.get("status", "")
    return RequestFilter(
        key,
        method if method in search.METHODS else "",
        status if status in search.STATUS_CLASSES else "",
        asked.get("request_id", "").replace("\0", "").strip()[:64],
    )
