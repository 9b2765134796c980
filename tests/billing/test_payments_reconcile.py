"""What was never told is asked for."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from billing.ledger import invariants
from billing.models import Payment, StripeEvent
from billing.payments import checkout, reviews
from billing.payments import reconciliation as reconciling
from billing.sandbox import checkout as sandbox_checkout
from billing.sandbox import database
from tests.billing import stripe, told
from tests.billing.conftest import lines, newcomer
from tests.conftest import ServerThread
from tests.statements import failing, names, writes


def reconcile(minutes: float = 2) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        reconciling.reconcile()


@pytest.fixture
def payment(till: ServerThread) -> Payment:
    return checkout.create(newcomer("erin"), "trial")


def test_reconcile_when_the_event_never_came(payment: Payment) -> None:
    stripe.pay(payment, tell=False)
    reconciling.reconcile()
    assert told.now_of(payment).status == "pending"
    reconcile()
    assert told.standing(payment) == told.Standing("succeeded", 0, 100, 0, 0, 1)
    reconcile(30)
    stripe.deliver()
    assert lines(payment.user) == [("purchased", 100)]


def test_reconcile_when_the_session_expired(payment: Payment) -> None:
    with database.writing() as db:
        sandbox_checkout.expire(db, str(payment.session_id))
    reconcile()
    payment = told.now_of(payment)
    assert (payment.status, payment.failure_code) == ("failed", "session_expired")


def test_reconcile_when_the_session_was_never_made(till: ServerThread) -> None:
    stripe.fault("sessions", "429")
    with pytest.raises(checkout.StripeUnavailable):
        checkout.create(newcomer("erin"), "trial")
    reconcile()
    reconcile(15)
    made = [one["id"] for one in stripe.all_of("checkout.session")]
    assert made == [Payment.objects.get().session_id]


def test_reconcile_when_it_is_too_late_for_a_session(till: ServerThread) -> None:
    stripe.fault("sessions", "429")
    with pytest.raises(checkout.StripeUnavailable):
        checkout.create(newcomer("erin"), "trial")
    reconcile(45)
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == ("failed", "session_expired")
    assert stripe.all_of("checkout.session") == []


def test_reconcile_asks_for_each_payment_now_and_then(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe.watched(monkeypatch) as calls:
        for minutes in (2, 3, 11, 13):
            reconcile(minutes)
    assert [call.in_transaction for call in calls] == [False, False]


def test_reconcile_applies_what_was_unmatched(payment: Payment) -> None:
    """The refund's event came, but that of the payment was lost."""
    stripe.pay(payment, tell=False)
    stripe.forget()
    with database.reading() as db:
        session = db.get("checkout.session", str(payment.session_id))
    gone = {"id": "re_1", "amount": 990, "status": "succeeded", "metadata": {}}
    event = told.event("refund.created", {**gone, "payment_intent": session["payment_intent"]})
    assert told.tell(event) == ["unmatched"]
    reconcile()
    assert told.standing(payment) == told.Standing("refunded", 990, 0, 0, 100, 1)
    assert StripeEvent.objects.get().state == "done"


def test_reconcile_is_not_held_up_by_an_event_that_cannot_be_read(carol: User) -> None:
    payment = told.order(carol)
    broken = {"id": "re_1", "payment_intent": told.intent(payment), "status": "succeeded"}
    event = told.event("refund.created", broken)
    assert told.tell(event, told.completed(payment)) == ["unmatched", "done"]
    assert told.standing(payment) == told.Standing("succeeded", 0, 100, 0, 0, 1)
    assert StripeEvent.objects.get(pk=event["id"]).state == "error"


def test_reconcile_asks_staff_when_stripe_knows_no_such_session(payment: Payment) -> None:
    Payment.objects.update(session_id="cs_test_of_another_account")
    for minutes in (2, 30):
        reconcile(minutes)
    now = told.now_of(payment)
    assert (now.status, now.review_reason) == ("pending", "Stripe knows no such session")
    reviews.dismiss(now, now.review_reason)
    assert told.now_of(payment).status == "failed"


def test_reconcile_when_both_events_came_at_the_same_moment(carol: User) -> None:
    payment = told.order(carol)
    told.tell(told.refunded(payment, 990), told.completed(payment))
    StripeEvent.objects.filter(type__startswith="refund").update(state="unmatched")
    payment.refunds.all().delete()
    reconcile()
    assert told.standing(payment).status == "refunded"


