"""The check of an account in windows: small statements, and no false finding while it is used."""

from itertools import count

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account
from tests.billing.conftest import START, grant_credits
from tests.statements import before, reads

SPENDS = 7


@pytest.fixture(autouse=True)
def ledger(carol: User) -> None:
    for number in range(3):
        grant_credits(carol, 10, until=START.replace(year=2990 + number))
    for number in range(SPENDS):
        credits.spend(carol, 3, f"spend:{number}")


def use(user: User, numbers: "count[int]") -> None:
    number = next(numbers)
    grant_credits(user, 5, until=START.replace(year=2999))
    credits.spend(user, 4, f"more:{number}")
    credits.refund(f"more:{number}", f"back:{number}", grace=True, amount=2)


@pytest.mark.parametrize("table", ["billing_entry", "billing_allocation", "billing_lot"])
def test_nothing_is_found_when_the_account_is_used_during_the_check(
    carol: User, table: str
) -> None:
    numbers, outside = count(), len(connection.atomic_blocks)

    def act() -> None:
        # Nobody else could do so under the lock of the account.
        if len(connection.atomic_blocks) == outside and next(numbers) < 5:
            use(carol, numbers)

    with before(reads(table), act, once=False):
        assert invariants.problems_of(carol.pk, window=2) == []
    assert Account.objects.get(pk=carol.pk).last_sequence > 3 + SPENDS


def test_damage_is_found_when_the_account_is_used_during_the_check(carol: User) -> None:
    account = Account.objects.filter(pk=carol.pk)
    account.update(total_spent=F("total_spent") + 1, total_earned=F("total_earned") + 1)
    numbers = count()
    with before(reads("billing_allocation"), lambda: use(carol, numbers)):
        found = invariants.problems_of(carol.pk, window=2)
    # 30 granted and 21 spent before; 5 granted, 4 spent and 2 returned meanwhile.
    assert found == [
        f"{carol.pk}: the entries sum to 35 earned, but the account records 36",
        f"{carol.pk}: the entries sum to 23 spent, but the account records 24",
    ]


def test_no_statement_reads_more_than_a_window(carol: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        invariants.problems_of(carol.pk, window=2)
    entries = [q["sql"] for q in queries if 'FROM "billing_entry" WHERE' in q["sql"]]
    listed = [sql for sql in entries if "SUM(" not in sql]
    # Ten entries in windows of two, a window that is empty, and the one under the lock.
    assert (len(listed), [sql for sql in listed if "LIMIT 2" not in sql]) == (7, [])


def test_accounts_are_listed_in_windows(carol: User, dave: User) -> None:
    grant_credits(dave, 10)
    every = sorted([carol.pk, dave.pk])
    assert list(invariants.user_ids_after(None, window=1)) == every
    assert list(invariants.user_ids_after(every[0], window=1)) == every[1:]
