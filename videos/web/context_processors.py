"""What stands around the content of every page: the wallet, the counts, the way between pages."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, resolve_url
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from billing.ledger import credits
from videos.library import collections
from videos.models import Video

THEMES = {"light", "dark"}
MONTH, WEEK = timedelta(days=31), timedelta(days=7)


class UserRequest(HttpRequest):
    user: User


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context of every template; what costs a query is read when a template uses it."""
    theme = request.COOKIES.get("theme")
    user: Any = SimpleLazyObject(lambda: request.user)  # may be missing on an error page
    return {
        "site_name": settings.SITE_NAME,
        "theme": theme if theme in THEMES else "",
        "welcome_credits": settings.WELCOME_CREDITS,
        "sandbox": SimpleLazyObject(_sandbox),
        "wallet": SimpleLazyObject(lambda: wallet_of(user)),
        "library": SimpleLazyObject(lambda: collections.counts(Video.objects.of(user))),
    }


def _sandbox() -> dict[str, Any]:
    """Whether the engine is the stand-in, and how to look around in it."""
    on = settings.SANDBOX and not settings.PRODUCTION
    demo = on and User.objects.filter(username="demo", is_active=True).exists()
    password = "demo-firstlight" if settings.ENVIRONMENT == "development" else ""
    return {"on": on, "demo": demo, "password": password}


def wallet_of(user: Any) -> dict[str, Any]:
    """The credits to spend, and the part of them that expires first."""
    lots = list(credits.lots(user))
    first = lots[0].expires_at if lots else None
    same_day = [lot.remaining for lot in lots if _day(lot.expires_at) == _day(first)]
    return {
        "available": sum(lot.remaining for lot in lots),
        "expires_at": first,
        "expiring": sum(same_day) if first and first - timezone.now() < MONTH else 0,
        "soon": first is not None and first - timezone.now() < WEEK,
    }


def _day(moment: datetime | None) -> date | None:
    return timezone.localdate(moment) if moment else None


# ---- from page to page ----


def own(request: UserRequest, video_id: UUID) -> Video:
    """The reader's own video; anybody else's is as unknown as one that does not exist."""
    rows = Video.objects.of(request.user).select_related("source", "reference", "retry_of")
    return get_object_or_404(rows, pk=video_id)


def deleted(request: UserRequest, videos: Sequence[Video]) -> HttpResponse:
    """Say what was deleted, with a way back; a script says it itself."""
    if "quiet" in request.POST:
        return HttpResponse(status=204)
    n = len(videos)
    words = ngettext("%(n)d video is deleted.", "%(n)d videos are deleted.", n) % {"n": n}
    undo = " ".join(["undo", *(str(video.pk) for video in videos)])
    messages.success(request, words if n > 1 else _("The video is deleted."), extra_tags=undo)
    return back(request, "library")


def see_other(to: str, *args: object) -> HttpResponseRedirect:
    response = HttpResponseRedirect(resolve_url(to, *args))
    response.status_code = 303
    return response


def back(request: HttpRequest, to: str, *args: object) -> HttpResponse:
    """To the page named in the form, if it is one of ours, else to the one given.

    A script that stays where it is asks quietly, and gets no page.
    """
    if "quiet" in request.POST:
        return HttpResponse(status=204)
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return see_other(wanted if ours else resolve_url(to, *args))
