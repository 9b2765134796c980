"""Reconciliation asks Stripe about what no event reported."""

import json
import threading
from datetime import UTC, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from billing.ledger import invariants
from billing.models import Payment, StripeEvent
from billing.payments import checkout, reviews
from billing.payments import reconciliation as reconciling
from billing.sandbox import checkout as sandbox_checkout
from billing.sandbox import database
from tests.billing import payment_events, stripe_sandbox
from tests.billing.conftest import create_user_without_credits, entries_of
from tests.conftest import ServerThread
from tests.statements import failing, names, writes
from tests.verification.engines.scripted_server import ScriptedServer


def reconcile_after(minutes: float = 2) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        reconciling.reconcile()


@pytest.fixture
def payment(live_stripe: ServerThread) -> Payment:
    return checkout.create(create_user_without_credits("erin"), "trial")


def test_reconcile_grants_the_credits_when_the_event_was_lost(payment: Payment) -> None:
    stripe_sandbox.pay(payment, deliver=False)
    reconciling.reconcile()
    assert payment_events.reload(payment).status == "pending"
    reconcile_after()
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "succeeded", 0, 100, 0, 0, 1
    )
    reconcile_after(30)
    stripe_sandbox.deliver_events()
    assert entries_of(payment.user) == [("purchased", 100)]


def test_reconcile_fails_the_payment_when_its_session_expired(payment: Payment) -> None:
    with database.writing() as db:
        sandbox_checkout.expire(db, str(payment.session_id))
    reconcile_after()
    payment = payment_events.reload(payment)
    assert (payment.status, payment.failure_code) == ("failed", "session_expired")


def test_reconcile_opens_the_checkout_when_stripe_did_not_answer_before(
    live_stripe: ServerThread,
) -> None:
    stripe_sandbox.fail_next_calls("sessions", "429")
    with pytest.raises(checkout.StripeUnavailable):
        checkout.create(create_user_without_credits("erin"), "trial")
    reconcile_after()
    reconcile_after(15)
    made = [one["id"] for one in stripe_sandbox.list_objects("checkout.session")]
    assert made == [Payment.objects.get().session_id]


def test_reconcile_fails_the_payment_when_it_is_too_late_for_a_checkout(
    live_stripe: ServerThread,
) -> None:
    stripe_sandbox.fail_next_calls("sessions", "429")
    with pytest.raises(checkout.StripeUnavailable):
        checkout.create(create_user_without_credits("erin"), "trial")
    reconcile_after(45)
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == ("failed", "session_expired")
    assert stripe_sandbox.list_objects("checkout.session") == []


def test_reconcile_checks_a_pending_payment_again_when_ten_minutes_have_passed(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe_sandbox.record_calls(monkeypatch) as calls:
        for minutes in (2, 3, 11, 13):
            reconcile_after(minutes)
    assert [call.in_transaction for call in calls] == [False, False]


def test_reconcile_processes_an_unmatched_event_when_its_payment_is_known(payment: Payment) -> None:
    """The event of the refund arrived, but that of the payment was lost."""
    stripe_sandbox.pay(payment, deliver=False)
    stripe_sandbox.discard_events()
    with database.reading() as db:
        session = db.get("checkout.session", str(payment.session_id))
    gone = {"id": "re_1", "amount": 990, "status": "succeeded", "metadata": {}}
    event = payment_events.stripe_event(
        "refund.created", {**gone, "payment_intent": session["payment_intent"]}
    )
    assert payment_events.deliver(event) == ["unmatched"]
    reconcile_after()
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "refunded", 990, 0, 0, 100, 1
    )
    assert StripeEvent.objects.get().state == "done"


def test_payment_is_granted_when_a_waiting_event_cannot_be_read(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    broken = {
        "id": "re_1",
        "payment_intent": payment_events.payment_intent_id(payment),
        "status": "succeeded",
    }
    event = payment_events.stripe_event("refund.created", broken)
    assert payment_events.deliver(event, payment_events.checkout_completed(payment)) == [
        "unmatched",
        "done",
    ]
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "succeeded", 0, 100, 0, 0, 1
    )
    assert StripeEvent.objects.get(pk=event["id"]).state == "error"


def test_reconcile_requests_a_review_when_stripe_does_not_know_the_session(
    payment: Payment,
) -> None:
    Payment.objects.update(session_id="cs_test_of_another_account")
    for minutes in (2, 30):
        reconcile_after(minutes)
    now = payment_events.reload(payment)
    assert (now.status, now.review_reason) == ("pending", "Stripe knows no such session")
    reviews.dismiss(now, now.review_reason)
    assert payment_events.reload(payment).status == "failed"


