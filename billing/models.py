"""The books: an account per user, lots of credits, immutable entries, and which lot paid what;
and the payments that buy lots.

Only billing.ledger.credits and billing.ledger.clawbacks write the books; payments and refunds begin
in billing.payments.checkout, and what Stripe tells of them is written by billing.payments.state.
A user is known here as AUTH_USER_MODEL and nothing else.
"""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """The lock and the cached totals of one user's credits."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        primary_key=True,
        related_name="+",
        verbose_name=_("person"),
    )
    balance = models.BigIntegerField(_("balance"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    seq = models.BigIntegerField(default=0)
    total_earned = models.BigIntegerField(_("total earned"), default=0)
    total_spent = models.BigIntegerField(_("total spent"), default=0)
    total_expired = models.BigIntegerField(_("total expired"), default=0)
    total_reversed = models.BigIntegerField(_("total reversed"), default=0)
    next_expiry_at = models.DateTimeField(_("next expiry"), null=True, db_index=True)

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        constraints = [
            models.CheckConstraint(
                condition=Q(balance__gte=0), name="account_balance_not_negative"
            ),
            models.CheckConstraint(condition=Q(debt__gte=0), name="account_debt_not_negative"),
            models.CheckConstraint(
                condition=Q(debt=0) | Q(balance=0), name="account_debt_or_balance"
            ),
            models.CheckConstraint(
                condition=Q(
                    balance=F("total_earned")
                    - F("total_spent")
                    - F("total_expired")
                    - F("total_reversed")
                ),
                name="account_totals_add_up",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class Lot(models.Model):
    """Credits that came together and expire together."""

    class Kind(models.TextChoices):
        PURCHASED = "purchased", _("Purchased")
        BONUS = "bonus", _("Bonus")
        EARNED = "earned", _("Earned")
        ADJUSTED = "adjusted", _("By staff")

    account = models.ForeignKey(Account, models.PROTECT, related_name="lots")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    amount = models.BigIntegerField(_("amount"))
    remaining = models.BigIntegerField(_("remaining"))
    expires_at = models.DateTimeField(_("expires"), null=True)
    # The lot whose credits came back after it had expired; a grace lot gives no grace again.
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="graces")
    created_at = models.DateTimeField(_("created"))
    # Of a bought lot whose money went back: how many credits that cancelled, and of these, how many
    # had expired unspent already and how many were owed.
    reversed = models.BigIntegerField(default=0)
    reversed_dead = models.BigIntegerField(default=0)
    reversed_owed = models.BigIntegerField(default=0)
    # When its owner was told that it is about to expire.
    warned_at = models.DateTimeField(null=True)
    # When its owner was told that this is its last day.
    last_warned_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("lot of credits")
        verbose_name_plural = _("lots of credits")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="lot_amount_positive"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("amount")),
                name="lot_remaining_bounds",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at", "id"],
                condition=Q(remaining__gt=0),
                name="lot_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.remaining}/{self.amount}"


class Entry(models.Model):
    """One line of the history; never changed, never deleted (a database trigger says so too)."""

    class Type(models.TextChoices):
        EARNED = "earned", _("Earned")
        SPENT = "spent", _("Spent")
        PURCHASED = "purchased", _("Purchased")
        REFUNDED = "refunded", _("Returned")
        BONUS = "bonus", _("Bonus")
        EXPIRED = "expired", _("Expired")
        REVERSED = "reversed", _("Taken back")
        ADJUSTED = "adjusted", _("By staff")

    # What a line may be about: its reference_type.
    OF_VIDEO, OF_PAYMENT = "sora_task_creation", "payment"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries")
    seq = models.BigIntegerField()
    type = models.CharField(_("type"), max_length=16, choices=Type)
    amount = models.BigIntegerField(_("amount"))
    balance_before = models.BigIntegerField(_("balance before"))
    balance_after = models.BigIntegerField(_("balance after"))
    # Names the event the line stands for, such as video:<id>:spend; a repeat finds it.
    key = models.CharField(_("key"), max_length=120, unique=True)
    reference_type = models.CharField(_("reference type"), max_length=40, blank=True)
    reference_id = models.CharField(_("reference id"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversals")
    # The latest expiry among the lots it touched.
    expires_at = models.DateTimeField(_("expires"), null=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("ledger line")
        verbose_name_plural = _("ledger lines")
        constraints = [
            models.UniqueConstraint(fields=["account", "seq"], name="entry_seq_unique"),
            models.CheckConstraint(condition=~Q(amount=0), name="entry_amount_not_zero"),
            models.CheckConstraint(
                condition=Q(balance_after=F("balance_before") + F("amount")),
                name="entry_balance_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(balance_after__gte=0), name="entry_balance_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["account", "type", "seq"], name="entry_by_type")]

    def __str__(self) -> str:
        return f"{self.type} {self.amount:+}"


class Allocation(models.Model):
    """How much of an entry came from, or went to, one lot; signed like the entry."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="allocations")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="allocations", verbose_name=_("lot"))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("part of a line")
        verbose_name_plural = _("lots it touched")
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="allocation_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="allocation_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+} of lot {self.lot_id}"


