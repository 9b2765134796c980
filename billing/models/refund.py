"""A payment refund: money that goes back to the payer."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.payment import Payment


class Refund(models.Model):
    """One refund of a payment, made by staff here or in Stripe's dashboard."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        PENDING = "pending", _("Waiting")
        SUCCEEDED = "succeeded", _("Refunded")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Cancelled")

    class Source(models.TextChoices):
        API = "api", _("The API")
        ADMIN = "admin", _("Staff")
        EXTERNAL = "external", _("Stripe")

    ACTIVE: ClassVar = (Status.REQUESTED, Status.PENDING, Status.SUCCEEDED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    stripe_id = models.CharField(_("id at Stripe"), max_length=255, unique=True, null=True)  # noqa: DJ001 - unique
    amount_minor = models.PositiveIntegerField(_("amount"))
    status = models.CharField(_("state"), max_length=16, choices=Status)
    source = models.CharField(_("requested via"), max_length=16, choices=Source)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    created_at = models.DateTimeField(_("created"))
    tried_at = models.DateTimeField(null=True)
    # How many credits were to be clawed back for it when it was stored.
    credits = models.PositiveIntegerField(_("credits"), default=0)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.status}"
