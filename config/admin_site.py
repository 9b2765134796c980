"""The admin site: Django's admin behind our sign-in, with today's numbers on its first page."""

from typing import Any, NamedTuple, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from billing.reports import dashboard as money
from config import admin_search
from config.lib import alerts
from config.lib.admin import staff
from config.lib.mail import queue as emails
from showcase import gallery, visitor_messages
from videos.models import Video
from videos.reports import dashboard

# The order of the apps.
APP_ORDER = {"videos": 0, "showcase": 1, "billing": 2, "accounts": 3}


class Counter(NamedTuple):
    """A number on the first page, with the address of the list of these rows."""

    label: str
    url: str
    number: int
    tone: str = ""


def _list_url(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{query}"


def _list_urls() -> dict[str, str]:
    """Return the addresses of the lists behind the numbers in the tiles."""
    return {
        "succeeded": _list_url("videos_video", "show=succeeded"),
        "paid": _list_url("billing_payment", "show=paid"),
        "refunds": _list_url("billing_refund", "show=today"),
        "spent": _list_url("billing_entry", "show=spent"),
        "returned": _list_url("billing_entry", "show=returned"),
        "expiring": _list_url("billing_lot", "show=expiring"),
    }


def _videos_by_state(videos: dashboard.DashboardFigures) -> list[Counter]:
    return [
        Counter(
            str(Video.Status(state).label), _list_url("videos_video", f"status__exact={state}"), n
        )
        for state, n in videos.states.items()
    ]


def _open_work(videos: dashboard.DashboardFigures, billing: money.MoneyFigures) -> list[Counter]:
    unread = visitor_messages.count_open()
    return [
        Counter(
            _("Open alerts"), _list_url("lib_alert", "show=open"), alerts.count_all_open(), "bad"
        ),
        Counter(_("Stuck videos"), _list_url("videos_video", "show=stuck"), videos.stuck, "bad"),
        Counter(_("Failed today"), _list_url("videos_video", "show=failed"), videos.failed),
        Counter(
            _("Stored without content credentials"),
            _list_url("videos_video", "show=unsigned"),
            videos.unsigned,
            "warn",
        ),
        Counter(
            _("Payments to review"),
            _list_url("billing_payment", "show=to_review"),
            billing.payments_to_review,
            "warn",
        ),
        Counter(
            _("Failed payment events"),
            _list_url("billing_stripeevent", "show=failed"),
            billing.failed_events,
            "bad",
        ),
        Counter(
            _("Webhooks that failed today"),
            _list_url("videos_webhookdelivery", "show=given_up"),
            videos.deliveries,
        ),
        Counter(
            _("E-mails that failed today"),
            _list_url("lib_outgoingemail", "show=unsent"),
            emails.count_unsent(),
        ),
        Counter(
            _("Rejected prompts today"),
            _list_url("videos_rejectedprompt", "show=today"),
            videos.rejected_prompts,
        ),
        Counter(
            _("Open reports"),
            _list_url("showcase_abusereport", "state__exact=open"),
            unread["abusereport"],
            "warn",
        ),
        Counter(
            _("Open feedback"),
            _list_url("showcase_feedback", "state__exact=open"),
            unread["feedback"],
        ),
        Counter(
            _("Clips offered"),
            _list_url("showcase_clip", "show=offered"),
            gallery.count_offered(),
        ),
    ]


class StaffSite(AdminSite):
    """Django's admin with the sign-in of the pages, their limits and second factor."""

    site_header = site_title = settings.SITE_NAME
    index_title = gettext_lazy("Today")

    def has_permission(self, request: HttpRequest) -> bool:
        """Allow staff; in production they need a second factor."""
        if not super().has_permission(request):
            return False
        if not hasattr(request, "lacks_second_factor"):
            lacks = staff.lacks_second_factor(cast("User", request.user))
            request.lacks_second_factor = lacks  # type: ignore[attr-defined]
        return not request.lacks_second_factor  # type: ignore[attr-defined]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the sign-in or to two-factor set-up. Raises PermissionDenied for others."""
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
        """Order the apps, and name Django's log entries "Audit log"."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "admin":
                app["name"] = _("Logs")
            for model in app["models"]:
                if model["object_name"] == "LogEntry":
                    model["name"] = _("Audit log")
        return sorted(apps, key=lambda app: APP_ORDER.get(app["app_label"], len(APP_ORDER)))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        search = path("search/", self.admin_view(self.search), name="search")
        return [search, *super().get_urls()]

    def search(self, request: HttpRequest) -> HttpResponse:
        """Show what all lists find that this member of staff may see."""
        words = request.GET.get("q", "")
        context = {
            **self.each_context(request),
            "title": _("Search"),
            "words": words,
            "groups": admin_search.find(self, request, words),
        }
        return TemplateResponse(request, "admin/search.html", context)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show today's numbers and the open work."""
        videos, billing = dashboard.todays_figures(), money.todays_figures()
        shown = {
            "videos": videos,
            "money": billing,
            "waiting": _open_work(videos, billing),
            "work": _videos_by_state(videos),
            "lists": _list_urls(),
        }
        return super().index(request, {**shown, **(extra_context or {})})
