"""A payment: one purchase of credits, and what Stripe has reported about it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Payment(models.Model):
    """One purchase of credits: the package as it was sold, and the facts Stripe reported."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SUCCEEDED = "succeeded", _("Paid")
        FAILED = "failed", _("Failed")
        REFUNDED = "refunded", _("Refunded")
        PARTIAL_REFUNDED = "partial_refunded", _("Partly refunded")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="payments", verbose_name=_("user")
    )
    # A copy of the package as it was on sale when the purchase began.
    package = models.CharField(_("package"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    credits = models.PositiveIntegerField(_("credits"))
    amount_minor = models.PositiveIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    return_url = models.URLField(max_length=500, blank=True)
    # The tax in the price as the seller stated it then; null where none was stated.
    tax_name = models.CharField(max_length=40, null=True)  # noqa: DJ001 - so that no table is copied
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True)

    status = models.CharField(_("state"), max_length=20, choices=Status, default=Status.PENDING)
    # Why the payment failed: session_expired, payment_failed, create_failed,
    # account_closed or not_accepted.
    failure_code = models.CharField(_("failure code"), max_length=40, blank=True)
    # Why staff must review the payment; empty if they need not. Until they decide, no credits are
    # granted for it, but credits granted before are still clawed back.
    review_reason = models.CharField(_("to review"), max_length=200, blank=True)
    # The reasons that staff have decided about; none of them puts the payment under review again.
    reviewed_reasons = models.JSONField(default=list, blank=True)

    # Facts that Stripe reported. Reports only add to them, so they may arrive in any order and more
    # than once.
    is_paid = models.BooleanField(default=False)
    refunded_minor = models.PositiveIntegerField(_("refunded"), default=0)
    charge_refunded_minor = models.PositiveIntegerField(default=0)
    disputed_minor = models.PositiveIntegerField(_("disputed minor"), default=0)

    session_id = models.CharField(_("checkout session"), max_length=255, unique=True, null=True)  # noqa: DJ001 - unique
    payment_intent = models.CharField(
        _("payment intent"), max_length=255, blank=True, db_index=True
    )
    payment_url = models.TextField(blank=True)
    created_at = models.DateTimeField(_("created"))
    session_expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(_("paid"), null=True)
    checked_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        indexes = [
            models.Index(fields=["user", "-created_at"], name="payment_newest"),
            models.Index(fields=["status", "created_at"], name="payment_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, credits__gt=0), name="payment_amounts_positive"
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("amount_minor")), name="payment_refund_bounds"
            ),
            models.CheckConstraint(
                condition=Q(is_paid=False) | Q(paid_at__isnull=False), name="payment_paid_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.get_status_display()}"

    @property
    def title(self) -> str:
        """The name of the package, translated if it is a documented one."""
        return gettext(self.name)