def test_reconcile_acts_on_events_that_failed(carol: User) -> None:
    payment = told.order(carol)
    with failing(writes("billing_lot")):
        assert told.tell(told.completed(payment)) == ["new"]
    assert StripeEvent.objects.get().state == "error"
    reconcile()
    assert told.standing(payment).credits == 100
    assert invariants.problems() == []


@pytest.fixture
def three(till: ServerThread) -> list[Payment]:
    """Paid at Stripe, and we have not heard of it."""
    made = [checkout.create(newcomer(name), "trial") for name in ("erin", "fay", "gus")]
    for payment in made:
        stripe.pay(payment, tell=False)
    return made


@pytest.mark.parametrize("faults", [["500"] * 3, ["400"], ["cut"]])
def test_reconcile_goes_on_when_one_cannot_be_looked_up(
    three: list[Payment], faults: list[str]
) -> None:
    stripe.fault("session", *faults)
    reconcile()
    seen = sorted(told.now_of(one).status for one in three)
    assert seen == ["pending", "succeeded", "succeeded"]


def test_reconcile_goes_on_when_one_cannot_be_written(three: list[Payment]) -> None:
    with failing(writes("billing_payment"), names(three[1].pk)):
        reconcile()
    seen = [told.now_of(one).status for one in three]
    assert seen == ["succeeded", "pending", "succeeded"]


@pytest.fixture
def paid(payment: Payment) -> Payment:
    """Bought and told of; what comes after is not told."""
    return stripe.pay(payment)


@pytest.mark.parametrize("days", [2, 179])
def test_reconcile_finds_a_refund_of_a_paid_payment(paid: Payment, days: int) -> None:
    stripe.refund_by_hand(paid, 330)
    stripe.forget()
    reconcile(days * 24 * 60)
    now = told.standing(paid)
    assert (now.status, now.refunded_minor) == ("partial_refunded", 330)
    assert paid.refunds.get().source == "external"
    assert invariants.problems() == []


def test_reconcile_finds_a_dispute_of_a_paid_payment(paid: Payment) -> None:
    stripe.dispute(paid)
    stripe.forget()
    reconcile(2)
    assert told.standing(paid) == told.Standing("succeeded", 0, 0, 0, 100, 1)


def test_reconcile_does_not_look_after_half_a_year(paid: Payment) -> None:
    stripe.refund_by_hand(paid)
    stripe.forget()
    reconcile(181 * 24 * 60)
    assert told.now_of(paid).status == "succeeded"


def test_reconcile_checks_a_paid_payment_once_a_day(
    paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe.watched(monkeypatch) as calls:
        for minutes in (2, 3, 20 * 60, 24 * 60 + 1, 25 * 60, 49 * 60):
            reconcile(minutes)
    assert [call.in_transaction for call in calls] == [False, False] * 3


def test_reconcile_checks_a_few_payments_at_a_time_and_none_twice(
    stripe_server: ServerThread, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {told.bought(carol).payment_intent for _ in range(reconciling.PAID_BATCH + 3)}
    counts = []
    with stripe.watched(monkeypatch) as calls:
        for _ in range(3):
            reconciling.reconcile()
            asked = [c.parameters["payment_intent"] for c in calls if c.url == "/v1/refunds"]
            counts.append(len(asked))
    assert counts == [
        reconciling.PAID_BATCH,
        reconciling.PAID_BATCH + 3,
        reconciling.PAID_BATCH + 3,
    ]
    assert set(asked) == mine


def test_reconcile_asks_again_soon_when_stripe_did_not_answer(paid: Payment) -> None:
    stripe.refund_by_hand(paid, 330)
    stripe.forget()
    stripe.fault("refunds.list", *["500"] * 3)
    reconcile(2)
    assert told.now_of(paid).status == "succeeded"
    reconcile(5)
    assert told.now_of(paid).status == "succeeded"
    reconcile(13)
    assert told.now_of(paid).status == "partial_refunded"


def test_reconcile_finds_the_refund_behind_one_that_failed(paid: Payment) -> None:
    """The charge says 330 both times: of the refund that failed, and of the one after it."""
    told.tell(
        told.charge_refunded(paid, 330),
        told.event("refund.updated", failed_refund(paid)),
    )
    assert told.now_of(paid).refunded_minor == 0
    reconcile(2)
    stripe.refund_by_hand(paid, 330)
    stripe.forget()
    told.tell(told.charge_refunded(paid, 330))
    reconcile(3)
    assert told.now_of(paid).refunded_minor == 330


def failed_refund(payment: Payment) -> dict[str, Any]:
    return {
        "id": "re_failed",
        "amount": 330,
        "status": "failed",
        "payment_intent": payment.payment_intent,
        "metadata": {},
    }