class PackageRow(models.Model):
    """Staff's own package, or a documented one changed or retired; payments keep their own copy."""

    key = models.SlugField(_("key"), primary_key=True, max_length=40)
    name = models.CharField(_("name"), max_length=80)
    credits = models.PositiveIntegerField(_("credits"), validators=[MinValueValidator(1)])
    price_minor = models.PositiveIntegerField(
        _("price"),
        validators=[MinValueValidator(1)],
        help_text=_("In minor units, such as fen or cents."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    is_active = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        constraints = [
            models.CheckConstraint(
                condition=Q(credits__gt=0, price_minor__gt=0), name="package_positive"
            )
        ]

    def __str__(self) -> str:
        return self.key


class Payment(models.Model):
    """One purchase: what was promised, and the facts Stripe told of it."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SUCCEEDED = "succeeded", _("Paid")
        FAILED = "failed", _("Failed")
        REFUNDED = "refunded", _("Refunded")
        PARTIAL_REFUNDED = "partial_refunded", _("Partly refunded")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="payments", verbose_name=_("person")
    )
    # A copy of the package as it was sold.
    package = models.CharField(_("package"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    credits = models.PositiveIntegerField(_("credits"))
    amount_minor = models.PositiveIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    return_url = models.URLField(max_length=500, blank=True)

    status = models.CharField(_("state"), max_length=20, choices=Status, default=Status.PENDING)
    # Why it failed: session_expired, payment_failed or create_failed.
    failure_code = models.CharField(_("failure code"), max_length=40, blank=True)
    # What does not match and needs a person; nothing is granted while it stands here, but what was
    # granted before is still taken back.
    review = models.CharField(_("to decide"), max_length=200, blank=True)
    # What a person has decided before; it is not asked again.
    decided = models.JSONField(default=list, blank=True)

    # Facts, which only ever grow: they may come in any order and more than once.
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
        """The name in the reader's language, if it is that of a documented package."""
        return gettext(self.name)


class Refund(models.Model):
    """Money on its way back to a card, by staff or seen at Stripe."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        PENDING = "pending", _("Waiting")
        SUCCEEDED = "succeeded", _("Refunded")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Cancelled")

    class Source(models.TextChoices):
        API = "api", _("The API")
        ADMIN = "admin", _("Staff")
        EXTERNAL = "external", _("At Stripe")

    ACTIVE: ClassVar = (Status.REQUESTED, Status.PENDING, Status.SUCCEEDED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    stripe_id = models.CharField(_("id at Stripe"), max_length=255, unique=True, null=True)  # noqa: DJ001 - unique
    amount_minor = models.PositiveIntegerField(_("amount"))
    status = models.CharField(_("state"), max_length=16, choices=Status)
    source = models.CharField(_("asked by"), max_length=16, choices=Source)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("created"))
    tried_at = models.DateTimeField(null=True)
    # How many credits it cancelled when it was written down.
    credits = models.PositiveIntegerField(_("credits"), default=0)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.status}"


class Dispute(models.Model):
    """A cardholder's complaint, as Stripe last told of it."""

    stripe_id = models.CharField(primary_key=True, max_length=255)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    amount_minor = models.PositiveIntegerField()
    status = models.CharField(max_length=40)
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.status}"


class StripeEvent(models.Model):
    """The inbox: every verified event, stored before anything is done about it."""

    class State(models.TextChoices):
        NEW = "new", _("New")
        DONE = "done", _("Done")
        PARKED = "parked", _("Waits for its payment")
        IGNORED = "ignored", _("Not needed")
        REVIEW = "review", _("Needs a person")
        ERROR = "error", _("Failed")

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(_("type"), max_length=80)
    created_at = models.DateTimeField(_("created"))
    received_at = models.DateTimeField(_("received"))
    live = models.BooleanField(_("live mode"))
    api_version = models.CharField(max_length=40, blank=True)
    # The payment intent its object speaks of, to find what was parked.
    payment_intent = models.CharField(
        _("payment intent"), max_length=255, blank=True, db_index=True
    )
    object = models.JSONField(_("content"))
    state = models.CharField(
        _("state"), max_length=8, choices=State, default=State.NEW, db_index=True
    )
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("payment event")
        verbose_name_plural = _("payment events")

    def __str__(self) -> str:
        return f"{self.type} {self.state}"


class Proof(models.Model):
    """One run of the auditor: what it counted, what it found, what it mended."""

    at = models.DateTimeField(_("run at"))
    accounts = models.PositiveIntegerField(_("accounts"))
    entries = models.PositiveIntegerField(_("entries"))
    videos = models.PositiveIntegerField(_("videos"))
    payments = models.PositiveIntegerField(_("payments"))
    problems = models.JSONField(_("problems"), default=list)
    repaired = models.JSONField(_("mended"), default=list)

    class Meta:
        verbose_name = _("proof of the books")
        verbose_name_plural = _("proofs of the books")
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {len(self.problems)} problems"
