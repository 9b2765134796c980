"""Credit refunds return credits to their lots once; a debt is collected first."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, Entry, Lot
from tests.billing.conftest import DAY, START, entries_of, grant_credits, ledger_rows, open_lots_of

GRACE = timedelta(days=7)
pytestmark = pytest.mark.usefixtures("clock")


def set_debt(user: User, debt: int) -> None:
    """Set the debt of a user, as a clawback does."""
    Account.objects.update_or_create(user_id=user.pk, defaults={"debt": debt})


def test_refund_returns_to_the_same_lots_when_they_have_not_expired(carol: User) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    grant_credits(carol, 500, until=START + 90 * DAY, kind=credits.Kind.PURCHASED)
    purpose = credits.Purpose("sora_task_creation", "v-3", "A cat")
    spent = credits.spend(carol, 35, "spend", purpose)
    assert open_lots_of(carol) == [(495, START + 90 * DAY)]
    back = credits.refund("spend", "back", grace=True, description="It failed")
    assert open_lots_of(carol) == [(30, START + 30 * DAY), (500, START + 90 * DAY)]
    assert (back.type, back.amount, back.refund_of) == ("refunded", 35, spent)
    assert (back.reference_type, back.reference_id, back.description) == (
        "sora_task_creation",
        "v-3",
        "It failed",
    )
    assert credits.summary(carol).total_spent == 0
    assert invariants.problems() == []


def test_refund_returns_the_last_taken_first_when_made_in_parts(carol: User) -> None:
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(carol, 10, until=START + 2 * DAY)
    credits.spend(carol, 18, "spend")
    credits.refund("spend", "part:1", grace=True, amount=10)
    assert open_lots_of(carol) == [(2, START + DAY), (10, START + 2 * DAY)]
    credits.refund("spend", "part:2", grace=True, amount=3)
    assert open_lots_of(carol) == [(5, START + DAY), (10, START + 2 * DAY)]
    assert credits.refund("spend", "rest", grace=True).amount == 5
    assert open_lots_of(carol) == [(10, START + DAY), (10, START + 2 * DAY)]
    assert credits.summary(carol).total_spent == 0


def test_refund_is_refused_when_it_exceeds_the_rest(carol: User) -> None:
    grant_credits(carol, 20)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "half", grace=True, amount=10)
    before = ledger_rows()
    with pytest.raises(credits.OverRefund, match="11 of 10 credits"):
        credits.refund("spend", "too much", grace=True, amount=11)
    assert ledger_rows() == before


def test_refund_is_refused_when_all_was_refunded(carol: User) -> None:
    grant_credits(carol, 20)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "back", grace=True)
    before = ledger_rows()
    with pytest.raises(credits.OverRefund):
        credits.refund("spend", "again", grace=True)
    assert ledger_rows() == before


@pytest.mark.parametrize("key", ["nobody's", "grant", "back"])
def test_refund_is_refused_when_the_key_is_not_of_a_spend(carol: User, key: str) -> None:
    credits.grant(carol, 20, credits.Kind.BONUS, "grant", expires_at=None)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "back", grace=True)
    before = ledger_rows()
    with pytest.raises(Entry.DoesNotExist):
        credits.refund(key, "again", grace=True)
    assert ledger_rows() == before


def test_refund_creates_a_grace_lot_when_the_lot_has_expired(carol: User, clock: Traveller) -> None:
    old = grant_credits(carol, 30, until=START + DAY, kind=credits.Kind.PURCHASED)
    credits.spend(carol, 20, "spend")
    now = START + DAY
    clock.move_to(now)
    back = credits.refund("spend", "back", grace=True)
    assert entries_of(carol)[2:] == [("expired", -10), ("refunded", 20)]
    assert open_lots_of(carol) == [(20, now + GRACE)]
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


def test_refund_expires_at_once_when_the_user_cancelled_after_the_expiry(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(START + DAY)
    credits.refund("spend", "back", grace=False)
    assert entries_of(carol)[2:] == [("refunded", 20), ("expired", -20)]
    assert credits.available(carol) == 0
    now = credits.summary(carol)
    assert (now.total_spent, now.total_expired) == (0, 20)
    assert Lot.objects.count() == 1
    assert invariants.problems() == []


def test_refund_creates_a_grace_lot_for_expired_parts_when_others_have_not_expired(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(carol, 10, until=START + 50 * DAY)
    grant_credits(carol, 10)
    credits.spend(carol, 25, "spend")
    clock.move_to(START + 2 * DAY)
    credits.refund("spend", "back", grace=True)
    assert open_lots_of(carol) == [
        (10, START + 2 * DAY + GRACE),
        (10, START + 50 * DAY),
        (10, None),
    ]


def test_refund_creates_grace_lots_when_the_lot_expires_between_parts(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "spend")
    credits.refund("spend", "part:1", grace=True, amount=5)
    clock.move_to(START + 2 * DAY)
    credits.refund("spend", "part:2", grace=True, amount=5)
    clock.move_to(START + 3 * DAY)
    assert credits.refund("spend", "rest", grace=True).amount == 10
    assert open_lots_of(carol) == [(5, START + 2 * DAY + GRACE), (10, START + 3 * DAY + GRACE)]
    with pytest.raises(credits.OverRefund):
        credits.refund("spend", "more", grace=True)
    assert invariants.problems() == []


def test_refund_returns_to_the_grace_lot_when_it_has_not_expired(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(START + 2 * DAY)
    credits.refund("spend", "back", grace=True)
    credits.spend(carol, 15, "spend again")
    clock.move_to(START + 3 * DAY)
    credits.refund("spend again", "back again", grace=True)
    assert open_lots_of(carol) == [(20, START + 2 * DAY + GRACE)]


def test_refund_expires_at_once_when_the_grace_lot_has_expired(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "spend")
    clock.move_to(START + 2 * DAY)
    credits.refund("spend", "back", grace=True)
    credits.spend(carol, 20, "spend again")
    clock.move_to(START + 2 * DAY + GRACE)
    credits.refund("spend again", "back again", grace=True)
    assert entries_of(carol)[-2:] == [("refunded", 20), ("expired", -20)]
    assert (credits.available(carol), Lot.objects.count()) == (0, 2)
    assert invariants.problems() == []


def test_refund_returns_to_each_lot_when_a_lot_and_its_grace_lot_were_spent(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "first")
    clock.move_to(START + 2 * DAY)
    credits.refund("first", "first:part", grace=True, amount=8)
    credits.spend(carol, 8, "second")
    clock.move_to(START + 3 * DAY)
    credits.refund("first", "first:rest", grace=True)
    credits.refund("second", "second:back", grace=True)
    assert open_lots_of(carol) == [(8, START + 2 * DAY + GRACE), (12, START + 3 * DAY + GRACE)]
    assert invariants.problems() == []


def test_debt_is_collected_when_credits_are_granted(carol: User) -> None:
    set_debt(carol, 30)
    grant_credits(carol, 50, until=START + DAY)
    assert entries_of(carol) == [("bonus", 50), ("reversed", -30)]
    assert open_lots_of(carol) == [(20, START + DAY)]
    assert credits.summary(carol) == credits.Summary(20, 0, 50, 0, 0, 30, START + DAY)
    assert invariants.problems() == []


def test_debt_is_collected_in_parts_when_the_grant_is_smaller(carol: User) -> None:
    set_debt(carol, 30)
    grant_credits(carol, 20)
    assert credits.summary(carol) == credits.Summary(0, 10, 20, 0, 0, 20, None)
    grant_credits(carol, 10)
    assert credits.summary(carol) == credits.Summary(0, 0, 30, 0, 0, 30, None)
    assert invariants.problems() == []


def test_debt_is_collected_when_credits_are_refunded(carol: User) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "spend")
    set_debt(carol, 15)
    credits.refund("spend", "back", grace=True)
    assert entries_of(carol)[2:] == [("refunded", 20), ("reversed", -15)]
    assert credits.summary(carol) == credits.Summary(5, 0, 20, 0, 0, 15, START + DAY)
    assert invariants.problems() == []


def test_debt_stays_when_the_refund_expires_at_once(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 20, until=START + DAY)
    credits.spend(carol, 20, "spend")
    set_debt(carol, 15)
    clock.move_to(START + DAY)
    credits.refund("spend", "back", grace=False)
    assert entries_of(carol)[2:] == [("refunded", 20), ("expired", -20)]
    assert credits.summary(carol) == credits.Summary(0, 15, 20, 0, 20, 0, None)
    assert invariants.problems() == []


def test_debt_stays_when_the_grant_has_expired(carol: User) -> None:
    set_debt(carol, 15)
    grant_credits(carol, 20, until=START)
    assert entries_of(carol) == [("bonus", 20), ("expired", -20)]
    assert credits.summary(carol) == credits.Summary(0, 15, 20, 0, 20, 0, None)
    assert invariants.problems() == []
