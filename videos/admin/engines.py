"""Staff pages of engines and their circuit breakers."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib import clock
from config.lib.admin import ReadOnlyAdmin
from videos.jobs import circuit_breaker
from videos.models import EngineCircuit


@admin.register(EngineCircuit)
class EngineCircuitAdmin(ReadOnlyAdmin):
    """Every configured engine with the state of its circuit breaker, read-only."""

    list_display = ("name", "state", "since", "next_try", "failures", "last_error", "error_at")
    fields = readonly_fields = (*list_display, "error_detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[EngineCircuit]:
        return circuit_breaker.circuits()

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: EngineCircuit) -> str:
        if row.opened_at is None:
            return _("accepts orders")
        if row.trial_video_id:
            return _("one order is testing it")
        due = row.retry_at is not None and row.retry_at <= clock.now()
        return _("the next order will test it") if due else _("paused")

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: EngineCircuit) -> str:
        return _format_time(row.opened_at)

    @admin.display(description=gettext_lazy("next try"))
    def next_try(self, row: EngineCircuit) -> str:
        return _format_time(row.retry_at)

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, row: EngineCircuit) -> str:
        return f"{row.error_code}: {row.error_detail[:200]}" if row.error_code else "–"


def _format_time(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else "–"
