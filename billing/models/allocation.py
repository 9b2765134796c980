"""An allocation: the part of an entry that belongs to one lot."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.entry import Entry
from billing.models.lot import Lot


class Allocation(models.Model):
    """The credits that one entry takes from, or adds to, one lot; signed like the entry."""

    # The constraint is the index of the entry.
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="allocations", db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="allocations", verbose_name=_("lot"))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("affected lots")
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="allocation_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="allocation_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+} of lot {self.lot_id}"
