"""The invariants of the ledger: check that lots, entries, allocations and balances agree.

An account is checked in windows, so that memory, and the time for which it is locked, do not grow
with its history. Entries and their allocations never change, so those that are committed are read
without a lock. What changes (the account, its lots) is read under the lock together with the few
entries that came since, so a finding is never a moment between two statements.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Sum

from billing.ledger import postings
from billing.models import Account, Allocation, Entry, Lot

WINDOW = 5_000
# Before the number of any entry, also of a wrong one.
FIRST = -(2**63)
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


@dataclass
class _History:
    """What the entries of an account add up to, up to the last one that was read."""

    count: int = 0
    last: int = FIRST
    balance: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    sequence: list[str] = field(default_factory=list)
    allocations: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)

    def read(self, user_id: UUID, window: int) -> None:
        """Read the entries after the last one, in windows."""
        while rows := _entries_after(user_id, self.last, window):
            self._check_sequence(rows)
            self._check_allocations(rows)
            self._check_refunds(rows)
            for entry in rows:
                self.totals[_TOTAL_OF_TYPE.get(entry.type, "earned")] += entry.amount
            self.last = rows[-1].sequence

    def _check_sequence(self, rows: list[EntryRow]) -> None:
        for entry in rows:
            self.count += 1
            if entry.sequence != self.count or entry.balance_before != self.balance:
                text = f"entry {entry.sequence} does not follow entry {self.count - 1}"
                self.sequence.append(text)
            self.balance = entry.balance_after

    def _check_allocations(self, rows: list[EntryRow]) -> None:
        sums: dict[UUID, int] = defaultdict(int)
        parts = Allocation.objects.filter(entry__in=[entry.pk for entry in rows])
        for pk, amount in parts.values_list("entry_id", "amount").iterator():
            sums[pk] += amount
        self.allocations += [
            f"the allocations of entry {entry.sequence} do not sum to its amount"
            for entry in rows
            if sums[entry.pk] != entry.amount
        ]

    def _check_refunds(self, rows: list[EntryRow]) -> None:
        spent = {entry.pk: -entry.amount for entry in rows if entry.type == Entry.Type.SPENT}
        refunds = Entry.objects.filter(refund_of__in=spent, type=Entry.Type.REFUNDED).order_by()
        sums = dict(refunds.values_list("refund_of").annotate(sum=Sum("amount")))
        self.refunds += [
            f"more credits were refunded than spend {pk} took"
            for pk, amount in spent.items()
            if sums.get(pk, 0) > amount
        ]


def problems() -> list[str]:
    """Return a sentence for each broken invariant of all accounts, as `problems_of`."""
    return [problem for user_id in user_ids_after(None) for problem in problems_of(user_id)]


def user_ids_after(user_id: UUID | None, window: int = WINDOW) -> Iterator[UUID]:
    """Yield the ids of the accounts after this one, in their order; None is before the first."""
    while True:
        rows = Account.objects.order_by("pk").values_list("pk", flat=True)
        found = list((rows.filter(pk__gt=user_id) if user_id else rows)[:window])
        yield from found
        if len(found) < window:
            return
        user_id = found[-1]


def problems_of(user_id: UUID, window: int = WINDOW) -> list[str]:
    """Return a sentence for each broken invariant of one account; none if it does not exist.

    The account is locked for a moment for each `window` lots and at the end, so the check can run
    while the user is active.
    """
    history = _History()
    history.read(user_id, window)
    lots = _lot_problems(user_id, history.last, window)
    with transaction.atomic(savepoint=False):
        account = postings.find_account(user_id)
        if account is None:
            return []
        history.read(user_id, window)
        found = [
            *_check_balance(account, history),
            *_check_totals(account, history),
            *history.sequence,
            *history.allocations,
            *lots.allocations,
            *history.refunds,
            *lots.clawbacks,
        ]
    return [f"{user_id}: {problem}" for problem in found]


def _entries_after(user_id: UUID, sequence: int, window: int) -> list[EntryRow]:
    rows = Entry.objects.filter(account=user_id, sequence__gt=sequence).order_by("sequence")
    return [EntryRow(*row) for row in rows.values_list(*EntryRow._fields)[:window]]


def _check_balance(account: Account, history: _History) -> Iterable[str]:
    open_lots = Lot.objects.filter(account=account, remaining__gt=0)
    lots = open_lots.aggregate(remaining=Sum("remaining"), first=Min("expires_at"))
    remaining = lots["remaining"] or 0
    if remaining != account.balance:
        yield f"the lots sum to {remaining}, but the balance is {account.balance}"
    posted = history.totals.total()
    if posted != account.balance:
        yield f"the entries sum to {posted}, but the balance is {account.balance}"
    if account.debt and account.balance:
        yield f"the account has a debt of {account.debt} and a balance of {account.balance}"
    if lots["first"] != account.next_expiry_at:
        yield (
            f"the first lot expires at {lots['first']}, "
            f"but the account records {account.next_expiry_at}"
        )


def _check_totals(account: Account, history: _History) -> Iterable[str]:
    sums = history.totals
    for name, posted, cached in (
        ("earned", sums["earned"], account.total_earned),
        ("spent", -sums["spent"], account.total_spent),
        ("expired", -sums["expired"], account.total_expired),
        ("clawed back", -sums["clawed back"], account.total_clawed_back),
    ):
        if posted != cached:
            yield f"the entries sum to {posted} {name}, but the account records {cached}"


class _LotProblems(NamedTuple):
    allocations: list[str]
    clawbacks: list[str]


def _lot_problems(user_id: UUID, last: int, window: int) -> _LotProblems:
    """Check the lots in windows; entries up to `last` are added up before the account is locked."""
    found, after = _LotProblems([], []), 0
    while True:
        rows = Lot.objects.filter(account=user_id, pk__gt=after).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:window])
        if not ids:
            return found
        before = _allocated(ids, entry__account=user_id, entry__sequence__lte=last)
        with transaction.atomic(savepoint=False):
            postings.find_account(user_id)
            since = _allocated(ids, entry__account=user_id, entry__sequence__gt=last)
            lots = list(Lot.objects.filter(pk__in=ids).order_by("pk"))
        for lot in lots:
            _check_lot(lot, before[lot.pk] + since[lot.pk], found)
        after = ids[-1]


def _allocated(lots: list[int], **entries: object) -> Counter[int]:
    rows = Allocation.objects.filter(lot__in=lots, **entries).order_by()
    return Counter(dict(rows.values_list("lot").annotate(sum=Sum("amount"))))


def _check_lot(lot: Lot, allocated: int, found: _LotProblems) -> None:
    if allocated != lot.remaining:
        text = f"lot {lot.pk} holds {lot.remaining}, but its allocations sum to {allocated}"
        found.allocations.append(text)
    if not 0 <= lot.clawed_back_expired + lot.clawed_back_owed <= lot.clawed_back <= lot.amount:
        text = f"lot {lot.pk} of {lot.amount} credits has {lot.clawed_back} clawed back"
        found.clawbacks.append(text)
