"""Credits whose money went back: where they are taken from, and where they return to."""

from datetime import timedelta

import pytest
from hypothesis.stateful import run_state_machine_as_test
from time_machine import Traveller

from accounts.models import User
from billing.ledger import adjustments, clawbacks, invariants
from billing.ledger import credits as ledger_credits
from billing.models import Entry, Lot
from tests.billing import told
from tests.billing.conftest import DAY, T, everything, give, left, lines
from tests.billing.machine_money import MODERATE, PurchaseMachine

pytestmark = pytest.mark.usefixtures("clock")
GRACE = timedelta(days=7)
KEY = "buy"


def buy(user: User, credits: int = 100, key: str = KEY) -> Entry:
    return ledger_credits.grant(
        user, credits, ledger_credits.Kind.PURCHASED, key, expires_at=T + 90 * DAY, purpose=PURPOSE
    )


PURPOSE = ledger_credits.Purpose("payment", "p-1", "Trial Pack")


def owed(user: User) -> int:
    return ledger_credits.summary(user).owed


@pytest.mark.parametrize(
    ("package", "amounts", "expected"),
    [
        ("trial", [330, 330, 330], [33, 66, 100]),
        ("premium", [1, 6], [0, 1]),
        ("trial", [1, 9, 980], [0, 1, 100]),
        ("standard", [2450, 2450], [250, 500]),
    ],
)
def test_reversal_is_the_floor_of_all_money_that_is_gone(
    carol: User, package: str, amounts: list[int], expected: list[int]
) -> None:
    payment = told.bought(carol, package)
    seen = []
    for n, amount in enumerate(amounts):
        told.tell(told.refunded(payment, amount, id=f"re_{n}"))
        seen.append(ledger_credits.summary(carol).total_clawed_back)
    assert seen == expected
    assert invariants.problems() == []


def test_reversal_takes_the_payments_own_credits_first(carol: User) -> None:
    give(carol, 30, until=T + 30 * DAY)
    buy(carol)
    clawbacks.claw_back_to(KEY, 60)
    assert left(carol) == [(30, T + 30 * DAY), (40, T + 90 * DAY)]
    entry = ledger_credits.history(carol)[0]
    assert (entry.type, entry.amount, entry.reference_type, entry.reference_id) == (
        "reversed",
        -60,
        "payment",
        "p-1",
    )


def test_reversal_then_takes_other_credits_first_to_expire_first(carol: User) -> None:
    give(carol, 30)
    give(carol, 30, until=T + 100 * DAY)
    buy(carol)
    ledger_credits.spend(carol, 60, "spend")
    clawbacks.claw_back_to(KEY, 80)
    assert left(carol) == [(20, None)]
    assert ledger_credits.summary(carol).total_clawed_back == 80
    assert invariants.problems() == []


def test_reversal_leaves_the_rest_as_a_debt(carol: User) -> None:
    give(carol, 30)
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    assert clawbacks.preview(KEY, 100) == (30, 70)
    clawbacks.claw_back_to(KEY, 100)
    assert (left(carol), owed(carol)) == ([], 70)
    assert invariants.problems() == []


