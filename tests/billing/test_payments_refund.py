"""Giving money back: credits first, then Stripe, and exactly one refund whatever happens."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Payment, Refund
from billing.payments import checkout, reconciliation, refunds
from config.lib.idempotency import RequestKey
from tests.billing import stripe, told
from tests.billing.conftest import newcomer, outcomes
from tests.billing.told import Standing
from tests.conftest import ServerThread

GONE = Standing("refunded", 990, credits=0, owed=0, reversed=100, grants=1)
PAID = Standing("succeeded", 0, credits=100, owed=0, reversed=0, grants=1)


@pytest.fixture
def payment(till: ServerThread) -> Payment:
    """A trial pack, paid by card."""
    return stripe.pay(checkout.create(newcomer("erin"), "trial"))


refund = partial(refunds.refund, source=Refund.Source.ADMIN)


def later(minutes: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True)


def test_refund_of_everything(payment: Payment, monkeypatch: pytest.MonkeyPatch) -> None:
    with stripe.watched(monkeypatch) as calls:
        row = refund(payment, None, reason="Asked nicely", actor=payment.user)
    assert [call.in_transaction for call in calls] == [False]
    assert (row.status, row.amount_minor, row.reason) == ("succeeded", 990, "Asked nicely")
    assert told.standing(payment) == GONE
    made = stripe.all_of("refund")
    assert [(one["id"], one["amount"], one["metadata"]) for one in made] == [
        (row.stripe_id, 990, {"refund_id": str(row.pk), "reason": "Asked nicely"})
    ]
    stripe.deliver()
    assert told.standing(payment) == GONE
    assert payment.refunds.count() == 1
    assert invariants.problems() == []


def test_refund_in_parts(payment: Payment) -> None:
    reversed = []
    for _ in range(3):
        refund(payment, 330)
        reversed.append(told.standing(payment).reversed)
    assert reversed == [33, 66, 100]
    assert told.standing(payment) == GONE
    with pytest.raises(refunds.NotRefundable):
        refund(payment, None)
    assert len(stripe.all_of("refund")) == 3


@pytest.mark.parametrize("amount", [991, 0, -1, 10**9])
def test_refund_of_more_than_was_paid(payment: Payment, amount: int) -> None:
    with pytest.raises(refunds.NotRefundable, match="Cannot refund payment with current status"):
        refund(payment, amount)
    assert (payment.refunds.count(), stripe.all_of("refund")) == (0, [])
    assert told.standing(payment) == PAID


def test_refund_of_more_than_is_left(payment: Payment) -> None:
    refund(payment, 500)
    with pytest.raises(refunds.NotRefundable):
        refund(payment, 491)
    assert payment.refunds.count() == 1


def test_refund_of_what_was_never_paid(carol: User) -> None:
    with pytest.raises(refunds.NotRefundable):
        refund(told.order(carol), None)
    with pytest.raises(refunds.NotRefundable):
        refunds.preview(told.order(carol), 990)


def test_refund_of_what_needs_a_person(carol: User) -> None:
    payment = told.order(carol)
    Payment.objects.update(is_paid=True, paid_at=timezone.now(), review_reason="Look at this")
    with pytest.raises(refunds.NotRefundable):
        refund(payment, None)


def test_refund_named_twice_is_one(payment: Payment) -> None:
    key = RequestKey(payment.user_id, "key", "fingerprint")
    order = refunds.RefundRequest(330, Refund.Source.API)
    first, second = (refunds.refund_once(payment, order, key) for _ in range(2))
    assert (second.result, second.is_replay) == (first.result, True)
    assert told.now_of(payment).refunded_minor == 330


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "500", "409", "cut"])
def test_refund_when_stripe_does_not_answer(payment: Payment, kind: str) -> None:
    stripe.fault("refunds", *[kind] * (1 if kind == "cut" else 3))  # the SDK tries three times
    row = refund(payment, None)
    assert row.status == "requested"
    assert told.standing(payment) == GONE
    assert invariants.problems() == []
    with later(2):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert [one["id"] for one in stripe.all_of("refund")] == [row.stripe_id]
    stripe.deliver()
    assert told.standing(payment) == GONE


def test_refund_when_stripe_is_asked_again_too_early(payment: Payment) -> None:
    stripe.fault("refunds", *["500"] * 3)
    row = refund(payment, None)
    reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "requested"


def test_refund_when_only_the_event_comes(payment: Payment) -> None:
    stripe.fault("refunds", *["500_after"] * 3)
    row = refund(payment, None)
    assert row.status == "requested"
    stripe.deliver()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert told.standing(payment) == GONE


def test_refund_when_the_key_has_died_and_it_was_done(payment: Payment) -> None:
    stripe.fault("refunds", *["500_after"] * 3)
    row = refund(payment, None)
    stripe.forget()
    with later(60 * 24):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert len(stripe.all_of("refund")) == 1


def test_refund_when_the_key_has_died_and_it_was_not_done(payment: Payment) -> None:
    stripe.fault("refunds", *["drop_before"] * 3)
    row = refund(payment, None)
    with later(60 * 24):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "failed"
    assert told.standing(payment) == PAID


def test_refund_when_stripe_refuses(payment: Payment) -> None:
    stripe.step(stripe.dispute(payment), "lose")
    row = refund(payment, None)
    assert (row.status, row.stripe_id) == ("failed", None)
    assert told.standing(payment) == PAID
    stripe.deliver()
    lost = Standing("succeeded", 0, credits=0, owed=0, reversed=100, grants=1)
    assert told.standing(payment) == lost
    assert invariants.problems() == []


def test_refund_when_the_second_request_is_refused_but_the_first_was_done(
    payment: Payment,
) -> None:
    stripe.fault("refunds", *["drop_after"] * 3, "401")
    stripe.fault("refunds.list", "401")
    row = refund(payment, None)
    with later(2):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "failed"
    stripe.deliver()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert told.standing(payment) == GONE


def test_refund_that_fails_at_stripe_later(till: ServerThread) -> None:
    payment = stripe.pay(checkout.create(newcomer("erin"), "trial"), email="e+refundfail@x.org")
    assert refund(payment, None).status == "succeeded"
    assert told.standing(payment) == GONE
    stripe.deliver()
    assert told.standing(payment) == PAID
    assert payment.refunds.get().status == "failed"
    assert invariants.problems() == []


def test_refund_to_a_wallet_takes_a_while(till: ServerThread) -> None:
    payment = stripe.pay(checkout.create(newcomer("erin"), "trial"), method="alipay")
    assert refund(payment, 330).status == "pending"
    assert told.standing(payment) == Standing("partial_refunded", 330, 67, 0, 33, 1)
    stripe.deliver()
    assert payment.refunds.get().status == "succeeded"
    assert told.standing(payment) == Standing("partial_refunded", 330, 67, 0, 33, 1)


def test_refund_twenty_times_at_once(payment: Payment) -> None:
    results = outcomes([partial(refund, payment, 990)] * 20)
    names = [type(result).__name__ for result in results]
    assert sorted(names) == ["NotRefundable"] * 19 + ["Refund"]
    assert len(stripe.all_of("refund")) == 1
    assert told.standing(payment) == GONE
    assert invariants.problems() == []


def test_refund_in_the_dashboard_and_here_at_once(payment: Payment) -> None:
    """Stripe has the last word on what is left."""
    stripe.refund_by_hand(payment)
    row = refund(payment, 990)
    assert row.status == "failed"
    stripe.deliver()
    assert told.standing(payment) == GONE
    sources = payment.refunds.order_by("created_at").values_list("source", "status")
    assert list(sources) == [("admin", "failed"), ("external", "succeeded")]


def test_outlook_says_what_a_refund_would_do(carol: User) -> None:
    payment = told.bought(carol)
    credits.spend(carol, 60, "spend")
    assert refunds.preview(payment, 990) == refunds.RefundPreview(990, 100, 40, 60)
    assert refunds.preview(payment, 330) == refunds.RefundPreview(330, 33, 33, 0)
    assert credits.available(carol) == 40
