"""Tables that every app shares: rate limit counters and the e-mails that were sent."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RateCounter(models.Model):
    """How often something happened in a window; written by config.lib.rate_limits alone."""

    key = models.CharField(_("what is counted"), max_length=120, primary_key=True)
    hits = models.PositiveIntegerField(_("times"))
    ends_ms = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")

    def __str__(self) -> str:
        return f"{self.key}: {self.hits}"


class SentEmail(models.Model):
    """An e-mail that was handed to the mail server: one of a kind about one subject."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt"
        REFUND = "refund"
        LEAVING = "leaving"

    kind = models.CharField(max_length=8, choices=Kind)
    reference = models.UUIDField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("sent e-mail")
        verbose_name_plural = _("sent e-mails")
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="sent_email_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
