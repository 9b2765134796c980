"""Tables that every app shares: rate limit counters, e-mails and idempotency keys."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.lib import email_kinds
from config.lib.alert_kinds import AlertKind


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
    """The mark of an e-mail that was queued: one per kind and reference, the row it is about."""

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


class OutgoingEmail(models.Model):
    """An e-mail: waiting, sent or given up; written by config.lib.mail.queue alone."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        # The receiver's server, or ours for this receiver, asks to try again later.
        DEFERRED = "deferred", _("Deferred by the receiver")
        SENT = "sent", _("Sent")
        REFUSED = "refused", _("Refused")
        GIVEN_UP = "given_up", _("Given up")

    OPEN: ClassVar = (State.WAITING, State.DEFERRED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Such as "receipt" or, for allauth's e-mails, the last part of their template's name.
    kind = models.CharField(_("kind"), max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    recipient = models.CharField(_("to"), max_length=320)
    sender = models.CharField(_("from"), max_length=320)
    subject = models.CharField(_("subject"), max_length=998)
    # Empty once the e-mail is sent: they may hold links that open an account.
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    # The queue: `next_try_at` is the due time, or the end of the lease while a worker holds the
    # row; `lease` is the token of that worker.
    next_try_at = models.DateTimeField(_("next attempt"), null=True)
    lease = models.UUIDField(null=True)
    created_at = models.DateTimeField(_("created"))
    # When the current round of attempts began; sending again starts a new round.
    round_started_at = models.DateTimeField()
    # When the e-mail was sent, refused or given up.
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(next_try_at__isnull=False),
                name="outgoing_email_due",
            ),
            models.Index(fields=["-created_at"], name="outgoing_email_newest"),
        ]

    def __str__(self) -> str:
        return f"{email_kinds.label_of(self.kind)}: {self.recipient}"


class IdempotencyKey(models.Model):
    """The key of a request that was carried out, and the row it made; see config.lib.idempotency.

    The result is named as text, because it may be a row of any app.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    result_type = models.CharField(max_length=100)
    result_id = models.CharField(max_length=64)
    # Which attempt of its client made the row, from 0; see config.lib.idempotency.AttemptKey.
    attempt = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.key}"


class Alert(models.Model):
    """Something that staff must know, from when it began; written by config.lib.alerts alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("what"), max_length=16, choices=AlertKind)
    # What it concerns, such as an engine; one alert of a kind and subject is open at a time.
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    detail = models.CharField(_("facts"), max_length=500, blank=True)
    opened_at = models.DateTimeField(_("since"))
    # When a check found it last.
    seen_at = models.DateTimeField(_("last seen"))
    cleared_at = models.DateTimeField(_("over"), null=True)
    # When to post it to ALERT_WEBHOOK_URL; null when it was, or when there is none.
    webhook_due_at = models.DateTimeField(null=True)
    webhook_attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(cleared_at__isnull=True),
                name="alert_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at"], name="alert_newest"),
            models.Index(
                fields=["webhook_due_at"],
                condition=Q(webhook_due_at__isnull=False),
                name="alert_webhook_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject or self.detail}"
