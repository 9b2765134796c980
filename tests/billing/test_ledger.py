"""Granting, spending and expiry: FIFO, the boundary, and the totals."""

from datetime import timedelta

import pytest
from django.db import transaction
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, expiry, invariants
from billing.models import Account, Entry, Lot
from tests.billing.conftest import DAY, T, everything, give, left, lines
from tests.statements import failing, names, writes

MICROSECOND = timedelta(microseconds=1)
pytestmark = pytest.mark.usefixtures("clock")


def test_grant_when_first(carol: User) -> None:
    purpose = credits.Purpose("referral", "r-1", "A friend came")
    entry = credits.grant(
        carol, 40, credits.Kind.EARNED, "referral:1", expires_at=T + DAY, purpose=purpose
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
        "expires_at": T + DAY,
        "created_at": T,
    }
    assert left(carol) == [(40, T + DAY)]
    assert invariants.problems() == []


@pytest.mark.parametrize("kind", list(Lot.Kind))
def test_grant_is_booked_as_its_kind(carol: User, kind: Lot.Kind) -> None:
    assert give(carol, 5, kind=kind).type == kind.value
    assert Lot.objects.get().kind == kind


def test_grant_when_it_has_expired_already(carol: User) -> None:
    give(carol, 5, until=T)
    assert lines(carol) == [("bonus", 5), ("expired", -5)]
    assert credits.available(carol) == 0
    assert invariants.problems() == []


def test_spend_takes_what_expires_first(carol: User) -> None:
    give(carol, 10, until=T + 3 * DAY)
    give(carol, 10, until=T + DAY)
    give(carol, 10, until=T + 2 * DAY)
    credits.spend(carol, 15, "spend")
    assert left(carol) == [(5, T + 2 * DAY), (10, T + 3 * DAY)]


def test_spend_takes_the_older_of_two_that_expire_together(carol: User) -> None:
    give(carol, 10, until=T + DAY, kind=credits.Kind.BONUS)
    give(carol, 10, until=T + DAY, kind=credits.Kind.PURCHASED)
    credits.spend(carol, 12, "spend")
    assert list(Lot.objects.order_by("id").values_list("kind", "remaining")) == [
        ("bonus", 0),
        ("purchased", 8),
    ]


def test_spend_takes_what_never_expires_last(carol: User) -> None:
    give(carol, 10)
    give(carol, 10, until=T + 900 * DAY)
    credits.spend(carol, 12, "spend")
    assert left(carol) == [(8, None)]


def test_spend_is_one_line_over_several_lots(carol: User) -> None:
    give(carol, 10, until=T + DAY)
    give(carol, 10, until=T + 2 * DAY)
    give(carol, 10)
    purpose = credits.Purpose("sora_task_creation", "v-1", "x" * 300)
    entry = credits.spend(carol, 25, "spend", purpose)
    assert (entry.amount, entry.balance_before, entry.balance_after) == (-25, 30, 5)
    assert (entry.expires_at, entry.description) == (T + 2 * DAY, "x" * 200)
    assert list(entry.allocations.order_by("id").values_list("amount", flat=True)) == [-10, -10, -5]
    assert invariants.problems() == []


def test_spend_when_it_takes_everything(carol: User) -> None:
    give(carol, 10, until=T + DAY)
    assert credits.spend(carol, 10, "spend").expires_at == T + DAY
    assert (credits.available(carol), left(carol)) == (0, [])


def test_spend_when_there_is_too_little(carol: User) -> None:
    give(carol, 19)
    before = everything()
    with pytest.raises(credits.NotEnoughCredits) as caught:
        credits.spend(carol, 20, "spend")
    assert str(caught.value) == (
        "Insufficient credits. You need 20 credits but only have 19 available."
    )
    assert (caught.value.needed, caught.value.available) == (20, 19)
    assert everything() == before


def test_spend_when_there_was_never_an_account(carol: User) -> None:
    with pytest.raises(credits.NotEnoughCredits, match="only have 0 available"):
        credits.spend(carol, 1, "spend")
    assert Account.objects.count() == 0


def test_spend_never_takes_from_somebody_else(carol: User, dave: User) -> None:
    give(dave, 100)
    give(carol, 10)
    with pytest.raises(credits.NotEnoughCredits):
        credits.spend(carol, 11, "spend")
    credits.spend(carol, 10, "spend")
    assert left(dave) == [(100, None)]


def test_spend_a_moment_before_the_expiry(carol: User, clock: Traveller) -> None:
    give(carol, 10, until=T + 30 * DAY)
    clock.move_to(T + 30 * DAY - MICROSECOND)
    assert credits.available(carol) == 10
    assert credits.spend(carol, 10, "spend").balance_after == 0