def test_reversal_when_nothing_is_left_writes_no_entry(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    assert lines(carol) == [("purchased", 100), ("spent", -100)]
    assert owed(carol) == 100


def test_reversal_repeated_writes_nothing(carol: User) -> None:
    buy(carol)
    clawbacks.claw_back_to(KEY, 60)
    before = everything()
    clawbacks.claw_back_to(KEY, 60)
    assert everything() == before


def test_reversal_of_an_unknown_grant(carol: User) -> None:
    with pytest.raises(Entry.DoesNotExist):
        clawbacks.claw_back_to("nobody's", 1)


def test_reversal_when_the_credits_expired_unspent(carol: User, clock: Traveller) -> None:
    buy(carol)
    give(carol, 50)
    clock.move_to(T + 100 * DAY)
    clawbacks.claw_back_to(KEY, 100)
    assert (left(carol), owed(carol)) == ([(50, None)], 0)
    assert lines(carol)[2:] == [("expired", -100)]
    assert invariants.problems() == []


def test_reversal_when_some_expired_and_some_were_spent(carol: User, clock: Traveller) -> None:
    buy(carol)
    ledger_credits.spend(carol, 40, "spend")
    clock.move_to(T + 90 * DAY)
    clawbacks.claw_back_to(KEY, 70)
    assert owed(carol) == 10
    clawbacks.claw_back_to(KEY, 100)
    assert owed(carol) == 40
    assert invariants.problems() == []


def test_reversal_counts_what_expired_in_its_grace(carol: User, clock: Traveller) -> None:
    """Our failure gave the credits a week more; that they died in it is no debt."""
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clock.move_to(T + 90 * DAY)
    ledger_credits.refund("spend", "back", grace=True)
    clock.move_to(T + 90 * DAY + GRACE)
    clawbacks.claw_back_to(KEY, 100)
    assert owed(carol) == 0
    assert invariants.problems() == []


def test_reversal_takes_its_own_credits_that_live_in_grace(carol: User, clock: Traveller) -> None:
    buy(carol)
    give(carol, 100, until=T + 91 * DAY)
    ledger_credits.spend(carol, 100, "spend")
    clock.move_to(T + 90 * DAY)
    ledger_credits.refund("spend", "back", grace=True)
    clawbacks.claw_back_to(KEY, 100)
    assert left(carol) == [(100, T + 91 * DAY)]


def test_reversal_undone_gives_the_credits_back(carol: User) -> None:
    buy(carol)
    clawbacks.claw_back_to(KEY, 100)
    clawbacks.claw_back_to(KEY, 0)
    assert left(carol) == [(100, T + 90 * DAY)]
    assert ledger_credits.summary(carol).total_clawed_back == 0
    restored = Lot.objects.get(parent__isnull=False)
    assert (restored.kind, restored.amount) == ("purchased", 100)
    assert invariants.problems() == []


def test_reversal_undone_and_done_again_takes_the_same_credits(carol: User) -> None:
    give(carol, 50, until=T + 30 * DAY)
    buy(carol)
    for target in (100, 0, 100):
        clawbacks.claw_back_to(KEY, target)
    assert left(carol) == [(50, T + 30 * DAY)]
    assert invariants.problems() == []


def test_reversal_undone_lowers_the_debt_first(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 60, "spend")
    clawbacks.claw_back_to(KEY, 100)
    assert owed(carol) == 60
    clawbacks.claw_back_to(KEY, 50)
    assert (left(carol), owed(carol)) == ([], 10)
    clawbacks.claw_back_to(KEY, 0)
    assert (left(carol), owed(carol)) == ([(40, T + 90 * DAY)], 0)
    assert invariants.problems() == []


def test_reversal_undone_after_the_debt_was_paid(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    give(carol, 120)
    assert (left(carol), owed(carol)) == ([(20, None)], 0)
    clawbacks.claw_back_to(KEY, 0)
    assert left(carol) == [(100, T + 90 * DAY), (20, None)]
    assert ledger_credits.summary(carol).total_clawed_back == 0
    assert invariants.problems() == []


def test_reversal_undone_after_the_lot_died_gives_a_week(carol: User, clock: Traveller) -> None:
    buy(carol)
    clawbacks.claw_back_to(KEY, 100)
    now = T + 200 * DAY
    clock.move_to(now)
    clawbacks.claw_back_to(KEY, 0)
    assert left(carol) == [(100, now + GRACE)]
    clock.move_to(now + GRACE)
    clawbacks.claw_back_to(KEY, 100)
    assert (ledger_credits.available(carol), owed(carol)) == (0, 0)
    assert invariants.problems() == []


def test_reversal_undone_brings_no_expired_credit_to_life(carol: User, clock: Traveller) -> None:
    buy(carol)
    clock.move_to(T + 90 * DAY)
    clawbacks.claw_back_to(KEY, 100)
    clawbacks.claw_back_to(KEY, 0)
    assert (left(carol), owed(carol)) == ([], 0)
    assert lines(carol) == [("purchased", 100), ("expired", -100)]


def test_debt_is_taken_from_the_next_purchase(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    buy(carol, 500, "next")
    assert (left(carol), owed(carol)) == ([(400, T + 90 * DAY)], 0)
    assert lines(carol)[2:] == [("purchased", 500), ("reversed", -100)]


def test_debt_is_taken_from_the_refund_of_a_video(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    ledger_credits.refund("spend", "back", grace=True)
    assert (left(carol), owed(carol)) == ([], 0)
    assert invariants.problems() == []


def test_half_refunded_then_disputed_in_full(carol: User) -> None:
    payment = told.bought(carol, "standard")
    told.tell(told.refunded(payment, 2450), told.disputed(payment, "needs_response"))
    assert ledger_credits.summary(carol).total_clawed_back == 500
    told.tell(told.disputed(payment, "won"))
    assert told.standing(payment) == told.Standing("partial_refunded", 2450, 250, 0, 250, 1)


def test_money_comes_again_at_the_moment_its_credits_die(carol: User, clock: Traveller) -> None:
    """What expired in the same operation stays expired."""
    give(carol, 100, until=T + DAY, kind=Lot.Kind.PURCHASED)
    key = Entry.objects.get().key
    clawbacks.claw_back_to(key, 20)
    clock.move_to(T + DAY)
    clawbacks.claw_back_to(key, 10)
    assert lines(carol)[1:] == [("reversed", -20), ("expired", -80), ("reversed", 10)]
    assert left(carol) == [(10, T + 8 * DAY)]
    assert invariants.problems() == []


def test_adjustment_up_and_down(carol: User) -> None:
    adjustments.adjust(carol, 50, "adj:1", expires_at=T + DAY)
    adjustments.adjust(carol, -20, "adj:2", expires_at=None)
    assert lines(carol) == [("adjusted", 50), ("adjusted", -20)]
    assert left(carol) == [(30, T + DAY)]
    before = everything()
    with pytest.raises(ledger_credits.NotEnoughCredits):
        adjustments.adjust(carol, -31, "adj:3", expires_at=None)
    adjustments.adjust(carol, -20, "adj:2", expires_at=None)
    assert everything() == before
    assert invariants.problems() == []


def test_outlook_changes_nothing(carol: User, clock: Traveller) -> None:
    buy(carol)
    give(carol, 10, until=T + DAY)
    clock.move_to(T + DAY)
    before = everything()
    assert clawbacks.preview(KEY, 100) == (100, 0)
    assert everything() == before


def test_reversals_agree_with_the_oracle() -> None:
    run_state_machine_as_test(PurchaseMachine, settings=MODERATE)
