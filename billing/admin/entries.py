"""Staff page of ledger entries."""

from typing import ClassVar

from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from billing.models import Allocation, Entry
from billing.reports import dashboard
from config.lib.admin.long_lists import LongList
from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin, ReadOnlyInline


class AllocationInline(ReadOnlyInline):
    model = Allocation
    fields = ("lot", "amount")


class EntryFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {
        "spent": gettext_lazy("Spent today"),
        "returned": gettext_lazy("Credits returned today"),
    }
    selections = staticmethod(dashboard.entry_filters)


@admin.register(Entry)
class EntryAdmin(LongList, ReadOnlyAdmin):
    list_display = (
        "created_at", "user", "type", "amount", "balance_after", "description",
    )  # fmt: skip
    fields = readonly_fields = (
        *list_display, "balance_before", "expires_at", "reference_type", "reference_id", "key",
    )  # fmt: skip
    list_filter = (EntryFilter, "type")
    search_fields = ("account__user__username", "reference_id", "key")
    list_select_related = ("account__user",)
    ordering = ("-created_at",)
    inlines = (AllocationInline,)

    @admin.display(description=gettext_lazy("user"))
    def user(self, entry: Entry) -> str:
        return str(entry.account.user)
