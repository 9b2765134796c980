"""Staff pages of engines: their circuit breakers, their jobs, and what they answer when asked."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from config.lib import clock
from config.lib.admin.model_admin import ReadOnlyAdmin, log_action
from videos.catalog import staff_warnings
from videos.engines import checks
from videos.jobs.engine_choice import circuit_breaker, engine_limits
from videos.models import EngineCircuit
from videos.reports import engines


@admin.register(EngineCircuit)
class EngineCircuitAdmin(ReadOnlyAdmin):
    """Every configured engine: its circuit breaker, jobs and spend, and a button that asks it."""

    list_display = (
        "name", "state", "since", "next_try", "running", "waiting", "spend_today", "failures",
        "last_error", "error_at",
    )  # fmt: skip
    fields = readonly_fields = (*list_display, "error_detail")
    change_form_template = "admin/videos/engine.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EngineCircuit]:
        return circuit_breaker.circuits()

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "GET":
            for sentence in staff_warnings.describe_words():
                messages.warning(request, sentence)
        return super().changelist_view(request, *args, **kwargs)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        _add_figures(changelist.result_list)
        return changelist

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> EngineCircuit | None:
        row = super().get_object(request, *args, **kwargs)
        if row:
            _add_figures([row])
        return row

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

    @admin.display(description=gettext_lazy("jobs running"))
    def running(self, row: Any) -> str:
        running, most = row.figures.running, engine_limits.limit_of(row.name, "max_jobs")
        return _("%(n)d of %(most)d") % {"n": running, "most": most} if most else str(running)

    @admin.display(description=gettext_lazy("orders waiting"))
    def waiting(self, row: Any) -> str:
        return str(row.figures.waiting)

    @admin.display(description=gettext_lazy("spend today"))
    def spend_today(self, row: Any) -> str:
        spend = row.figures.spend
        if spend is None:  # a sandbox
            return "–"
        return render_to_string("admin/videos/spend.html", {"spend": spend})

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, row: EngineCircuit) -> str:
        return f"{row.error_code}: {row.error_detail[:200]}" if row.error_code else "–"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.ask_view))
        ask = path("<path:name>/ask/", view, name="videos_enginecircuit_ask")
        return [ask, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        may_ask = request.user.has_perm("videos.change_enginecircuit")
        return super().render_change_form(request, {**context, "may_ask": may_ask}, *args, **kwargs)

    def ask_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask the engine whether it can be used, for up to half a minute, and show the answer."""
        if not request.user.has_perm("videos.change_enginecircuit"):
            raise PermissionDenied
        row = get_object_or_404(circuit_breaker.circuits(), pk=name)
        problem = checks.find_problem(row.name)
        log_action(request.user, row, "Asked", problem or "it can be used")
        if problem:
            messages.error(request, problem)
        else:
            messages.success(request, _("The engine %(name)s can be used.") % {"name": row.name})
        return HttpResponseRedirect(reverse("admin:videos_enginecircuit_change", args=[row.pk]))


def _add_figures(rows: list[Any]) -> None:
    """Set `figures` on these rows."""
    figures = engines.current()
    for row in rows:
        row.figures = figures[row.name]


def _format_time(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else "–"
