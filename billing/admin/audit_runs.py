"""Staff page of audit runs."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from billing.models import AuditRun
from config.lib.admin.model_admin import ReadOnlyAdmin


@admin.register(AuditRun)
class AuditRunAdmin(ReadOnlyAdmin):
    list_display = (
        "run_at", "accounts", "entries", "videos", "payments", "problem_list", "repair_list",
    )  # fmt: skip
    fields = readonly_fields = list_display
    ordering = ("-run_at",)

    @admin.display(description=gettext_lazy("problems"))
    def problem_list(self, audit_run: AuditRun) -> str:
        return "; ".join(map(str, audit_run.problems)) or "–"

    @admin.display(description=gettext_lazy("repaired"))
    def repair_list(self, audit_run: AuditRun) -> str:
        return "; ".join(map(str, audit_run.repaired)) or "–"
