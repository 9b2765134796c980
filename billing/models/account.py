"""An account: one user's credit balance, its totals, and the row that every change locks."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

# How many credits one entry may move and one lot may hold.
MAX_CREDITS = 1_000_000_000


class Account(models.Model):
    """The credits of one user: the totals of the entries, and the lock on them.

    A user has either a balance or a debt, never both.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        primary_key=True,
        related_name="+",
        verbose_name=_("user"),
    )
    balance = models.BigIntegerField(_("balance"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    last_sequence = models.BigIntegerField(default=0)
    total_earned = models.BigIntegerField(_("total earned"), default=0)
    total_spent = models.BigIntegerField(_("total spent"), default=0)
    total_expired = models.BigIntegerField(_("total expired"), default=0)
    total_clawed_back = models.BigIntegerField(_("total clawed back"), default=0)
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
                    - F("total_clawed_back")
                ),
                name="account_totals_add_up",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)
