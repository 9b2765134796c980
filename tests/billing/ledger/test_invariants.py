"""The check of the ledger finds every kind of wrong row and names the account."""

from collections.abc import Callable

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, Allocation, Entry, Lot
from tests.billing.conftest import START, grant_credits


@pytest.fixture(autouse=True)
def ledger(carol: User, dave: User) -> None:
    """Carol: 100 granted, 20 spent, 5 of them refunded. Dave: 10 granted."""
    grant_credits(carol, 100, until=START.replace(year=2999))
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "back", grace=True, amount=5)
    grant_credits(dave, 10)


def account_of_carol() -> Account:
    return Account.objects.get(user__username="carol")


def update_account(**fields: object) -> None:
    Account.objects.filter(user__username="carol").update(**fields)


def add_entry(amount: int, before: int, sequence: int, **fields: object) -> Entry:
    """Add an entry past the ledger, without an allocation."""
    right = {"type": Entry.Type.BONUS, "key": f"added:{sequence}", "created_at": timezone.now()}
    return Entry.objects.create(
        account=account_of_carol(),
        amount=amount,
        balance_before=before,
        balance_after=before + amount,
        sequence=sequence,
        **{**right, **fields},
    )


def allocate(entry: Entry) -> None:
    """Adjust the lot, its allocations and the account to an added entry."""
    lot = Lot.objects.get(account=entry.account)
    Allocation.objects.create(entry=entry, lot=lot, amount=entry.amount)
    Lot.objects.filter(pk=lot.pk).update(remaining=F("remaining") + entry.amount)
    update_account(
        balance=F("balance") + entry.amount, total_earned=F("total_earned") + entry.amount
    )


def test_problems_are_empty_when_the_ledger_is_right() -> None:
    assert invariants.problems() == []


def lot_differs() -> list[str]:
    lot = Lot.objects.get(account=account_of_carol())
    Lot.objects.filter(pk=lot.pk).update(remaining=84)
    return [
        "the lots sum to 84, but the balance is 85",
        f"lot {lot.pk} holds 84, but its allocations sum to 85",
    ]


def balance_differs() -> list[str]:
    update_account(balance=90, total_earned=105)
    return [
        "the lots sum to 85, but the balance is 90",
        "the entries sum to 85, but the balance is 90",
        "the entries sum to 100 earned, but the account records 105",
    ]


def totals_differ() -> list[str]:
    update_account(total_earned=107, total_spent=17, total_expired=3, total_clawed_back=2)
    return [
        "the entries sum to 100 earned, but the account records 107",
        "the entries sum to 15 spent, but the account records 17",
        "the entries sum to 0 expired, but the account records 3",
        "the entries sum to 0 clawed back, but the account records 2",
    ]


def next_expiry_differs() -> list[str]:
    update_account(next_expiry_at=None)
    return ["the first lot expires at 2999-01-01 00:00:00+00:00, but the account records None"]


def sequence_has_a_gap() -> list[str]:
    allocate(add_entry(5, 85, sequence=5))
    return ["entry 5 does not follow entry 3"]


def balance_jumps() -> list[str]:
    allocate(add_entry(5, 95, sequence=4))
    return ["entry 4 does not follow entry 3"]


def entry_has_no_allocation() -> list[str]:
    add_entry(5, 85, sequence=4)
    return [
        "the entries sum to 90, but the balance is 85",
        "the entries sum to 105 earned, but the account records 100",
        "the allocations of entry 4 do not sum to its amount",
    ]


def refund_exceeds_the_spend() -> list[str]:
    spent = Entry.objects.get(key="spend")
    more = add_entry(16, 85, sequence=4, type=Entry.Type.REFUNDED, refund_of=spent)
    Lot.objects.filter(account=account_of_carol()).update(amount=101)
    allocate(more)
    update_account(total_earned=100, total_spent=-1)
    return [f"more credits were refunded than spend {spent.pk} took"]


@pytest.mark.parametrize(
    "damage",
    [
        lot_differs,
        balance_differs,
        totals_differ,
        next_expiry_differs,
        sequence_has_a_gap,
        balance_jumps,
        entry_has_no_allocation,
        refund_exceeds_the_spend,
    ],
)
def test_problems_name_the_account_when_a_row_is_wrong(
    carol: User, damage: Callable[[], list[str]]
) -> None:
    assert damage() == [problem.removeprefix(f"{carol.pk}: ") for problem in invariants.problems()]
    whole = invariants.problems_of(carol.pk)
    assert [invariants.problems_of(carol.pk, window=n) for n in (1, 2)] == [whole, whole]