def test_reconcile_processes_an_unmatched_event_when_both_came_together(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    payment_events.deliver(
        payment_events.refund_event(payment, 990), payment_events.checkout_completed(payment)
    )
    StripeEvent.objects.filter(type__startswith="refund").update(state="unmatched")
    payment.refunds.all().delete()
    reconcile_after()
    assert payment_events.payment_state(payment).status == "refunded"


def test_reconcile_processes_an_event_again_when_it_failed(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    with failing(writes("billing_lot")):
        assert payment_events.deliver(payment_events.checkout_completed(payment)) == ["new"]
    assert StripeEvent.objects.get().state == "error"
    reconcile_after()
    assert payment_events.payment_state(payment).credits == 100
    assert invariants.problems() == []


@pytest.fixture
def unreported(live_stripe: ServerThread) -> list[Payment]:
    """Three payments that were paid at Stripe, without an event."""
    made = [
        checkout.create(create_user_without_credits(name), "trial")
        for name in ("erin", "fay", "gus")
    ]
    for payment in made:
        stripe_sandbox.pay(payment, deliver=False)
    return made


@pytest.mark.parametrize("faults", [["500"] * 3, ["400"], ["cut"]])
def test_reconcile_continues_when_one_payment_cannot_be_fetched(
    unreported: list[Payment], faults: list[str]
) -> None:
    stripe_sandbox.fail_next_calls("session", *faults)
    reconcile_after()
    seen = sorted(payment_events.reload(one).status for one in unreported)
    assert seen == ["pending", "succeeded", "succeeded"]


def test_reconcile_continues_when_one_payment_cannot_be_written(
    unreported: list[Payment],
) -> None:
    with failing(writes("billing_payment"), names(unreported[1].pk)):
        reconcile_after()
    seen = [payment_events.reload(one).status for one in unreported]
    assert seen == ["succeeded", "pending", "succeeded"]


@pytest.fixture
def paid_payment(payment: Payment) -> Payment:
    """A paid payment; later events are lost."""
    return stripe_sandbox.pay(payment)


@pytest.mark.parametrize("days", [2, 179])
def test_reconcile_finds_a_refund_when_its_event_was_lost(paid_payment: Payment, days: int) -> None:
    stripe_sandbox.refund_in_dashboard(paid_payment, 330)
    stripe_sandbox.discard_events()
    reconcile_after(days * 24 * 60)
    now = payment_events.payment_state(paid_payment)
    assert (now.status, now.refunded_minor) == ("partial_refunded", 330)
    assert paid_payment.refunds.get().source == "external"
    assert invariants.problems() == []


def test_reconcile_finds_a_dispute_when_its_event_was_lost(paid_payment: Payment) -> None:
    stripe_sandbox.open_dispute(paid_payment)
    stripe_sandbox.discard_events()
    reconcile_after(2)
    assert payment_events.payment_state(paid_payment) == payment_events.PaymentState(
        "succeeded", 0, 0, 0, 100, 1
    )


def test_reconcile_skips_a_payment_when_it_is_half_a_year_old(paid_payment: Payment) -> None:
    stripe_sandbox.refund_in_dashboard(paid_payment)
    stripe_sandbox.discard_events()
    reconcile_after(181 * 24 * 60)
    assert payment_events.reload(paid_payment).status == "succeeded"


def test_reconcile_checks_a_paid_payment_again_when_a_day_has_passed(
    paid_payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe_sandbox.record_calls(monkeypatch) as calls:
        for minutes in (2, 3, 20 * 60, 24 * 60 + 1, 25 * 60, 49 * 60):
            reconcile_after(minutes)
    assert [call.in_transaction for call in calls] == [False, False] * 3


def test_reconcile_checks_payments_in_batches_when_there_are_many(
    stripe_server: ServerThread, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {
        payment_events.create_paid_payment(carol).payment_intent
        for _ in range(reconciling.PAID_BATCH + 3)
    }
    counts = []
    with stripe_sandbox.record_calls(monkeypatch) as calls:
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


def test_reconcile_checks_again_soon_when_stripe_did_not_answer(paid_payment: Payment) -> None:
    stripe_sandbox.refund_in_dashboard(paid_payment, 330)
    stripe_sandbox.discard_events()
    stripe_sandbox.fail_next_calls("refunds.list", *["500"] * 3)
    reconcile_after(2)
    assert payment_events.reload(paid_payment).status == "succeeded"
    reconcile_after(5)
    assert payment_events.reload(paid_payment).status == "succeeded"
    reconcile_after(13)
    assert payment_events.reload(paid_payment).status == "partial_refunded"


def test_reconcile_finds_a_refund_when_an_earlier_one_failed(paid_payment: Payment) -> None:
    """The charge reports 330 both times: for the failed refund and for the next one."""
    payment_events.deliver(
        payment_events.charge_refunded_event(paid_payment, 330),
        payment_events.stripe_event("refund.updated", failed_refund(paid_payment)),
    )
    assert payment_events.reload(paid_payment).refunded_minor == 0
    reconcile_after(2)
    stripe_sandbox.refund_in_dashboard(paid_payment, 330)
    stripe_sandbox.discard_events()
    payment_events.deliver(payment_events.charge_refunded_event(paid_payment, 330))
    reconcile_after(3)
    assert payment_events.reload(paid_payment).refunded_minor == 330


def failed_refund(payment: Payment) -> dict[str, Any]:
    return {
        "id": "re_failed",
        "amount": 330,
        "status": "failed",
        "payment_intent": payment.payment_intent,
        "metadata": {},
    }


def test_won_dispute_counts_at_once_when_our_clock_was_ahead_at_the_last_check(
    db: None, settings: LazySettings
) -> None:
    payment = payment_events.create_paid_payment(create_user_without_credits("erin"))
    lost = payment_events.dispute_event(payment, "needs_response")
    lists = {"refunds": [], "disputes": [lost["data"]["object"]]}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.partition("?")[0].rpartition("/")[2]
        body = json.dumps({"object": "list", "data": lists[name], "has_more": False}).encode()
        handler.send_response_only(200)
        handler.send_header("Date", format_datetime(stripe_time, usegmt=True))
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    stripe_time = timezone.now().astimezone(UTC)
    server = ScriptedServer()
    server.answer = answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_address[1]}"
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=True):
        reconciling.refresh_paid(payment)
    assert entries_of(payment.user) == [("purchased", 100), ("reversed", -100)]
    won = payment_events.dispute_event(payment, "won")
    won["created"] = int(stripe_time.timestamp()) + 60
    payment_events.deliver(won)
    assert payment_events.payment_state(payment).credits == 100
    server.shutdown()
