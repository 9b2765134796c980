"""Staff: the engines, whether they take orders, and why not."""

from datetime import datetime

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from videos import circuits
from videos.models import Upstream


@admin.register(Upstream)
class UpstreamAdmin(admin.ModelAdmin):
    """Every configured engine, to look at."""

    list_display = ("name", "state", "since", "next_try", "failures", "last_error", "error_at")
    fields = readonly_fields = (*list_display, "error_detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upstream]:
        return circuits.known()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="state")
    def state(self, row: Upstream) -> str:
        if row.opened_at is None:
            return _("takes orders")
        if row.probe:
            return _("one order is trying it")
        due = row.retry_at is not None and row.retry_at <= timezone.now()
        return _("the next order tries it") if due else _("paused")

    @admin.display(description="since")
    def since(self, row: Upstream) -> datetime | None:
        return row.opened_at

    @admin.display(description="next try")
    def next_try(self, row: Upstream) -> datetime | None:
        return row.retry_at

    @admin.display(description="last error")
    def last_error(self, row: Upstream) -> str:
        return f"{row.error_code}: {row.error_detail[:200]}" if row.error_code else ""
