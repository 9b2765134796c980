"""The invariants of the ledger: check that lots, entries, allocations and balances agree."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from billing.ledger import postings
from billing.models import Account, Allocation, Entry, Lot

# To which total of the account the entries of a type belong; all other types to "earned".
_TOTAL_OF_TYPE: dict[str, str] = {
    Entry.Type.SPENT: "spent",
    Entry.Type.REFUNDED: "spent",
    Entry.Type.EXPIRED: "expired",
    Entry.Type.CLAWED_BACK: "clawed back",
}


class EntryRow(NamedTuple):
    """The fields of an entry that the checks read."""

    pk: UUID
    sequence: int
    type: str
    amount: int
    balance_before: int
    balance_after: int
    refund_of_id: UUID | None


def problems() -> list[str]:
    """Return a sentence for each broken invariant of all accounts.

    Each account is locked while its rows are read, so the check can run while users are active.
    """
    user_ids = Account.objects.order_by("pk").values_list("pk", flat=True)
    return [problem for user_id in user_ids for problem in problems_of(user_id)]


def problems_of(user_id: UUID) -> list[str]:
    """Return a sentence for each broken invariant of one account; none if it does not exist."""
    with transaction.atomic(savepoint=False):
        account = postings.find_account(user_id)
        if account is None:
            return []
        rows = Entry.objects.filter(account=account).order_by("sequence")
        entries = [EntryRow(*row) for row in rows.values_list(*EntryRow._fields)]
        lots = list(Lot.objects.filter(account=account).order_by("pk"))
        found = (
            *_check_balance(account, entries, lots),
            *_check_totals(account, entries),
            *_check_sequence(entries),
            *_check_allocations(account, entries, lots),
            *_check_refunds(entries),
            *_check_clawbacks(lots),
        )
    return [f"{user_id}: {problem}" for problem in found]


def _check_balance(account: Account, entries: list[EntryRow], lots: list[Lot]) -> Iterable[str]:
    remaining = sum(lot.remaining for lot in lots)
    if remaining != account.balance:
        yield f"the lots sum to {remaining}, but the balance is {account.balance}"
    posted = sum(entry.amount for entry in entries)
    if posted != account.balance:
        yield f"the entries sum to {posted}, but the balance is {account.balance}"
    if account.debt and account.balance:
        yield f"the account has a debt of {account.debt} and a balance of {account.balance}"
    first = min((lot.expires_at for lot in lots if lot.remaining and lot.expires_at), default=None)
    if first != account.next_expiry_at:
        yield (
            f"the first lot expires at {first}, but the account records {account.next_expiry_at}"
        )


def _check_totals(account: Account, entries: list[EntryRow]) -> Iterable[str]:
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[_TOTAL_OF_TYPE.get(entry.type, "earned")] += entry.amount
    for name, posted, cached in (
        ("earned", sums["earned"], account.total_earned),
        ("spent", -sums["spent"], account.total_spent),
        ("expired", -sums["expired"], account.total_expired),
        ("clawed back", -sums["clawed back"], account.total_clawed_back),
    ):
        if posted != cached:
            yield f"the entries sum to {posted} {name}, but the account records {cached}"


def _check_sequence(entries: list[EntryRow]) -> Iterable[str]:
    before = 0
    for n, entry in enumerate(entries, 1):
        if entry.sequence != n or entry.balance_before != before:
            yield f"entry {entry.sequence} does not follow entry {n - 1}"
        before = entry.balance_after


def _check_allocations(account: Account, entries: list[EntryRow], lots: list[Lot]) -> Iterable[str]:
    by_entry: dict[UUID, int] = defaultdict(int)
    by_lot: dict[int, int] = defaultdict(int)
    parts = Allocation.objects.filter(entry__account=account)
    for entry_id, lot_id, amount in parts.values_list("entry_id", "lot_id", "amount"):
        by_entry[entry_id] += amount
        by_lot[lot_id] += amount
    for entry in entries:
        if by_entry[entry.pk] != entry.amount:
            yield f"the allocations of entry {entry.sequence} do not sum to its amount"
    for lot in lots:
        if by_lot[lot.pk] != lot.remaining:
            yield f"lot {lot.pk} holds {lot.remaining}, but its allocations sum to {by_lot[lot.pk]}"


def _check_refunds(entries: list[EntryRow]) -> Iterable[str]:
    left = {entry.pk: -entry.amount for entry in entries if entry.type == Entry.Type.SPENT}
    for entry in entries:
        if entry.type == Entry.Type.REFUNDED and entry.refund_of_id in left:
            left[entry.refund_of_id] -= entry.amount
    for pk, rest in left.items():
        if rest < 0:
            yield f"more credits were refunded than spend {pk} took"


def _check_clawbacks(lots: list[Lot]) -> Iterable[str]:
    for lot in lots:
        if not 0 <= lot.clawed_back_expired + lot.clawed_back_owed <= lot.clawed_back <= lot.amount:
            yield f"lot {lot.pk} of {lot.amount} credits has {lot.clawed_back} clawed back"
