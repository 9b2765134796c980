"""An audit run: what one audit of all accounts and payments counted, found and repaired."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditRun(models.Model):
    """One audit of all credits and payments."""

    run_at = models.DateTimeField(_("run at"))
    accounts = models.PositiveIntegerField(_("accounts"))
    entries = models.PositiveIntegerField(_("entries"))
    videos = models.PositiveIntegerField(_("videos"))
    payments = models.PositiveIntegerField(_("payments"))
    problems = models.JSONField(_("problems"), default=list)
    repaired = models.JSONField(_("repaired"), default=list)

    class Meta:
        verbose_name = _("audit run")
        verbose_name_plural = _("audit runs")
        get_latest_by = "run_at"

    def __str__(self) -> str:
        return f"{self.run_at:%Y-%m-%d %H:%M}: {len(self.problems)} problems"
