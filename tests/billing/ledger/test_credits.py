"""Grants, spends and expiry of credits, the totals and the history."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from time_machine import Traveller

from accounts.models import User
from billing.ledger import adjustments, clawbacks, credits, expiry, invariants
from billing.models import Account, Entry, Lot
from tests.billing.conftest import DAY, START, entries_of, grant_credits, ledger_rows, open_lots_of

MICROSECOND = timedelta(microseconds=1)
pytestmark = pytest.mark.usefixtures("clock")


def test_grant_opens_the_account_when_it_is_the_first(carol: User) -> None:
    purpose = credits.Purpose("referral", "r-1", "A friend came")
    entry = credits.grant(
        carol, 40, credits.Kind.EARNED, "referral:1", expires_at=START + DAY, purpose=purpose
    )
    assert Entry.objects.values().get() == {
        "id": entry.pk,
        "account_id": carol.pk,
        "sequence": 1,
        "type": "earned",
        "amount": 40,
        "balance_before": 0,
        "balance_after": 40,
        "key": "referral:1",
        "reference_type": "referral",
        "reference_id": "r-1",
        "description": "A friend came",
        "refund_of_id": None,
        "expires_at": START + DAY,
        "created_at": START,
    }
    assert open_lots_of(carol) == [(40, START + DAY)]
    assert invariants.problems() == []


@pytest.mark.parametrize("kind", list(Lot.Kind))
def test_grant_has_the_type_of_its_kind_when_posted(carol: User, kind: Lot.Kind) -> None:
    assert grant_credits(carol, 5, kind=kind).type == kind.value
    assert Lot.objects.get().kind == kind


def test_grant_expires_at_once_when_its_expiry_has_passed(carol: User) -> None:
    grant_credits(carol, 5, until=START)
    assert entries_of(carol) == [("bonus", 5), ("expired", -5)]
    assert credits.available(carol) == 0
    assert invariants.problems() == []


def test_spend_takes_the_lot_that_expires_first_when_there_are_several(carol: User) -> None:
    grant_credits(carol, 10, until=START + 3 * DAY)
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(carol, 10, until=START + 2 * DAY)
    credits.spend(carol, 15, "spend")
    assert open_lots_of(carol) == [(5, START + 2 * DAY), (10, START + 3 * DAY)]


def test_spend_takes_the_older_lot_when_two_expire_together(carol: User) -> None:
    grant_credits(carol, 10, until=START + DAY, kind=credits.Kind.BONUS)
    grant_credits(carol, 10, until=START + DAY, kind=credits.Kind.PURCHASED)
    credits.spend(carol, 12, "spend")
    assert list(Lot.objects.order_by("id").values_list("kind", "remaining")) == [
        ("bonus", 0),
        ("purchased", 8),
    ]


def test_spend_takes_permanent_credits_last_when_others_expire(carol: User) -> None:
    grant_credits(carol, 10)
    grant_credits(carol, 10, until=START + 900 * DAY)
    credits.spend(carol, 12, "spend")
    assert open_lots_of(carol) == [(8, None)]


def test_spend_writes_one_entry_when_it_takes_from_several_lots(carol: User) -> None:
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(carol, 10, until=START + 2 * DAY)
    grant_credits(carol, 10)
    purpose = credits.Purpose("sora_task_creation", "v-1", "x" * 300)
    entry = credits.spend(carol, 25, "spend", purpose)
    assert (entry.amount, entry.balance_before, entry.balance_after) == (-25, 30, 5)
    assert (entry.expires_at, entry.description) == (START + 2 * DAY, "x" * 200)
    assert list(entry.allocations.order_by("id").values_list("amount", flat=True)) == [-10, -10, -5]
    assert invariants.problems() == []


def test_spend_leaves_nothing_when_it_takes_the_whole_balance(carol: User) -> None:
    grant_credits(carol, 10, until=START + DAY)
    assert credits.spend(carol, 10, "spend").expires_at == START + DAY
    assert (credits.available(carol), open_lots_of(carol)) == (0, [])


def test_spend_writes_nothing_when_the_balance_is_too_small(carol: User) -> None:
    grant_credits(carol, 19)
    before = ledger_rows()
    with pytest.raises(credits.NotEnoughCredits) as caught:
        credits.spend(carol, 20, "spend")
    assert str(caught.value) == (
        "Insufficient credits. You need 20 credits but only have 19 available."
    )
    assert (caught.value.needed, caught.value.available) == (20, 19)
    assert ledger_rows() == before


def test_spend_opens_no_account_when_there_is_none(carol: User) -> None:
    with pytest.raises(credits.NotEnoughCredits, match="only have 0 available"):
        credits.spend(carol, 1, "spend")
    assert Account.objects.count() == 0


def test_spend_leaves_other_users_alone_when_the_balance_is_too_small(
    carol: User, dave: User
) -> None:
    grant_credits(dave, 100)
    grant_credits(carol, 10)
    with pytest.raises(credits.NotEnoughCredits):
        credits.spend(carol, 11, "spend")
    credits.spend(carol, 10, "spend")
    assert open_lots_of(dave) == [(100, None)]


def test_spend_succeeds_when_the_expiry_is_a_moment_away(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 10, until=START + 30 * DAY)
    clock.move_to(START + 30 * DAY - MICROSECOND)
    assert credits.available(carol) == 10
    assert credits.spend(carol, 10, "spend").balance_after == 0


def test_spend_is_refused_when_the_expiry_is_reached(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 100, until=START + 30 * DAY)
    clock.move_to(START + 30 * DAY)
    before = ledger_rows()
    assert credits.available(carol) == 0
    with pytest.raises(credits.NotEnoughCredits) as caught:
        credits.spend(carol, 20, "spend")
    assert str(caught.value) == (
        "Insufficient credits. You need 20 credits but only have 0 available."
    )
    assert ledger_rows() == before


def test_spend_posts_the_expiry_first_when_a_lot_has_expired(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(carol, 10)
    clock.move_to(START + 2 * DAY)
    credits.spend(carol, 4, "spend")
    assert entries_of(carol) == [("bonus", 10), ("bonus", 10), ("expired", -10), ("spent", -4)]
    assert invariants.problems() == []


def test_expire_writes_nothing_when_nothing_is_due(carol: User) -> None:
    grant_credits(carol, 10, until=START + DAY)
    before = ledger_rows()
    assert (credits.expire(carol), expiry.expire_due()) == (0, 0)
    assert ledger_rows() == before


def test_expire_posts_each_lot_once_when_repeated(carol: User, clock: Traveller) -> None:
    for days in (1, 2, 3):
        grant_credits(carol, 10 * days, until=START + days * DAY)
    clock.move_to(START + 2 * DAY)
    assert credits.expire(carol) == 30
    assert credits.expire(carol) == 0
    assert entries_of(carol)[3:] == [("expired", -10), ("expired", -20)]
    assert Account.objects.get().next_expiry_at == START + 3 * DAY


def test_summary_is_zero_when_there_is_no_account(carol: User) -> None:
    assert credits.summary(carol) == credits.Summary(0, 0, 0, 0, 0, 0, None)
    assert Account.objects.count() == 0


def test_summary_adds_up_when_credits_were_spent_and_refunded(carol: User) -> None:
    grant_credits(carol, 100, until=START + DAY)
    grant_credits(carol, 50)
    credits.spend(carol, 20, "first")
    credits.spend(carol, 30, "second")
    credits.refund("first", "back", grace=True)
    now = credits.summary(carol)
    assert now == credits.Summary(
        available=120,
        owed=0,
        total_earned=150,
        total_spent=30,
        total_expired=0,
        total_clawed_back=0,
        next_expiry_at=START + DAY,
    )


def test_summary_counts_expired_credits_when_the_expiry_is_not_posted(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 100, until=START + DAY)
    grant_credits(carol, 50, until=START + 2 * DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(START + DAY)
    unbooked = credits.summary(carol)
    assert unbooked == credits.Summary(
        available=50,
        owed=0,
        total_earned=150,
        total_spent=20,
        total_expired=80,
        total_clawed_back=0,
        next_expiry_at=START + 2 * DAY,
    )
    assert entries_of(carol)[-1] == ("spent", -20)
    credits.expire(carol)
    assert credits.summary(carol) == unbooked


def test_find_entry_is_none_when_the_event_has_not_happened(carol: User) -> None:
    assert credits.find_entry("spend") is None
    grant_credits(carol, 10)
    assert credits.find_entry("spend") is None
    entry = credits.spend(carol, 10, "spend")
    assert credits.find_entry("spend") == entry


def test_history_is_newest_first_when_filtered_or_not(carol: User, dave: User) -> None:
    given = grant_credits(carol, 10)
    spent = credits.spend(carol, 4, "spend")
    grant_credits(dave, 5)
    assert list(credits.history(carol)) == [spent, given]
    assert list(credits.history(carol, "bonus")) == [given]
    assert list(credits.history(carol, "purchased")) == []


def test_operations_write_nothing_when_the_caller_rolls_back(
    carol: User, dave: User, clock: Traveller
) -> None:
    grant_credits(carol, 30, until=START + DAY)
    credits.spend(carol, 10, "spend")
    before = ledger_rows()
    clock.move_to(START + 2 * DAY)
    with transaction.atomic():
        credits.refund("spend", "back", grace=True)
        credits.expire(carol)
        credits.spend(carol, 5, "more")
        grant_credits(dave, 10)
        transaction.set_rollback(True)
    assert ledger_rows() == before
    assert invariants.problems() == []


def test_operations_succeed_when_an_earlier_one_in_the_transaction_was_refused(carol: User) -> None:
    grant_credits(carol, 10)
    with transaction.atomic():
        with pytest.raises(credits.NotEnoughCredits):
            credits.spend(carol, 11, "too much")
        credits.spend(carol, 10, "enough")
    assert entries_of(carol) == [("bonus", 10), ("spent", -10)]


# ---- numbers of credits ----

NO_CREDITS = (0, -5, 1.5, True, "5", None, 1_000_000_001, 2**63 - 1)
# All that is left, no clawback, five credits less.
VALID = {("refund", None), ("claw back", 0), ("adjust", -5)}
INVALID = [
    (operation, amount)
    for operation in ("grant", "spend", "refund", "adjust", "claw back")
    for amount in NO_CREDITS
    if (operation, amount) not in VALID
]


@pytest.mark.parametrize(("operation", "amount"), INVALID)
def test_nothing_is_written_when_the_number_of_credits_is_invalid(
    carol: User, operation: str, amount: Any
) -> None:
    entry = grant_credits(carol, 100)
    credits.spend(carol, 20, "spend")
    before = ledger_rows()
    operations: dict[str, Callable[[], object]] = {
        "grant": lambda: credits.grant(carol, amount, credits.Kind.BONUS, "new", expires_at=None),
        "spend": lambda: credits.spend(carol, amount, "new"),
        "refund": lambda: credits.refund("spend", "new", grace=True, amount=amount),
        "adjust": lambda: adjustments.adjust(carol, amount, "new", expires_at=None),
        "claw back": lambda: clawbacks.claw_back_to(entry.key, amount),
    }
    with pytest.raises(credits.InvalidCredits):
        operations[operation]()
    assert ledger_rows() == before
