"""The staff side: Django's admin behind our own sign-in, with the state of the house on top."""

from typing import Any, NamedTuple, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.auth import second_factor
from accounts.models import User
from billing.reports import dashboard as money
from showcase import gallery, visitor_messages
from videos.models import Video
from videos.reports import dashboard

# Which apps stand first on the staff side.
ORDER = {"videos": 0, "showcase": 1, "billing": 2, "accounts": 3}


class Row(NamedTuple):
    """A number of the first page, and the list of just the rows it counts."""

    words: str
    url: str
    n: int
    tone: str = ""


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{query}"


def _lists() -> dict[str, str]:
    """The lists behind the numbers of the tiles."""
    return {
        "made": _list("videos_video", "glance=succeeded"),
        "paid": _list("billing_payment", "glance=paid"),
        "refunds": _list("billing_refund", "glance=today"),
        "spent": _list("billing_entry", "glance=spent"),
        "returned": _list("billing_entry", "glance=returned"),
        "expiring": _list("billing_lot", "glance=expiring"),
    }


def _work(videos: dashboard.DashboardFigures) -> list[Row]:
    return [
        Row(str(Video.Status(state).label), _list("videos_video", f"status__exact={state}"), n)
        for state, n in videos.states.items()
    ]


def _waiting(videos: dashboard.DashboardFigures, books: money.MoneyFigures) -> list[Row]:
    messages = visitor_messages.count_open()
    return [
        Row(_("Stuck videos"), _list("videos_video", "glance=stuck"), videos.stuck, "bad"),
        Row(_("Failed today"), _list("videos_video", "glance=failed"), videos.failed),
        Row(
            _("Payments to decide"),
            _list("billing_payment", "glance=to_decide"),
            books.reviews,
            "warn",
        ),
        Row(
            _("Payment events in trouble"),
            _list("billing_stripeevent", "glance=trouble"),
            books.events,
            "bad",
        ),
        Row(
            _("Webhooks given up today"),
            _list("videos_webhookdelivery", "glance=given_up"),
            videos.deliveries,
        ),
        Row(
            _("Refused prompts today"),
            _list("videos_rejectedprompt", "glance=today"),
            videos.rejected_prompts,
        ),
        Row(
            _("Open reports"),
            _list("showcase_abusereport", "state__exact=open"),
            messages["abusereport"],
            "warn",
        ),
        Row(
            _("Open feedback"),
            _list("showcase_feedback", "state__exact=open"),
            messages["feedback"],
        ),
        Row(_("Clips offered"), _list("showcase_clip", "glance=offered"), gallery.count_offered()),
    ]


class StaffSite(AdminSite):
    """Signing in is the pages' own, with their limits and second factor."""

    site_header = site_title = settings.SITE_NAME
    index_title = gettext_lazy("Today")

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, who in production have a second factor too."""
        if not super().has_permission(request):
            return False
        if not settings.STAFF_TWO_FACTOR:
            return True
        if not hasattr(request, "has_second_factor"):
            has_it = second_factor.is_enabled(cast("User", request.user))
            request.has_second_factor = has_it  # type: ignore[attr-defined]
        return bool(request.has_second_factor)  # type: ignore[attr-defined]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """To the sign-in, or to what is still missing. Raises PermissionDenied for the others."""
        wanted = request.GET.get("next") or resolve_url("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(wanted)
        if self.has_permission(request):
            return redirect("admin:index")
        if not request.user.is_staff:
            raise PermissionDenied
        messages.warning(request, _("Staff need two-factor sign-in. Turn it on first."))
        return redirect("mfa_index")

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """What staff work with first; Django's log under the name it has here."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "admin":
                app["name"] = _("Records")
            for model in app["models"]:
                if model["object_name"] == "LogEntry":
                    model["name"] = _("Audit log")
        return sorted(apps, key=lambda app: ORDER.get(app["app_label"], len(ORDER)))

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """What is going on, and what needs a person."""
        videos, books = dashboard.todays_figures(), money.today()
        shown = {
            "videos": videos,
            "money": books,
            "waiting": _waiting(videos, books),
            "work": _work(videos),
            "lists": _lists(),
        }
        return super().index(request, {**shown, **(extra_context or {})})