def test_spend_at_the_expiry(carol: User, clock: Traveller) -> None:
    give(carol, 100, until=T + 30 * DAY)
    clock.move_to(T + 30 * DAY)
    before = everything()
    assert credits.available(carol) == 0
    with pytest.raises(credits.NotEnoughCredits) as caught:
        credits.spend(carol, 20, "spend")
    assert str(caught.value) == (
        "Insufficient credits. You need 20 credits but only have 0 available."
    )
    assert everything() == before


def test_spend_books_what_has_expired_before_it(carol: User, clock: Traveller) -> None:
    give(carol, 10, until=T + DAY)
    give(carol, 10)
    clock.move_to(T + 2 * DAY)
    credits.spend(carol, 4, "spend")
    assert lines(carol) == [("bonus", 10), ("bonus", 10), ("expired", -10), ("spent", -4)]
    assert invariants.problems() == []


def test_expire_when_nothing_is_due(carol: User) -> None:
    give(carol, 10, until=T + DAY)
    before = everything()
    assert (credits.expire(carol), expiry.expire_due()) == (0, 0)
    assert everything() == before


def test_expire_books_each_dead_lot_once(carol: User, clock: Traveller) -> None:
    for days in (1, 2, 3):
        give(carol, 10 * days, until=T + days * DAY)
    clock.move_to(T + 2 * DAY)
    assert credits.expire(carol) == 30
    assert credits.expire(carol) == 0
    assert lines(carol)[3:] == [("expired", -10), ("expired", -20)]
    assert Account.objects.get().next_expiry_at == T + 3 * DAY


def test_expire_due_sweeps_every_account(carol: User, dave: User, clock: Traveller) -> None:
    give(carol, 10, until=T + DAY)
    give(dave, 7, until=T + DAY)
    give(dave, 5, until=T + 2 * DAY)
    clock.move_to(T + DAY)
    assert (expiry.expire_due(), expiry.expire_due()) == (17, 0)
    assert (credits.available(carol), credits.available(dave)) == (0, 5)


@pytest.mark.parametrize("broken", [0, 1])
def test_sweep_goes_on_when_one_account_fails(
    carol: User, dave: User, clock: Traveller, broken: int
) -> None:
    users = sorted([carol, dave], key=lambda user: user.pk)
    for user, amount in zip(users, (10, 7), strict=True):
        give(user, amount, until=T + DAY)
    clock.move_to(T + DAY)
    with failing(writes("billing_entry"), names(users[broken].pk)):
        assert expiry.expire_due() == (7, 10)[broken]
    assert expiry.expire_due() == (10, 7)[broken]


def test_summary_when_there_was_never_an_account(carol: User) -> None:
    assert credits.summary(carol) == credits.Summary(0, 0, 0, 0, 0, 0, None)
    assert Account.objects.count() == 0


def test_summary_adds_up(carol: User) -> None:
    give(carol, 100, until=T + DAY)
    give(carol, 50)
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
        next_expiry_at=T + DAY,
    )


def test_summary_counts_what_has_expired_but_is_not_booked(carol: User, clock: Traveller) -> None:
    give(carol, 100, until=T + DAY)
    give(carol, 50, until=T + 2 * DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(T + DAY)
    unbooked = credits.summary(carol)
    assert unbooked == credits.Summary(
        available=50,
        owed=0,
        total_earned=150,
        total_spent=20,
        total_expired=80,
        total_clawed_back=0,
        next_expiry_at=T + 2 * DAY,
    )
    assert lines(carol)[-1] == ("spent", -20)
    credits.expire(carol)
    assert credits.summary(carol) == unbooked


def test_entry_for_when_the_event_has_and_has_not_happened(carol: User) -> None:
    assert credits.find_entry("spend") is None
    give(carol, 10)
    assert credits.find_entry("spend") is None
    entry = credits.spend(carol, 10, "spend")
    assert credits.find_entry("spend") == entry


def test_history_is_newest_first_and_filters(carol: User, dave: User) -> None:
    given = give(carol, 10)
    spent = credits.spend(carol, 4, "spend")
    give(dave, 5)
    assert list(credits.history(carol)) == [spent, given]
    assert list(credits.history(carol, "bonus")) == [given]
    assert list(credits.history(carol, "purchased")) == []


def test_operations_leave_nothing_when_the_caller_rolls_back(
    carol: User, dave: User, clock: Traveller
) -> None:
    give(carol, 30, until=T + DAY)
    credits.spend(carol, 10, "spend")
    before = everything()
    clock.move_to(T + 2 * DAY)
    with transaction.atomic():
        credits.refund("spend", "back", grace=True)
        credits.expire(carol)
        credits.spend(carol, 5, "more")
        give(dave, 10)
        transaction.set_rollback(True)
    assert everything() == before
    assert invariants.problems() == []


def test_operations_go_on_in_the_callers_transaction_after_a_refusal(carol: User) -> None:
    give(carol, 10)
    with transaction.atomic():
        with pytest.raises(credits.NotEnoughCredits):
            credits.spend(carol, 11, "too much")
        credits.spend(carol, 10, "enough")
    assert lines(carol) == [("bonus", 10), ("spent", -10)]
