"""Reports of Stripe that come late, in another currency, or for an account that is closed."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from time_machine import Traveller

from accounts.models import User
from accounts.people import deletion
from billing.ledger import credits, invariants
from billing.payments import checkout, reconciliation, reviews
from tests.billing import payment_events, stripe_sandbox
from tests.billing.conftest import (
    DAY,
    START,
    create_user_without_credits,
    grant_credits,
    open_lots_of,
)
from tests.billing.payment_events import PaymentState
from tests.conftest import ServerThread

PAID = PaymentState("succeeded", 0, credits=100, owed=0, clawed_back=0, grants=1)
CLOSED = "paid after the account was closed or locked"


@pytest.mark.parametrize("kind", ["refund", "charge", "dispute"])
def test_report_in_another_currency_changes_no_credits_and_is_reviewed(
    carol: User, kind: str
) -> None:
    payment = payment_events.create_paid_payment(carol)
    event = {
        "refund": payment_events.refund_event(payment, 99_900),
        "charge": payment_events.charge_refunded_event(payment, 99_900),
        "dispute": payment_events.dispute_event(payment, "needs_response", 99_900),
    }[kind]
    event["data"]["object"]["currency"] = "jpy"
    assert payment_events.deliver(event) == ["review"]
    assert payment_events.payment_state(payment) == PAID
    assert payment_events.reload(payment).review_reason == f"a {kind} is in JPY"


@pytest.mark.parametrize("closing", [deletion.request_deletion, deletion.lock])
def test_payment_is_reviewed_when_it_arrives_for_a_closed_account(
    carol: User, closing: object
) -> None:
    payment = payment_events.create_payment(carol)
    closing(carol)  # type: ignore[operator]
    assert payment_events.deliver(payment_events.checkout_completed(payment)) == ["review"]
    row = payment_events.reload(payment)
    assert (row.status, row.review_reason, credits.available(carol)) == ("succeeded", CLOSED, 0)
    reviews.accept(row, CLOSED)
    assert payment_events.payment_state(payment) == PAID
    assert invariants.problems() == []


def test_checkout_is_ended_at_stripe_when_the_account_is_closed(live_stripe: ServerThread) -> None:
    user = create_user_without_credits("erin")
    payment = checkout.create(user, "trial")
    deletion.request_deletion(user)
    reconciliation.reconcile()
    row = payment_events.reload(payment)
    assert stripe_sandbox.get_session(payment)["status"] == "expired"
    assert (row.status, row.failure_code) == ("failed", "session_expired")


def test_checkout_is_ended_when_the_account_is_closed_while_stripe_creates_its_page(
    live_stripe: ServerThread,
) -> None:
    user = create_user_without_credits("erin")
    payment = payment_events.create_payment(user, session_id=None)
    deletion.request_deletion(user)
    reconciliation.reconcile()
    opened = checkout.open_checkout(payment)
    assert stripe_sandbox.get_session(opened)["status"] == "expired"
    row = payment_events.reload(payment)
    assert (row.status, row.failure_code) == ("failed", "account_closed")


def test_payment_is_reviewed_when_it_was_made_before_its_checkout_could_be_ended(
    live_stripe: ServerThread,
) -> None:
    user = create_user_without_credits("erin")
    payment = stripe_sandbox.pay(checkout.create(user, "trial"), deliver=False)
    deletion.request_deletion(user)
    reconciliation.reconcile()
    assert payment_events.reload(payment).review_reason == CLOSED
    stripe_sandbox.deliver_events()
    assert payment_events.reload(payment).review_reason == CLOSED
    assert credits.available(user) == 0


def test_credits_live_their_whole_time_when_the_payment_becomes_known_late(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    event = payment_events.checkout_completed(payment)
    event["created"] = int(time.time()) - 100 * 24 * 3600
    payment_events.deliver(event)
    [(left, until)] = open_lots_of(carol)
    assert left == 100
    assert until is not None
    assert until - timezone.now() > timedelta(days=89)


def test_failed_video_returns_credits_when_their_payment_was_disputed_and_won(
    clock: Traveller, carol: User
) -> None:
    payment = payment_events.create_paid_payment(carol)
    payment_events.deliver(payment_events.dispute_event(payment, "needs_response"))
    payment_events.deliver(payment_events.dispute_event(payment, "won"))
    credits.spend(carol, 20, "video")
    clock.move_to(START + 91 * DAY)
    credits.refund("video", "back", grace=True)
    assert open_lots_of(carol) == [(20, START + 98 * DAY)]
    credits.spend(carol, 20, "another video")
    clock.move_to(START + 99 * DAY)
    credits.refund("another video", "back again", grace=True)
    assert credits.available(carol) == 0  # grace is given once
    payment_events.deliver(payment_events.refund_event(payment, 990))
    assert invariants.problems() == []


def test_clawback_takes_credits_of_the_purchase_first_when_they_returned_twice(
    clock: Traveller, carol: User
) -> None:
    """Once because the dispute was won, once because a video failed after they had expired."""
    payment = payment_events.create_paid_payment(carol)
    for status in ("needs_response", "won"):
        payment_events.deliver(payment_events.dispute_event(payment, status))
    credits.spend(carol, 20, "video")
    clock.move_to(START + 91 * DAY)
    grant_credits(carol, 50, until=START + 92 * DAY)
    credits.refund("video", "back", grace=True)
    payment_events.deliver(payment_events.refund_event(payment, 99))
    assert open_lots_of(carol) == [(50, START + 92 * DAY), (10, START + 98 * DAY)]
