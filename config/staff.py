"""The staff side: Django's admin behind our own sign-in, with the state of the house on top."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import second_factor
from accounts.models import User
from billing import figures as money
from showcase import desk
from videos import overview

# What the tables and their apps are called in the menu.
NAMES: dict[str, Promise] = {
    "Accounts": gettext_lazy("Accounts"),
    "Billing": gettext_lazy("Billing"),
    "Clips": gettext_lazy("Clips"),
    "Deliveries": gettext_lazy("Deliveries"),
    "Entries": gettext_lazy("Entries"),
    "Feedback": gettext_lazy("Feedback"),
    "Packages": gettext_lazy("Packages"),
    "Payments": gettext_lazy("Payments"),
    "Prices": gettext_lazy("Prices"),
    "Proofs": gettext_lazy("Proofs"),
    "Refusals": gettext_lazy("Refusals"),
    "Reports": gettext_lazy("Reports"),
    "Showcase": gettext_lazy("Showcase"),
    "Stripe events": gettext_lazy("Stripe events"),
    "Upstreams": gettext_lazy("Upstreams"),
    "Videos": gettext_lazy("Videos"),
}


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
            has_it = second_factor.is_on(cast("User", request.user))
            request.has_second_factor = has_it  # type: ignore[attr-defined]
        return bool(request.has_second_factor)  # type: ignore[attr-defined]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for named in (*apps, *(table for app in apps for table in app["models"])):
            named["name"] = NAMES.get(str(named["name"]), named["name"])
        return apps

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

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """What is going on, and what needs a person."""
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        shown = {
            "videos": overview.since(midnight),
            "money": money.since(midnight),
            "letters": desk.open_letters(),
        }
        return super().index(request, {**shown, **(extra_context or {})})
