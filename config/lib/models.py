"""Tables that every app shares: rate limit counters, sent e-mails and idempotency keys."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RateCounter(models.Model):
    """How many hits a rate limit had in its window; written by config.lib.rate_limits alone."""

    key = models.CharField(_("counter"), max_length=120, primary_key=True)
    hits = models.PositiveIntegerField(_("hits"))
    ends_ms = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")

    def __str__(self) -> str:
        return f"{self.key}: {self.hits}"


class SentEmail(models.Model):
    """An e-mail that was sent: one per kind and reference, the row it is about."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt"
        REFUND = "refund"
        DELETION = "deletion"

    kind = models.CharField(max_length=8, choices=Kind)
    reference = models.UUIDField()
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("sent e-mail")
        verbose_name_plural = _("sent e-mails")
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="sent_email_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class IdempotencyKey(models.Model):
    """The key of a request that was carried out, and the row it made; see config.lib.idempotency.

    The result is named as text, because it may be a row of any app.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    result_type = models.CharField(max_length=100)
    result_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.key}"
