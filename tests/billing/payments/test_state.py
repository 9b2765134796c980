"""Events that arrive in any order and any number of times lead to the same state."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Payment, Refund, StripeEvent
from tests.billing import payment_events
from tests.billing.payment_events import PaymentState, StripeJson
from tests.tiers import share

Script = Callable[[Payment], list[StripeJson]]


def delayed_and_refunded(p: Payment) -> list[StripeJson]:
    return [
        payment_events.checkout_completed(p, payment_status="unpaid"),
        payment_events.stripe_event(
            "checkout.session.async_payment_succeeded", payment_events.checkout_session(p)
        ),
        payment_events.refund_event(p, 990),
        payment_events.charge_refunded_event(p, 990),
    ]


def refund_that_fails(p: Payment) -> list[StripeJson]:
    words = ("pending", "succeeded", "failed")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.refund_event(p, 990, word) for word in words),
    ]


def refund_that_fails_and_the_charge(p: Payment) -> list[StripeJson]:
    return [
        payment_events.checkout_completed(p),
        payment_events.charge_refunded_event(p, 990),
        payment_events.refund_event(p, 990),
        payment_events.refund_event(p, 990, "failed"),
    ]


def refund_that_is_cancelled(p: Payment) -> list[StripeJson]:
    words = ("requires_action", "canceled")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.refund_event(p, 500, word) for word in words),
    ]


def refund_with_unknown_statuses(p: Payment) -> list[StripeJson]:
    words: tuple[Any, ...] = (None, "under_consideration", "succeeded")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.refund_event(p, 990, word) for word in words),
    ]


def dispute_won(p: Payment) -> list[StripeJson]:
    words = ("warning_needs_response", "needs_response", "won")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.dispute_event(p, word) for word in words),
    ]


def dispute_lost(p: Payment) -> list[StripeJson]:
    words = ("needs_response", "under_review", "lost")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.dispute_event(p, word) for word in words),
    ]


def dispute_lost_and_refunded(p: Payment) -> list[StripeJson]:
    words = ("needs_response", "lost")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.dispute_event(p, word) for word in words),
        payment_events.refund_event(p, 990),
    ]


def inquiry_that_grows(p: Payment) -> list[StripeJson]:
    words = ("warning_needs_response", "warning_under_review", "needs_response")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.dispute_event(p, word) for word in words),
    ]


def inquiry_closed(p: Payment) -> list[StripeJson]:
    words = ("warning_needs_response", "warning_under_review", "warning_closed")
    return [
        payment_events.checkout_completed(p),
        *(payment_events.dispute_event(p, word) for word in words),
    ]


def expired_then_paid(p: Payment) -> list[StripeJson]:
    return [payment_events.checkout_expired(p), payment_events.checkout_completed(p)]


def failed_then_paid(p: Payment) -> list[StripeJson]:
    unpaid = payment_events.checkout_session(p, payment_status="unpaid")
    return [
        payment_events.checkout_completed(p, payment_status="unpaid"),
        payment_events.stripe_event("checkout.session.async_payment_failed", unpaid),
        payment_events.stripe_event(
            "checkout.session.async_payment_succeeded", payment_events.checkout_session(p)
        ),
    ]


def failed_for_good(p: Payment) -> list[StripeJson]:
    unpaid = payment_events.checkout_session(p, payment_status="unpaid")
    return [
        payment_events.checkout_completed(p, payment_status="unpaid"),
        payment_events.stripe_event("checkout.session.async_payment_failed", unpaid),
    ]


def two_partial_refunds(p: Payment) -> list[StripeJson]:
    return [
        payment_events.checkout_completed(p),
        payment_events.refund_event(p, 330, id=f"re_a_{p.pk.hex}"),
        payment_events.charge_refunded_event(p, 330),
        payment_events.refund_event(p, 337, id=f"re_b_{p.pk.hex}"),
    ]


def refunds_reported_only_by_the_charge(p: Payment) -> list[StripeJson]:
    return [
        payment_events.checkout_completed(p),
        payment_events.charge_refunded_event(p, 330),
        payment_events.charge_refunded_event(p, 667),
    ]


def half_refunded_then_disputed(p: Payment) -> list[StripeJson]:
    return [
        payment_events.checkout_completed(p),
        payment_events.refund_event(p, 495),
        payment_events.dispute_event(p, "needs_response"),
    ]


PAID = PaymentState("succeeded", 0, credits=100, owed=0, clawed_back=0, grants=1)
REFUNDED = PaymentState("refunded", 990, credits=0, owed=0, clawed_back=100, grants=1)
DISPUTED = replace(REFUNDED, status="succeeded", refunded_minor=0)
TWO_THIRDS = PaymentState("partial_refunded", 667, credits=33, owed=0, clawed_back=67, grants=1)
SCRIPTS: list[tuple[Script, PaymentState]] = [
    (delayed_and_refunded, REFUNDED),
    (refund_with_unknown_statuses, REFUNDED),
    (refund_that_fails, PAID),
    (refund_that_fails_and_the_charge, PAID),
    (refund_that_is_cancelled, PAID),
    (dispute_won, PAID),
    (dispute_lost, DISPUTED),
    (dispute_lost_and_refunded, REFUNDED),
    (inquiry_that_grows, DISPUTED),
    (inquiry_closed, PAID),
    (expired_then_paid, PAID),
    (failed_then_paid, PAID),
    (failed_for_good, PaymentState("failed", 0, credits=0, owed=0, clawed_back=0, grants=0)),
    (two_partial_refunds, TWO_THIRDS),
    (refunds_reported_only_by_the_charge, TWO_THIRDS),
    (half_refunded_then_disputed, PaymentState("partial_refunded", 495, 0, 0, 100, 1)),
]


# Only for disputes does the time of an event count.
TIMED = [(script, end, 0) for script, end in SCRIPTS] + [
    (script, end, 60) for script, end in SCRIPTS if "dispute" in script.__name__
]


@pytest.mark.parametrize(
    ("script", "end", "seconds"), TIMED, ids=[f"{s.__name__}-{n}" for s, _, n in TIMED]
)
def test_state_is_the_same_when_events_arrive_in_any_order(
    carol: User, script: Script, end: PaymentState, seconds: int
) -> None:
    """Deliver the events in every order; then again, sometimes with new ids."""
    payment = payment_events.create_payment(carol)
    start = int(timezone.now().timestamp())
    events = script(payment)
    for n, event in enumerate(events):
        event["created"] = start + n * seconds
    for n, order in enumerate(share(permutations(events), of=4)):
        again = [{**event, "id": f"{event['id']}_again"} for event in reversed(order)]
        words = [(event["type"], event["data"]["object"].get("status")) for event in order]
        with transaction.atomic():
            payment_events.deliver(*order)
            assert payment_events.payment_state(payment) == end, words
            payment_events.deliver(*order, *(again if n % 4 == 1 else ()))
            assert payment_events.payment_state(payment) == end, words
            assert invariants.problems() == []
            states = set(StripeEvent.objects.values_list("state", flat=True))
            assert states <= {"done"} or not payment_events.reload(payment).payment_intent
            transaction.set_rollback(True)


def test_credits_follow_each_event_when_they_are_lowered_and_restored(carol: User) -> None:
    """Each event changes the credits at once."""
    payment = payment_events.create_payment(carol)
    seen = []
    for event in (
        payment_events.checkout_completed(payment),
        payment_events.dispute_event(payment, "warning_needs_response"),
        payment_events.dispute_event(payment, "needs_response"),
        payment_events.dispute_event(payment, "won"),
        payment_events.refund_event(payment, 330, "pending"),
        payment_events.refund_event(payment, 330, "succeeded"),
        payment_events.refund_event(payment, 330, "failed"),
    ):
        payment_events.deliver(event)
        seen.append((payment_events.reload(payment).status, credits.available(carol)))
    assert seen == [
        ("succeeded", 100),
        ("succeeded", 100),
        ("succeeded", 0),
        ("succeeded", 100),
        ("partial_refunded", 67),
        ("partial_refunded", 67),
        ("succeeded", 100),
    ]


def test_refund_is_stored_as_external_when_made_in_the_dashboard(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    payment_events.deliver(payment_events.refund_event(payment, 330))
    row = payment.refunds.get()
    assert (row.source, row.status, row.amount_minor, row.actor) == (
        Refund.Source.EXTERNAL,
        "succeeded",
        330,
        None,
    )


def test_refund_counts_for_its_own_payment_when_its_metadata_names_another(
    carol: User, dave: User
) -> None:
    """A refund belongs to the payment of its payment intent, whatever its metadata say."""
    mine, other = (
        payment_events.create_paid_payment(carol),
        payment_events.create_paid_payment(dave),
    )
    row = Refund.objects.create(
        payment=other,
        amount_minor=1,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    payment_events.deliver(payment_events.refund_event(mine, 330, refund_id=str(row.pk)))
    assert (
        payment_events.reload(mine).refunded_minor,
        payment_events.reload(other).refunded_minor,
    ) == (330, 0)


def test_refund_succeeds_when_it_was_marked_as_failed_before(carol: User) -> None:
    """Stripe refused our second request after it had carried out the first."""
    payment = payment_events.create_paid_payment(carol)
    row = Refund.objects.create(
        payment=payment,
        amount_minor=990,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    payment_events.deliver(payment_events.refund_event(payment, 990, refund_id=str(row.pk)))
    assert payment_events.payment_state(payment) == REFUNDED
    assert payment.refunds.get().status == "succeeded"


def test_charge_counts_fully_when_stripe_refused_another_refund(carol: User) -> None:
    """A refund that Stripe refused is not part of the charge's sum."""
    payment = payment_events.create_paid_payment(carol)
    Refund.objects.create(
        payment=payment,
        amount_minor=330,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    payment_events.deliver(payment_events.charge_refunded_event(payment, 330))
    assert payment_events.payment_state(payment) == PaymentState(
        "partial_refunded", 330, 67, 0, 33, 1
    )


def test_time_of_payment_is_kept_when_a_later_event_arrives(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    paid_at = int(timezone.now().timestamp()) - 3600
    payment_events.deliver({**payment_events.checkout_completed(payment), "created": paid_at})
    payment_events.deliver(
        payment_events.stripe_event(
            "checkout.session.async_payment_succeeded", payment_events.checkout_session(payment)
        )
    )
    assert payment_events.reload(payment).paid_at == payment_events.from_timestamp(paid_at)
