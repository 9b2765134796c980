"""What was never told is asked for."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from billing import audit, gateway, ledger, payments
from billing import reconcile as reconciling
from billing.models import Payment, StripeEvent
from billing.sandbox import books, checkout
from tests.billing import stripe, told
from tests.billing.conftest import lines, newcomer
from tests.conftest import Serving


def reconcile(minutes: float = 2) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        reconciling.reconcile()


@pytest.fixture
def payment(till: Serving) -> Payment:
    return payments.create(newcomer("erin"), "trial")


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
    with books.writing() as desk:
        checkout.expire(desk, str(payment.session_id))
    reconcile()
    payment = told.now_of(payment)
    assert (payment.status, payment.failure_code) == ("failed", "session_expired")


def test_reconcile_when_the_session_was_never_made(till: Serving) -> None:
    stripe.fault("sessions", "429")
    with pytest.raises(payments.Unreachable):
        payments.create(newcomer("erin"), "trial")
    reconcile()
    reconcile(15)
    made = [one["id"] for one in stripe.all_of("checkout.session")]
    assert made == [Payment.objects.get().session_id]


def test_reconcile_when_it_is_too_late_for_a_session(till: Serving) -> None:
    stripe.fault("sessions", "429")
    with pytest.raises(payments.Unreachable):
        payments.create(newcomer("erin"), "trial")
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
    assert calls == [False, False]


def test_reconcile_applies_what_was_parked(payment: Payment) -> None:
    """The refund's event came, but that of the payment was lost."""
    stripe.pay(payment, tell=False)
    stripe.forget()
    with books.reading() as desk:
        session = desk.get("checkout.session", str(payment.session_id))
    gone = {"id": "re_1", "amount": 990, "status": "succeeded", "metadata": {}}
    event = told.event("refund.created", {**gone, "payment_intent": session["payment_intent"]})
    assert told.tell(event) == ["parked"]
    reconcile()
    assert told.standing(payment) == told.Standing("refunded", 990, 0, 0, 100, 1)
    assert StripeEvent.objects.get().state == "done"


def test_reconcile_when_both_events_came_at_the_same_moment(carol: User) -> None:
    payment = told.order(carol)
    told.tell(told.refunded(payment, 990), told.completed(payment))
    StripeEvent.objects.filter(type__startswith="refund").update(state="parked")
    payment.refunds.all().delete()
    reconcile()
    assert told.standing(payment).status == "refunded"


def test_reconcile_acts_on_events_that_failed(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = told.order(carol)
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "grant", lambda *words, **names: 1 / 0)
        assert told.tell(told.completed(payment)) == ["new"]
    assert StripeEvent.objects.get().state == "error"
    reconcile()
    assert told.standing(payment).credits == 100
    assert audit.problems() == []


@pytest.mark.parametrize("error", [gateway.NoAnswer("x"), gateway.Refused("x"), KeyError("x")])
def test_reconcile_goes_on_when_one_cannot_be_looked_up(
    carol: User, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    first, second, third = (told.order(carol) for _ in range(3))

    def session(session_id: str) -> dict[str, Any]:
        if session_id == second.session_id:
            raise error
        return told.session(first if session_id == first.session_id else third)

    monkeypatch.setattr(gateway, "session", session)
    reconcile()
    seen = [told.now_of(one).status for one in (first, second, third)]
    assert seen == ["succeeded", "pending", "succeeded"]
