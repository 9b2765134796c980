"""An entry of the ledger: one change of a user's credits."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.account import MAX_CREDITS, Account


class Entry(models.Model):
    """One change of the credits of an account.

    Entries are never changed or deleted; database triggers enforce it.
    """

    class Type(models.TextChoices):
        EARNED = "earned", _("Earned")
        SPENT = "spent", _("Spent")
        PURCHASED = "purchased", _("Purchased")
        REFUNDED = "refunded", _("Returned")
        BONUS = "bonus", _("Bonus")
        EXPIRED = "expired", _("Expired")
        CLAWED_BACK = "reversed", _("Clawed back")
        ADJUSTED = "adjusted", _("Adjusted by staff")

    # The values of reference_type; a reference_id is then the id of the video or the payment.
    VIDEO_REFERENCE, PAYMENT_REFERENCE = "sora_task_creation", "payment"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # The constraints are the indexes of the account and the key.
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    sequence = models.BigIntegerField()
    type = models.CharField(_("type"), max_length=16, choices=Type)
    amount = models.BigIntegerField(_("amount"))
    balance_before = models.BigIntegerField(_("balance before"))
    balance_after = models.BigIntegerField(_("balance after"))
    # Names the event that the entry records, such as video:<id>:spend, so that it is recorded once.
    key = models.CharField(_("key"), max_length=120, unique=True)
    reference_type = models.CharField(_("reference type"), max_length=40, blank=True)
    reference_id = models.CharField(_("reference id"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    refund_of = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="credit_refunds", db_index=False
    )
    # The latest expiry among the lots that the entry changed.
    expires_at = models.DateTimeField(_("expires"), null=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["account", "sequence"], name="entry_sequence_unique"),
            models.CheckConstraint(condition=~Q(amount=0), name="entry_amount_not_zero"),
            models.CheckConstraint(
                condition=Q(amount__gte=-MAX_CREDITS, amount__lte=MAX_CREDITS),
                name="entry_amount_bounds",
            ),
            models.CheckConstraint(
                condition=Q(balance_after=F("balance_before") + F("amount")),
                name="entry_balance_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(balance_after__gte=0), name="entry_balance_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "type", "sequence"], name="entry_by_type"),
            models.Index(
                fields=["refund_of"], condition=Q(refund_of__isnull=False), name="entry_refunds"
            ),
            # Of all accounts, for staff. Entries are written in this order, so it only grows at its
            # end.
            models.Index(fields=["created_at"], name="entry_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.amount:+}"
