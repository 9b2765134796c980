"""The auditor: proves from the rows alone that lots, entries and balances agree."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from billing.models import Account, Allocation, Entry, Lot

# What is none of these was given.
_COUNTS_AS: dict[str, str] = {
    Entry.Type.SPENT: "spent",
    Entry.Type.REFUNDED: "spent",
    Entry.Type.EXPIRED: "expired",
    Entry.Type.CLAWED_BACK: "clawed back",
}


class Line(NamedTuple):
    """What the auditor reads of an entry."""

    pk: UUID
    sequence: int
    type: str
    amount: int
    balance_before: int
    balance_after: int
    refund_of_id: UUID | None


def problems() -> list[str]:
    """Every broken invariant in words; none when the books are right.

    Each account is locked while its rows are read, so a system at work can be audited.
    """
    owners = Account.objects.order_by("pk").values_list("pk", flat=True)
    return [problem for owner in owners for problem in problems_of(owner)]


def problems_of(owner: UUID) -> list[str]:
    """Every broken invariant of one account; none of one who has never had a credit."""
    with transaction.atomic(savepoint=False):
        account = Account.objects.select_for_update().filter(pk=owner).first()
        if account is None:
            return []
        rows = Entry.objects.filter(account=account).order_by("sequence")
        entries = [Line(*row) for row in rows.values_list(*Line._fields)]
        lots = list(Lot.objects.filter(account=account).order_by("pk"))
        found = (
            *_totals(account, entries, lots),
            *_by_type(account, entries),
            *_chain(entries),
            *_allocations(account, entries, lots),
            *_refunds(entries),
            *_cancelled(lots),
        )
    return [f"{owner}: {problem}" for problem in found]


def _totals(account: Account, entries: list[Line], lots: list[Lot]) -> Iterable[str]:
    held = sum(lot.remaining for lot in lots)
    if held != account.balance:
        yield f"lots hold {held}, the balance says {account.balance}"
    booked = sum(entry.amount for entry in entries)
    if booked != account.balance:
        yield f"entries sum to {booked}, the balance says {account.balance}"
    if account.debt and account.balance:
        yield f"owes {account.debt} beside a balance of {account.balance}"
    first = min((lot.expires_at for lot in lots if lot.remaining and lot.expires_at), default=None)
    if first != account.next_expiry_at:
        yield f"the first lot expires at {first}, the account says {account.next_expiry_at}"


def _by_type(account: Account, entries: list[Line]) -> Iterable[str]:
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[_COUNTS_AS.get(entry.type, "earned")] += entry.amount
    for name, booked, cached in (
        ("earned", sums["earned"], account.total_earned),
        ("spent", -sums["spent"], account.total_spent),
        ("expired", -sums["expired"], account.total_expired),
        ("clawed back", -sums["clawed back"], account.total_clawed_back),
    ):
        if booked != cached:
            yield f"entries say {booked} {name}, the account says {cached}"


def _chain(entries: list[Line]) -> Iterable[str]:
    before = 0
    for n, entry in enumerate(entries, 1):
        if entry.sequence != n or entry.balance_before != before:
            yield f"entry {entry.sequence} does not follow entry {n - 1}"
        before = entry.balance_after


def _allocations(account: Account, entries: list[Line], lots: list[Lot]) -> Iterable[str]:
    by_entry: dict[UUID, int] = defaultdict(int)
    by_lot: dict[int, int] = defaultdict(int)
    parts = Allocation.objects.filter(entry__account=account)
    for entry_id, lot_id, amount in parts.values_list("entry_id", "lot_id", "amount"):
        by_entry[entry_id] += amount
        by_lot[lot_id] += amount
    for entry in entries:
        if by_entry[entry.pk] != entry.amount:
            yield f"entry {entry.sequence} is not covered by its lots"
    for lot in lots:
        if by_lot[lot.pk] != lot.remaining:
            yield f"lot {lot.pk} holds {lot.remaining}, its entries say {by_lot[lot.pk]}"


def _refunds(entries: list[Line]) -> Iterable[str]:
    left = {entry.pk: -entry.amount for entry in entries if entry.type == Entry.Type.SPENT}
    for entry in entries:
        if entry.type == Entry.Type.REFUNDED and entry.refund_of_id in left:
            left[entry.refund_of_id] -= entry.amount
    for pk, rest in left.items():
        if rest < 0:
            yield f"spend {pk} came back more than once"


def _cancelled(lots: list[Lot]) -> Iterable[str]:
    for lot in lots:
        if not 0 <= lot.clawed_back_expired + lot.clawed_back_owed <= lot.clawed_back <= lot.amount:
            yield f"lot {lot.pk} has {lot.clawed_back} of its {lot.amount} credits cancelled"
