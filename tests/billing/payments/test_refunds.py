"""Payment refunds: credits are clawed back, then Stripe refunds exactly once."""

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
from tests.billing import payment_events, stripe_sandbox
from tests.billing.conftest import create_user_without_credits
from tests.billing.payment_events import PaymentState
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread

REFUNDED = PaymentState("refunded", 990, credits=0, owed=0, clawed_back=100, grants=1)
PAID = PaymentState("succeeded", 0, credits=100, owed=0, clawed_back=0, grants=1)


@pytest.fixture
def payment(live_stripe: ServerThread) -> Payment:
    """A payment for a Trial Pack, paid by card."""
    return stripe_sandbox.pay(checkout.create(create_user_without_credits("erin"), "trial"))


refund = partial(refunds.refund, source=Refund.Source.ADMIN)


def travel_ahead(minutes: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True)


def test_refund_returns_all_money_and_credits_when_no_amount_is_given(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe_sandbox.record_calls(monkeypatch) as calls:
        row = refund(payment, None, reason="Asked nicely", actor=payment.user)
    assert [call.in_transaction for call in calls] == [False]
    assert (row.status, row.amount_minor, row.reason) == ("succeeded", 990, "Asked nicely")
    assert payment_events.payment_state(payment) == REFUNDED
    made = stripe_sandbox.list_objects("refund")
    assert [(one["id"], one["amount"], one["metadata"]) for one in made] == [
        (row.stripe_id, 990, {"refund_id": str(row.pk), "reason": "Asked nicely"})
    ]
    stripe_sandbox.deliver_events()
    assert payment_events.payment_state(payment) == REFUNDED
    assert payment.refunds.count() == 1
    assert invariants.problems() == []


def test_refund_claws_back_in_proportion_when_made_in_parts(payment: Payment) -> None:
    clawed_back = []
    for _ in range(3):
        refund(payment, 330)
        clawed_back.append(payment_events.payment_state(payment).clawed_back)
    assert clawed_back == [33, 66, 100]
    assert payment_events.payment_state(payment) == REFUNDED
    with pytest.raises(refunds.NotRefundable):
        refund(payment, None)
    assert len(stripe_sandbox.list_objects("refund")) == 3


@pytest.mark.parametrize("amount", [991, 0, -1, 10**9])
def test_refund_is_refused_when_the_amount_is_out_of_range(payment: Payment, amount: int) -> None:
    with pytest.raises(refunds.NotRefundable, match="Cannot refund payment with current status"):
        refund(payment, amount)
    assert (payment.refunds.count(), stripe_sandbox.list_objects("refund")) == (0, [])
    assert payment_events.payment_state(payment) == PAID


def test_refund_is_refused_when_it_exceeds_the_rest(payment: Payment) -> None:
    refund(payment, 500)
    with pytest.raises(refunds.NotRefundable):
        refund(payment, 491)
    assert payment.refunds.count() == 1


def test_refund_is_refused_when_the_payment_was_never_paid(carol: User) -> None:
    with pytest.raises(refunds.NotRefundable):
        refund(payment_events.create_payment(carol), None)
    with pytest.raises(refunds.NotRefundable):
        refunds.preview(payment_events.create_payment(carol), 990)


def test_refund_is_refused_when_the_payment_is_under_review(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    Payment.objects.update(is_paid=True, paid_at=timezone.now(), review_reason="Look at this")
    with pytest.raises(refunds.NotRefundable):
        refund(payment, None)


def test_refund_is_made_once_when_the_key_is_repeated(payment: Payment) -> None:
    key = RequestKey(payment.user_id, "key", "fingerprint")
    order = refunds.RefundRequest(330, Refund.Source.API)
    first, second = (refunds.refund_once(payment, order, key) for _ in range(2))
    assert (second.result, second.is_replay) == (first.result, True)
    assert payment_events.reload(payment).refunded_minor == 330


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "500", "409", "cut"])
def test_refund_is_sent_again_when_stripe_does_not_answer(payment: Payment, kind: str) -> None:
    stripe_sandbox.fail_next_calls(
        "refunds", *[kind] * (1 if kind == "cut" else 3)
    )  # the SDK tries three times
    row = refund(payment, None)
    assert row.status == "requested"
    assert payment_events.payment_state(payment) == REFUNDED
    assert invariants.problems() == []
    with travel_ahead(2):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert [one["id"] for one in stripe_sandbox.list_objects("refund")] == [row.stripe_id]
    stripe_sandbox.deliver_events()
    assert payment_events.payment_state(payment) == REFUNDED


def test_refund_is_not_sent_again_when_a_minute_has_not_passed(payment: Payment) -> None:
    stripe_sandbox.fail_next_calls("refunds", *["500"] * 3)
    row = refund(payment, None)
    reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "requested"


def test_refund_succeeds_when_only_its_event_arrives(payment: Payment) -> None:
    stripe_sandbox.fail_next_calls("refunds", *["500_after"] * 3)
    row = refund(payment, None)
    assert row.status == "requested"
    stripe_sandbox.deliver_events()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert payment_events.payment_state(payment) == REFUNDED


