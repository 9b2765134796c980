"""Requests of staff who see pages as a user sees them: shown as the user's, and never changing.

Only the pages named here are the user's; staff stay themselves on public and staff pages, and all
other pages are refused. So is whatever would change something: by its method, and in the database,
should a page write while it is read. A cookie says that the session has to be asked.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.people import viewing
from config.lib.models import RateCounter

STOP = "viewing-stop"
# The pages that are shown as the user's, and what they load.
OF_THE_USER = frozenset(
    {
        "studio", "library", "collections", "collection", "queue", "usage", "billing", "payment",
        "video", "video-card", "video-compare", "api-content", "reference", "avatar",
    }
)  # fmt: skip
# Where staff are themselves; public pages and those of the admin.
OF_STAFF = frozenset(
    {
        "home", "showcase", "sample", "clip", "clip-video", "clip-poster", "maker", "pricing",
        "help", "topic", "privacy", "terms", "rules", "accessibility", "manifest",
        "service-worker", "offline",
    }
)  # fmt: skip
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")

Answer = Callable[[HttpRequest], HttpResponseBase]


def viewing_middleware(get_response: Answer) -> Answer:
    """Show the user's pages to staff who view as the user. Runs after the language is chosen."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if viewing.COOKIE not in request.COOKIES:
            return get_response(request)
        user = viewing.viewed(request.session, request.user)
        if user is None:
            response = get_response(request)
            response.delete_cookie(viewing.COOKIE)
            return response
        name, is_admin = _route(request)
        if request.method not in {"GET", "HEAD"} and name != STOP:
            return _refuse(request, user, _("While you view as a user, nothing can be changed."))
        if name in OF_THE_USER:
            return _show(request, user, get_response)
        if is_admin or name is None or name == STOP or name in OF_STAFF:
            return get_response(request)
        return _refuse(request, user, _("This page is not shown while you view as a user."))

    return answer


def _route(request: HttpRequest) -> tuple[str | None, bool]:
    """Return the name of the route, None for an unknown address, and whether it is of the admin."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return None, False
    return match.url_name or "", match.app_names == ["admin"]


def _show(request: HttpRequest, user: User, get_response: Answer) -> HttpResponseBase:
    """Answer as the user would be answered; what is counted against somebody counts for staff."""
    actor: Any = request.user
    user.viewed_by = actor  # type: ignore[attr-defined]
    request.user = user
    request.viewing = user  # type: ignore[attr-defined]
    try:
        with connection.execute_wrapper(refuse_writes):
            response = get_response(request)
    finally:
        request.user = actor
    response["Cache-Control"] = "no-store"
    return response


def refuse_writes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Refuse statements that write anything but the counters of rate limits."""
    words = sql.lstrip().upper()
    if words.startswith(WRITES) and RateCounter._meta.db_table.upper() not in words:
        raise PermissionDenied("A page was about to change something while it was viewed.")
    return execute(sql, params, many, context)


def _refuse(request: HttpRequest, user: User, why: str) -> HttpResponse:
    if request.path.startswith(("/api/", "/v1/")):
        return JsonResponse({"detail": why}, status=403)
    context = {"why": why, "viewing": user}
    return render(request, "viewing_refused.html", context, status=403)
