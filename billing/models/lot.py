"""A lot: credits that were added together and expire together."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.account import MAX_CREDITS, Account


class Lot(models.Model):
    """Credits of one grant, with one expiry."""

    class Kind(models.TextChoices):
        PURCHASED = "purchased", _("Purchased")
        BONUS = "bonus", _("Bonus")
        EARNED = "earned", _("Earned")
        ADJUSTED = "adjusted", _("Adjusted by staff")

    account = models.ForeignKey(Account, models.PROTECT, related_name="lots")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    amount = models.BigIntegerField(_("amount"))
    remaining = models.BigIntegerField(_("remaining"))
    expires_at = models.DateTimeField(_("expires"), null=True)
    # Of a lot with returned credits: the lot that had them before.
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    # A grace lot has credits of an expired lot. When they come back once more, they expire.
    is_grace = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("created"))
    # Of a purchased lot whose payment was refunded or disputed: how many of its credits are clawed
    # back; how many of these had expired unspent; how many of these became a debt.
    clawed_back = models.BigIntegerField(default=0)
    clawed_back_expired = models.BigIntegerField(default=0)
    clawed_back_owed = models.BigIntegerField(default=0)
    # When the user was e-mailed that the credits expire within EXPIRY_WARNING.
    warned_at = models.DateTimeField(null=True)
    # When the user was e-mailed that the credits expire within a day.
    last_warned_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("credit lot")
        verbose_name_plural = _("credit lots")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=MAX_CREDITS), name="lot_amount_bounds"
            ),
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
