"""The auditor finds every kind of wrong row, and names the account."""

from collections.abc import Callable

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, Allocation, Entry, Lot
from tests.billing.conftest import T, give


@pytest.fixture(autouse=True)
def books(carol: User, dave: User) -> None:
    """Carol: 100 given, 20 spent, 5 of them back. Dave: 10 given."""
    give(carol, 100, until=T.replace(year=2999))
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "back", grace=True, amount=5)
    give(dave, 10)


def hers() -> Account:
    return Account.objects.get(user__username="carol")


def change(**fields: object) -> None:
    Account.objects.filter(user__username="carol").update(**fields)


def add(amount: int, before: int, sequence: int, **fields: object) -> Entry:
    """A line that the ledger did not write; the totals follow, the lot does not."""
    right = {"type": Entry.Type.BONUS, "key": f"added:{sequence}", "created_at": timezone.now()}
    return Entry.objects.create(
        account=hers(),
        amount=amount,
        balance_before=before,
        balance_after=before + amount,
        sequence=sequence,
        **{**right, **fields},
    )


def cover(entry: Entry) -> None:
    """The lot, its allocation and the balance follow too."""
    lot = Lot.objects.get(account=entry.account)
    Allocation.objects.create(entry=entry, lot=lot, amount=entry.amount)
    Lot.objects.filter(pk=lot.pk).update(remaining=F("remaining") + entry.amount)
    change(balance=F("balance") + entry.amount, total_earned=F("total_earned") + entry.amount)


def test_problems_when_there_are_none() -> None:
    assert invariants.problems() == []


def lot_differs() -> list[str]:
    lot = Lot.objects.get(account=hers())
    Lot.objects.filter(pk=lot.pk).update(remaining=84)
    return [
        "the lots sum to 84, but the balance is 85",
        f"lot {lot.pk} holds 84, but its allocations sum to 85",
    ]


def balance_differs() -> list[str]:
    change(balance=90, total_earned=105)
    return [
        "the lots sum to 85, but the balance is 90",
        "the entries sum to 85, but the balance is 90",
        "the entries sum to 100 earned, but the account records 105",
    ]


def totals_differ() -> list[str]:
    change(total_earned=107, total_spent=17, total_expired=3, total_clawed_back=2)
    return [
        "the entries sum to 100 earned, but the account records 107",
        "the entries sum to 15 spent, but the account records 17",
        "the entries sum to 0 expired, but the account records 3",
        "the entries sum to 0 clawed back, but the account records 2",
    ]


def next_expiry_differs() -> list[str]:
    change(next_expiry_at=None)
    return ["the first lot expires at 2999-01-01 00:00:00+00:00, but the account records None"]


def number_is_missing() -> list[str]:
    cover(add(5, 85, sequence=5))
    return ["entry 5 does not follow entry 3"]


def balance_jumps() -> list[str]:
    cover(add(5, 95, sequence=4))
    return ["entry 4 does not follow entry 3"]


def entry_is_not_covered() -> list[str]:
    add(5, 85, sequence=4)
    return [
        "the entries sum to 90, but the balance is 85",
        "the entries sum to 105 earned, but the account records 100",
        "the allocations of entry 4 do not sum to its amount",
    ]


def more_came_back_than_was_spent() -> list[str]:
    spent = Entry.objects.get(key="spend")
    more = add(16, 85, sequence=4, type=Entry.Type.REFUNDED, refund_of=spent)
    Lot.objects.filter(account=hers()).update(amount=101)
    cover(more)
    change(total_earned=100, total_spent=-1)
    return [f"more credits were refunded than spend {spent.pk} took"]


@pytest.mark.parametrize(
    "damage",
    [
        lot_differs,
        balance_differs,
        totals_differ,
        next_expiry_differs,
        number_is_missing,
        balance_jumps,
        entry_is_not_covered,
        more_came_back_than_was_spent,
    ],
)
def test_problems_when_a_row_is_wrong(carol: User, damage: Callable[[], list[str]]) -> None:
    assert damage() == [problem.removeprefix(f"{carol.pk}: ") for problem in invariants.problems()]
