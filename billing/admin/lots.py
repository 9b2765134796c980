"""Staff page of credit lots."""

from typing import ClassVar

from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from billing.models import Lot
from billing.reports import dashboard
from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin


class LotFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"expiring": gettext_lazy("Expiring soon")}
    selections = staticmethod(dashboard.lot_filters)


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "remaining", "amount", "expires_at", "created_at")
    fields = readonly_fields = list_display
    list_filter = (LotFilter, "kind")
    search_fields = ("account__user__username",)
    list_select_related = ("account__user",)
    ordering = ("expires_at",)

    @admin.display(description=gettext_lazy("user"))
    def user(self, lot: Lot) -> str:
        return str(lot.account.user)
