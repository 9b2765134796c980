"""Clawbacks: from which lots credits are taken, and to which lots they return."""

from datetime import timedelta

import pytest
from hypothesis.stateful import run_state_machine_as_test
from time_machine import Traveller

from accounts.models import User
from billing.ledger import clawbacks, invariants
from billing.ledger import credits as ledger_credits
from billing.models import Entry, Lot
from tests.billing import payment_events
from tests.billing.conftest import DAY, START, entries_of, grant_credits, ledger_rows, open_lots_of
from tests.billing.purchase_state_machine import MODERATE, PurchaseMachine

pytestmark = pytest.mark.usefixtures("clock")
GRACE = timedelta(days=7)
KEY = "buy"


def buy(user: User, credits: int = 100, key: str = KEY) -> Entry:
    return ledger_credits.grant(
        user,
        credits,
        ledger_credits.Kind.PURCHASED,
        key,
        expires_at=START + 90 * DAY,
        purpose=PURPOSE,
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
def test_clawback_is_rounded_down_when_a_payment_is_refunded_in_parts(
    carol: User, package: str, amounts: list[int], expected: list[int]
) -> None:
    payment = payment_events.create_paid_payment(carol, package)
    seen = []
    for n, amount in enumerate(amounts):
        payment_events.deliver(payment_events.refund_event(payment, amount, id=f"re_{n}"))
        seen.append(ledger_credits.summary(carol).total_clawed_back)
    assert seen == expected
    assert invariants.problems() == []


def test_clawback_takes_the_credits_of_the_payment_when_they_are_unspent(carol: User) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    buy(carol)
    clawbacks.claw_back_to(KEY, 60)
    assert open_lots_of(carol) == [(30, START + 30 * DAY), (40, START + 90 * DAY)]
    entry = ledger_credits.history(carol)[0]
    assert (entry.type, entry.amount, entry.reference_type, entry.reference_id) == (
        "reversed",
        -60,
        "payment",
        "p-1",
    )


def test_clawback_takes_other_lots_when_the_payments_credits_are_spent(carol: User) -> None:
    grant_credits(carol, 30)
    grant_credits(carol, 30, until=START + 100 * DAY)
    buy(carol)
    ledger_credits.spend(carol, 60, "spend")
    clawbacks.claw_back_to(KEY, 80)
    assert open_lots_of(carol) == [(20, None)]
    assert ledger_credits.summary(carol).total_clawed_back == 80
    assert invariants.problems() == []


def test_clawback_becomes_a_debt_when_the_balance_is_too_small(carol: User) -> None:
    grant_credits(carol, 30)
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    assert clawbacks.preview(KEY, 100) == (30, 70)
    clawbacks.claw_back_to(KEY, 100)
    assert (open_lots_of(carol), owed(carol)) == ([], 70)
    assert invariants.problems() == []


def test_clawback_writes_no_entry_when_nothing_is_left(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    assert entries_of(carol) == [("purchased", 100), ("spent", -100)]
    assert owed(carol) == 100


def test_clawback_writes_nothing_when_repeated(carol: User) -> None:
    buy(carol)
    clawbacks.claw_back_to(KEY, 60)
    before = ledger_rows()
    clawbacks.claw_back_to(KEY, 60)
    assert ledger_rows() == before


def test_clawback_is_refused_when_the_grant_is_unknown(carol: User) -> None:
    with pytest.raises(Entry.DoesNotExist):
        clawbacks.claw_back_to("nobody's", 1)


def test_clawback_takes_nothing_when_the_credits_expired_unspent(
    carol: User, clock: Traveller
) -> None:
    buy(carol)
    grant_credits(carol, 50)
    clock.move_to(START + 100 * DAY)
    clawbacks.claw_back_to(KEY, 100)
    assert (open_lots_of(carol), owed(carol)) == ([(50, None)], 0)
    assert entries_of(carol)[2:] == [("expired", -100)]
    assert invariants.problems() == []


def test_clawback_leaves_the_spent_credits_as_debt_when_the_rest_expired(
    carol: User, clock: Traveller
) -> None:
    buy(carol)
    ledger_credits.spend(carol, 40, "spend")
    clock.move_to(START + 90 * DAY)
    clawbacks.claw_back_to(KEY, 70)
    assert owed(carol) == 10
    clawbacks.claw_back_to(KEY, 100)
    assert owed(carol) == 40
    assert invariants.problems() == []


def test_clawback_takes_nothing_when_the_grace_lot_expired(carol: User, clock: Traveller) -> None:
    """Credits that expire in their grace lot do not become a debt."""
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clock.move_to(START + 90 * DAY)
    ledger_credits.refund("spend", "back", grace=True)
    clock.move_to(START + 90 * DAY + GRACE)
    clawbacks.claw_back_to(KEY, 100)
    assert owed(carol) == 0
    assert invariants.problems() == []


def test_clawback_takes_the_grace_lot_when_it_has_not_expired(
    carol: User, clock: Traveller
) -> None:
    buy(carol)
    grant_credits(carol, 100, until=START + 91 * DAY)
    ledger_credits.spend(carol, 100, "spend")
    clock.move_to(START + 90 * DAY)
    ledger_credits.refund("spend", "back", grace=True)
    clawbacks.claw_back_to(KEY, 100)
    assert open_lots_of(carol) == [(100, START + 91 * DAY)]


def test_clawback_returns_the_credits_when_undone(carol: User) -> None:
    buy(carol)
    clawbacks.claw_back_to(KEY, 100)
    clawbacks.claw_back_to(KEY, 0)
    assert open_lots_of(carol) == [(100, START + 90 * DAY)]
    assert ledger_credits.summary(carol).total_clawed_back == 0
    restored = Lot.objects.get(parent__isnull=False)
    assert (restored.kind, restored.amount) == ("purchased", 100)
    assert invariants.problems() == []


def test_clawback_takes_the_same_credits_when_undone_and_repeated(carol: User) -> None:
    grant_credits(carol, 50, until=START + 30 * DAY)
    buy(carol)
    for target in (100, 0, 100):
        clawbacks.claw_back_to(KEY, target)
    assert open_lots_of(carol) == [(50, START + 30 * DAY)]
    assert invariants.problems() == []


def test_clawback_cancels_the_debt_first_when_undone(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 60, "spend")
    clawbacks.claw_back_to(KEY, 100)
    assert owed(carol) == 60
    clawbacks.claw_back_to(KEY, 50)
    assert (open_lots_of(carol), owed(carol)) == ([], 10)
    clawbacks.claw_back_to(KEY, 0)
    assert (open_lots_of(carol), owed(carol)) == ([(40, START + 90 * DAY)], 0)
    assert invariants.problems() == []


def test_clawback_returns_credits_when_undone_after_the_debt_was_paid(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    grant_credits(carol, 120)
    assert (open_lots_of(carol), owed(carol)) == ([(20, None)], 0)
    clawbacks.claw_back_to(KEY, 0)
    assert open_lots_of(carol) == [(100, START + 90 * DAY), (20, None)]
    assert ledger_credits.summary(carol).total_clawed_back == 0
    assert invariants.problems() == []


def test_clawback_returns_a_grace_lot_when_undone_after_the_lot_expired(
    carol: User, clock: Traveller
) -> None:
    buy(carol)
    clawbacks.claw_back_to(KEY, 100)
    now = START + 200 * DAY
    clock.move_to(now)
    clawbacks.claw_back_to(KEY, 0)
    assert open_lots_of(carol) == [(100, now + GRACE)]
    clock.move_to(now + GRACE)
    clawbacks.claw_back_to(KEY, 100)
    assert (ledger_credits.available(carol), owed(carol)) == (0, 0)
    assert invariants.problems() == []


def test_clawback_returns_nothing_when_the_credits_had_expired_unspent(
    carol: User, clock: Traveller
) -> None:
    buy(carol)
    clock.move_to(START + 90 * DAY)
    clawbacks.claw_back_to(KEY, 100)
    clawbacks.claw_back_to(KEY, 0)
    assert (open_lots_of(carol), owed(carol)) == ([], 0)
    assert entries_of(carol) == [("purchased", 100), ("expired", -100)]


def test_debt_is_collected_when_the_user_buys_again(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    buy(carol, 500, "next")
    assert (open_lots_of(carol), owed(carol)) == ([(400, START + 90 * DAY)], 0)
    assert entries_of(carol)[2:] == [("purchased", 500), ("reversed", -100)]


def test_debt_is_collected_when_a_video_is_refunded(carol: User) -> None:
    buy(carol)
    ledger_credits.spend(carol, 100, "spend")
    clawbacks.claw_back_to(KEY, 100)
    ledger_credits.refund("spend", "back", grace=True)
    assert (open_lots_of(carol), owed(carol)) == ([], 0)
    assert invariants.problems() == []


def test_clawback_is_limited_to_the_payment_when_refunded_and_disputed(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol, "standard")
    payment_events.deliver(
        payment_events.refund_event(payment, 2450),
        payment_events.dispute_event(payment, "needs_response"),
    )
    assert ledger_credits.summary(carol).total_clawed_back == 500
    payment_events.deliver(payment_events.dispute_event(payment, "won"))
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "partial_refunded", 2450, 250, 0, 250, 1
    )


def test_clawback_returns_only_taken_credits_when_undone_at_the_expiry(
    carol: User, clock: Traveller
) -> None:
    """Credits that expire in the same operation stay expired."""
    grant_credits(carol, 100, until=START + DAY, kind=Lot.Kind.PURCHASED)
    key = Entry.objects.get().key
    clawbacks.claw_back_to(key, 20)
    clock.move_to(START + DAY)
    clawbacks.claw_back_to(key, 10)
    assert entries_of(carol)[1:] == [("reversed", -20), ("expired", -80), ("reversed", 10)]
    assert open_lots_of(carol) == [(10, START + 8 * DAY)]
    assert invariants.problems() == []


def test_preview_writes_nothing_when_called(carol: User, clock: Traveller) -> None:
    buy(carol)
    grant_credits(carol, 10, until=START + DAY)
    clock.move_to(START + DAY)
    before = ledger_rows()
    assert clawbacks.preview(KEY, 100) == (100, 0)
    assert ledger_rows() == before


def test_clawbacks_equal_the_reference_when_random_operations_run() -> None:
    run_state_machine_as_test(PurchaseMachine, settings=MODERATE)