def test_refund_succeeds_when_the_key_expired_and_stripe_has_made_it(payment: Payment) -> None:
    stripe_sandbox.fail_next_calls("refunds", *["500_after"] * 3)
    row = refund(payment, None)
    stripe_sandbox.discard_events()
    with travel_ahead(60 * 24):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert len(stripe_sandbox.list_objects("refund")) == 1


def test_refund_fails_when_the_key_expired_and_stripe_has_not_made_it(payment: Payment) -> None:
    stripe_sandbox.fail_next_calls("refunds", *["drop_before"] * 3)
    row = refund(payment, None)
    with travel_ahead(60 * 24):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "failed"
    assert payment_events.payment_state(payment) == PAID


def test_refund_of_the_dashboard_counts_when_ours_is_looked_up_late(payment: Payment) -> None:
    """Its event is lost, and the key of ours has expired."""
    stripe_sandbox.fail_next_calls("refunds", *["drop_before"] * 3)
    row = refund(payment, None)
    stripe_sandbox.refund_in_dashboard(payment)
    stripe_sandbox.discard_events()
    with travel_ahead(60 * 24):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "failed"
    assert payment_events.payment_state(payment) == REFUNDED


def test_refund_fails_and_credits_return_when_stripe_refuses(payment: Payment) -> None:
    stripe_sandbox.advance_dispute(stripe_sandbox.open_dispute(payment), "lose")
    row = refund(payment, None)
    assert (row.status, row.stripe_id) == ("failed", None)
    assert payment_events.payment_state(payment) == PAID
    stripe_sandbox.deliver_events()
    lost = PaymentState("succeeded", 0, credits=0, owed=0, clawed_back=100, grants=1)
    assert payment_events.payment_state(payment) == lost
    assert invariants.problems() == []


def test_refund_succeeds_when_only_the_repeated_request_is_refused(
    payment: Payment,
) -> None:
    stripe_sandbox.fail_next_calls("refunds", *["drop_after"] * 3, "401")
    stripe_sandbox.fail_next_calls("refunds.list", "401", "401")
    row = refund(payment, None)
    with travel_ahead(2):
        reconciliation.reconcile()
    row.refresh_from_db()
    assert row.status == "failed"
    stripe_sandbox.deliver_events()
    row.refresh_from_db()
    assert row.status == "succeeded"
    assert payment_events.payment_state(payment) == REFUNDED


def test_credits_return_when_a_refund_fails_at_stripe_later(live_stripe: ServerThread) -> None:
    payment = stripe_sandbox.pay(
        checkout.create(create_user_without_credits("erin"), "trial"), email="e+refundfail@x.org"
    )
    assert refund(payment, None).status == "succeeded"
    assert payment_events.payment_state(payment) == REFUNDED
    stripe_sandbox.deliver_events()
    assert payment_events.payment_state(payment) == PAID
    assert payment.refunds.get().status == "failed"
    assert invariants.problems() == []


def test_refund_is_pending_first_when_the_payer_used_a_wallet(live_stripe: ServerThread) -> None:
    payment = stripe_sandbox.pay(
        checkout.create(create_user_without_credits("erin"), "trial"), method="alipay"
    )
    assert refund(payment, 330).status == "pending"
    assert payment_events.payment_state(payment) == PaymentState(
        "partial_refunded", 330, 67, 0, 33, 1
    )
    stripe_sandbox.deliver_events()
    assert payment.refunds.get().status == "succeeded"
    assert payment_events.payment_state(payment) == PaymentState(
        "partial_refunded", 330, 67, 0, 33, 1
    )


def test_refund_is_made_once_when_twenty_calls_start_together(payment: Payment) -> None:
    results = run_concurrently([partial(refund, payment, 990)] * 20)
    names = [type(result).__name__ for result in results]
    assert sorted(names) == ["NotRefundable"] * 19 + ["Refund"]
    assert len(stripe_sandbox.list_objects("refund")) == 1
    assert payment_events.payment_state(payment) == REFUNDED
    assert invariants.problems() == []


def test_refund_fails_when_the_dashboard_refunded_the_payment_meanwhile(payment: Payment) -> None:
    """Stripe decides what is left. The credits go at once, also when its event is lost."""
    stripe_sandbox.refund_in_dashboard(payment)
    stripe_sandbox.discard_events()
    row = refund(payment, 990)
    assert row.status == "failed"
    assert payment_events.payment_state(payment) == REFUNDED
    sources = payment.refunds.order_by("created_at").values_list("source", "status")
    assert list(sources) == [("admin", "failed"), ("external", "succeeded")]


def test_preview_splits_the_credits_when_some_are_spent(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    credits.spend(carol, 60, "spend")
    assert refunds.preview(payment, 990) == refunds.RefundPreview(990, 100, 40, 60)
    assert refunds.preview(payment, 330) == refunds.RefundPreview(330, 33, 33, 0)
    assert credits.available(carol) == 40
