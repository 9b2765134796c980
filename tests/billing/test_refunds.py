"""Refunds: back to the same lots, at most once, with grace where we failed; and debt."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, Entry, Lot
from tests.billing.conftest import DAY, T, everything, give, left, lines

GRACE = timedelta(days=7)
pytestmark = pytest.mark.usefixtures("clock")


def owe(user: User, debt: int) -> None:
    """A debt, as a payment taken back leaves it behind."""
    Account.objects.update_or_create(user_id=user.pk, defaults={"debt": debt})


def test_refund_returns_to_the_same_lots(carol: User) -> None:
    give(carol, 30, until=T + 30 * DAY)
    give(carol, 500, until=T + 90 * DAY, kind=credits.Kind.PURCHASED)
    purpose = credits.Purpose("sora_task_creation", "v-3", "A cat")
    spent = credits.spend(carol, 35, "spend", purpose)
    assert left(carol) == [(495, T + 90 * DAY)]
    back = credits.refund("spend", "back", grace=True, description="It failed")
    assert left(carol) == [(30, T + 30 * DAY), (500, T + 90 * DAY)]
    assert (back.type, back.amount, back.refund_of) == ("refunded", 35, spent)
    assert (back.reference_type, back.reference_id, back.description) == (
        "sora_task_creation",
        "v-3",
        "It failed",
    )
    assert credits.summary(carol).total_spent == 0
    assert invariants.problems() == []


def test_refund_in_parts_returns_what_was_taken_last_first(carol: User) -> None:
    give(carol, 10, until=T + DAY)
    give(carol, 10, until=T + 2 * DAY)
    credits.spend(carol, 18, "spend")
    credits.refund("spend", "part:1", grace=True, amount=10)
    assert left(carol) == [(2, T + DAY), (10, T + 2 * DAY)]
    credits.refund("spend", "part:2", grace=True, amount=3)
    assert left(carol) == [(5, T + DAY), (10, T + 2 * DAY)]
    assert credits.refund("spend", "rest", grace=True).amount == 5
    assert left(carol) == [(10, T + DAY), (10, T + 2 * DAY)]
    assert credits.summary(carol).total_spent == 0


@pytest.mark.parametrize("amount", [11, 0, -1])
def test_refund_when_it_is_more_than_the_rest(carol: User, amount: int) -> None:
    give(carol, 20)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "half", grace=True, amount=10)
    before = everything()
    with pytest.raises(credits.OverRefund, match=f"{amount} of 10 credits"):
        credits.refund("spend", "too much", grace=True, amount=amount)
    assert everything() == before


def test_refund_when_all_has_come_back(carol: User) -> None:
    give(carol, 20)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "back", grace=True)
    before = everything()
    with pytest.raises(credits.OverRefund):
        credits.refund("spend", "again", grace=True)
    assert everything() == before


@pytest.mark.parametrize("key", ["nobody's", "grant", "back"])
def test_refund_when_the_key_is_not_a_spends(carol: User, key: str) -> None:
    credits.grant(carol, 20, credits.Kind.BONUS, "grant", expires_at=None)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "back", grace=True)
    before = everything()
    with pytest.raises(Entry.DoesNotExist):
        credits.refund(key, "again", grace=True)
    assert everything() == before


def test_refund_when_the_lot_died_and_we_failed(carol: User, clock: Traveller) -> None:
    old = give(carol, 30, until=T + DAY, kind=credits.Kind.PURCHASED)
    credits.spend(carol, 20, "spend")
    now = T + DAY
    clock.move_to(now)
    back = credits.refund("spend", "back", grace=True)
    assert lines(carol)[2:] == [("expired", -10), ("refunded", 20)]
    assert left(carol) == [(20, now + GRACE)]
    assert back.expires_at == now + GRACE
    grace = Lot.objects.get(parent__isnull=False)
    assert (grace.kind, grace.parent_id, grace.amount) == (
        "purchased",
        old.allocations.get().lot_id,
        20,
    )
    clock.move_to(now + GRACE)
    assert credits.available(carol) == 0
    assert invariants.problems() == []


def test_refund_when_the_user_cancelled_after_the_lot_died(carol: User, clock: Traveller) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(T + DAY)
    credits.refund("spend", "back", grace=False)
    assert lines(carol)[2:] == [("refunded", 20), ("expired", -20)]
    assert credits.available(carol) == 0
    now = credits.summary(carol)
    assert (now.total_spent, now.total_expired) == (0, 20)
    assert Lot.objects.count() == 1
    assert invariants.problems() == []


def test_refund_when_only_some_lots_died(carol: User, clock: Traveller) -> None:
    give(carol, 10, until=T + DAY)
    give(carol, 10, until=T + 50 * DAY)
    give(carol, 10)
    credits.spend(carol, 25, "spend")
    clock.move_to(T + 2 * DAY)
    credits.refund("spend", "back", grace=True)
    assert left(carol) == [(10, T + 2 * DAY + GRACE), (10, T + 50 * DAY), (10, None)]


def test_refund_in_parts_when_the_lot_dies_between_them(carol: User, clock: Traveller) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "part:1", grace=True, amount=5)
    clock.move_to(T + 2 * DAY)
    credits.refund("spend", "part:2", grace=True, amount=5)
    clock.move_to(T + 3 * DAY)
    assert credits.refund("spend", "rest", grace=True).amount == 10
    assert left(carol) == [(5, T + 2 * DAY + GRACE), (10, T + 3 * DAY + GRACE)]
    with pytest.raises(credits.OverRefund):
        credits.refund("spend", "more", grace=True)
    assert invariants.problems() == []


def test_refund_from_a_living_grace_lot(carol: User, clock: Traveller) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(T + 2 * DAY)
    credits.refund("spend", "back", grace=True)
    credits.spend(carol, 15, "spend again")
    clock.move_to(T + 3 * DAY)
    credits.refund("spend again", "back again", grace=True)
    assert left(carol) == [(20, T + 2 * DAY + GRACE)]


def test_refund_when_a_grace_lot_died(carol: User, clock: Traveller) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(T + 2 * DAY)
    credits.refund("spend", "back", grace=True)
    credits.spend(carol, 20, "spend again")
    clock.move_to(T + 2 * DAY + GRACE)
    credits.refund("spend again", "back again", grace=True)
    assert lines(carol)[-2:] == [("refunded", 20), ("expired", -20)]
    assert (credits.available(carol), Lot.objects.count()) == (0, 2)
    assert invariants.problems() == []


def test_refund_of_a_lot_and_its_own_grace(carol: User, clock: Traveller) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "first")
    clock.move_to(T + 2 * DAY)
    credits.refund("first", "first:part", grace=True, amount=8)
    credits.spend(carol, 8, "second")
    clock.move_to(T + 3 * DAY)
    credits.refund("first", "first:rest", grace=True)
    credits.refund("second", "second:back", grace=True)
    assert left(carol) == [(8, T + 2 * DAY + GRACE), (12, T + 3 * DAY + GRACE)]
    assert invariants.problems() == []


def test_debt_is_taken_from_a_grant(carol: User) -> None:
    owe(carol, 30)
    give(carol, 50, until=T + DAY)
    assert lines(carol) == [("bonus", 50), ("reversed", -30)]
    assert left(carol) == [(20, T + DAY)]
    assert credits.summary(carol) == credits.Summary(20, 0, 50, 0, 0, 30, T + DAY)
    assert invariants.problems() == []


def test_debt_when_the_grant_is_smaller(carol: User) -> None:
    owe(carol, 30)
    give(carol, 20)
    assert credits.summary(carol) == credits.Summary(0, 10, 20, 0, 0, 20, None)
    give(carol, 10)
    assert credits.summary(carol) == credits.Summary(0, 0, 30, 0, 0, 30, None)
    assert invariants.problems() == []


def test_debt_is_taken_from_a_refund(carol: User) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "spend")
    owe(carol, 15)
    credits.refund("spend", "back", grace=True)
    assert lines(carol)[2:] == [("refunded", 20), ("reversed", -15)]
    assert credits.summary(carol) == credits.Summary(5, 0, 20, 0, 0, 15, T + DAY)
    assert invariants.problems() == []


def test_debt_stays_when_the_refund_expires_at_once(carol: User, clock: Traveller) -> None:
    give(carol, 20, until=T + DAY)
    credits.spend(carol, 20, "spend")
    owe(carol, 15)
    clock.move_to(T + DAY)
    credits.refund("spend", "back", grace=False)
    assert lines(carol)[2:] == [("refunded", 20), ("expired", -20)]
    assert credits.summary(carol) == credits.Summary(0, 15, 20, 0, 20, 0, None)
    assert invariants.problems() == []


def test_debt_stays_when_the_grant_has_expired_already(carol: User) -> None:
    owe(carol, 15)
    give(carol, 20, until=T)
    assert lines(carol) == [("bonus", 20), ("expired", -20)]
    assert credits.summary(carol) == credits.Summary(0, 15, 20, 0, 20, 0, None)
    assert invariants.problems() == []
