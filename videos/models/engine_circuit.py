"""Circuit breakers of engines."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EngineCircuit(models.Model):
    """The circuit breaker of one engine; only videos.jobs.engine_choice writes it."""

    name = models.CharField(_("name"), max_length=32, primary_key=True)
    # Consecutive orders that the engine failed to accept.
    failures = models.PositiveIntegerField(_("failures"), default=0)
    # Since when the engine gets no orders, and when one trial order may go to it again.
    opened_at = models.DateTimeField(_("opened at"), null=True)
    retry_at = models.DateTimeField(_("retry at"), null=True)
    pause_count = models.PositiveIntegerField(default=0)
    # The id of the trial order.
    trial_video_id = models.UUIDField(null=True)
    # The engine's last error, for staff only.
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)
    error_at = models.DateTimeField(_("last error at"), null=True)

    class Meta:
        verbose_name = _("engine")
        verbose_name_plural = _("engines")

    def __str__(self) -> str:
        return self.name
