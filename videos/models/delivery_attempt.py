"""Attempts to deliver a webhook."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from videos.models.webhook_delivery import WebhookDelivery


class DeliveryAttempt(models.Model):
    """One attempt to deliver; `code` is the HTTP status of the answer, if one came."""

    delivery = models.ForeignKey(
        WebhookDelivery, models.CASCADE, related_name="attempts", verbose_name=_("delivery")
    )
    at = models.DateTimeField(_("time"))
    took_ms = models.PositiveIntegerField(_("milliseconds"))
    code = models.PositiveSmallIntegerField(_("answer"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.code or self.error}"
