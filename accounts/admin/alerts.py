"""Staff: the alerts that are open, and those that are over."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin
from config.lib.alert_kinds import Advice
from config.lib.models import Alert


class OpenFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"open": gettext_lazy("Open")}

    @staticmethod
    def selections() -> dict[str, Q]:
        return {"open": Q(cleared_at=None)}


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Alerts clear themselves when what they tell of is over."""

    list_display = ("kind", "subject", "detail", "opened_at", "cleared_at")
    list_filter = (OpenFilter, "kind")
    ordering = ("-opened_at",)
    fields = (*list_display[:3], "advice", "opened_at", "seen_at", "cleared_at")
    readonly_fields = ("advice",)

    @admin.display(description=gettext_lazy("what to do"))
    def advice(self, alert: Alert) -> str:
        return str(Advice.TEXTS[alert.kind])
