"""Whatever Stripe tells, in any order and any number of times, ends in the same state."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Payment, Refund, StripeEvent
from tests.billing import told
from tests.billing.told import Standing, Told

Script = Callable[[Payment], list[Told]]


def delayed_and_refunded(p: Payment) -> list[Told]:
    return [
        told.completed(p, payment_status="unpaid"),
        told.event("checkout.session.async_payment_succeeded", told.session(p)),
        told.refunded(p, 990),
        told.charge_refunded(p, 990),
    ]


def refund_that_fails(p: Payment) -> list[Told]:
    words = ("pending", "succeeded", "failed")
    return [told.completed(p), *(told.refunded(p, 990, word) for word in words)]


def refund_that_fails_and_the_charge(p: Payment) -> list[Told]:
    return [
        told.completed(p),
        told.charge_refunded(p, 990),
        told.refunded(p, 990),
        told.refunded(p, 990, "failed"),
    ]


def refund_that_is_cancelled(p: Payment) -> list[Told]:
    words = ("requires_action", "canceled")
    return [told.completed(p), *(told.refunded(p, 500, word) for word in words)]


def refund_in_words_we_do_not_know(p: Payment) -> list[Told]:
    words = (None, "under_consideration", "succeeded")
    return [told.completed(p), *(told.refunded(p, 990, word) for word in words)]  # type: ignore[arg-type]


def dispute_won(p: Payment) -> list[Told]:
    words = ("warning_needs_response", "needs_response", "won")
    return [told.completed(p), *(told.disputed(p, word) for word in words)]


def dispute_lost(p: Payment) -> list[Told]:
    words = ("needs_response", "under_review", "lost")
    return [told.completed(p), *(told.disputed(p, word) for word in words)]


def dispute_lost_and_refunded(p: Payment) -> list[Told]:
    words = ("needs_response", "lost")
    return [
        told.completed(p),
        *(told.disputed(p, word) for word in words),
        told.refunded(p, 990),
    ]


def inquiry_that_grows(p: Payment) -> list[Told]:
    words = ("warning_needs_response", "warning_under_review", "needs_response")
    return [told.completed(p), *(told.disputed(p, word) for word in words)]


def inquiry_closed(p: Payment) -> list[Told]:
    words = ("warning_needs_response", "warning_under_review", "warning_closed")
    return [told.completed(p), *(told.disputed(p, word) for word in words)]


def expired_then_paid(p: Payment) -> list[Told]:
    return [told.expired(p), told.completed(p)]


def failed_then_paid(p: Payment) -> list[Told]:
    unpaid = told.session(p, payment_status="unpaid")
    return [
        told.completed(p, payment_status="unpaid"),
        told.event("checkout.session.async_payment_failed", unpaid),
        told.event("checkout.session.async_payment_succeeded", told.session(p)),
    ]


def failed_for_good(p: Payment) -> list[Told]:
    unpaid = told.session(p, payment_status="unpaid")
    return [
        told.completed(p, payment_status="unpaid"),
        told.event("checkout.session.async_payment_failed", unpaid),
    ]


def two_partial_refunds(p: Payment) -> list[Told]:
    return [
        told.completed(p),
        told.refunded(p, 330, id=f"re_a_{p.pk.hex}"),
        told.charge_refunded(p, 330),
        told.refunded(p, 337, id=f"re_b_{p.pk.hex}"),
    ]


def refunds_only_the_charge_tells_of(p: Payment) -> list[Told]:
    return [told.completed(p), told.charge_refunded(p, 330), told.charge_refunded(p, 667)]


def half_refunded_then_disputed(p: Payment) -> list[Told]:
    return [told.completed(p), told.refunded(p, 495), told.disputed(p, "needs_response")]


PAID = Standing("succeeded", 0, credits=100, owed=0, reversed=0, grants=1)
GONE = Standing("refunded", 990, credits=0, owed=0, reversed=100, grants=1)
TAKEN = replace(GONE, status="succeeded", refunded_minor=0)
TWO_THIRDS = Standing("partial_refunded", 667, credits=33, owed=0, reversed=67, grants=1)
SCRIPTS: list[tuple[Script, Standing]] = [
    (delayed_and_refunded, GONE),
    (refund_in_words_we_do_not_know, GONE),
    (refund_that_fails, PAID),
    (refund_that_fails_and_the_charge, PAID),
    (refund_that_is_cancelled, PAID),
    (dispute_won, PAID),
    (dispute_lost, TAKEN),
    (dispute_lost_and_refunded, GONE),
    (inquiry_that_grows, TAKEN),
    (inquiry_closed, PAID),
    (expired_then_paid, PAID),
    (failed_then_paid, PAID),
    (failed_for_good, Standing("failed", 0, credits=0, owed=0, reversed=0, grants=0)),
    (two_partial_refunds, TWO_THIRDS),
    (refunds_only_the_charge_tells_of, TWO_THIRDS),
    (half_refunded_then_disputed, Standing("partial_refunded", 495, 0, 0, 100, 1)),
]


# Only of disputes does the moment count.
TIMED = [(script, end, 0) for script, end in SCRIPTS] + [
    (script, end, 60) for script, end in SCRIPTS if "dispute" in script.__name__
]


@pytest.mark.parametrize(
    ("script", "end", "seconds"), TIMED, ids=[f"{s.__name__}-{n}" for s, _, n in TIMED]
)
def test_facts_in_any_order(carol: User, script: Script, end: Standing, seconds: int) -> None:
    """Every order; after it the same events again, and sometimes their like under new names."""
    payment = told.order(carol)
    start = int(timezone.now().timestamp())
    events = script(payment)
    for n, event in enumerate(events):
        event["created"] = start + n * seconds
    for n, order in enumerate(permutations(events)):
        again = [{**event, "id": f"{event['id']}_again"} for event in reversed(order)]
        words = [(event["type"], event["data"]["object"].get("status")) for event in order]
        with transaction.atomic():
            told.tell(*order)
            assert told.standing(payment) == end, words
            told.tell(*order, *(again if n % 4 == 1 else ()))
            assert told.standing(payment) == end, words
            assert invariants.problems() == []
            states = set(StripeEvent.objects.values_list("state", flat=True))
            assert states <= {"done"} or not told.now_of(payment).payment_intent
            transaction.set_rollback(True)


def test_facts_when_they_lower_and_restore_credits_step_by_step(carol: User) -> None:
    """Every step counts at once, not only the last."""
    payment = told.order(carol)
    seen = []
    for event in (
        told.completed(payment),
        told.disputed(payment, "warning_needs_response"),
        told.disputed(payment, "needs_response"),
        told.disputed(payment, "won"),
        told.refunded(payment, 330, "pending"),
        told.refunded(payment, 330, "succeeded"),
        told.refunded(payment, 330, "failed"),
    ):
        told.tell(event)
        seen.append((told.now_of(payment).status, credits.available(carol)))
    assert seen == [
        ("succeeded", 100),
        ("succeeded", 100),
        ("succeeded", 0),
        ("succeeded", 100),
        ("partial_refunded", 67),
        ("partial_refunded", 67),
        ("succeeded", 100),
    ]


def test_facts_of_a_refund_made_in_the_dashboard(carol: User) -> None:
    payment = told.bought(carol)
    told.tell(told.refunded(payment, 330))
    row = payment.refunds.get()
    assert (row.source, row.status, row.amount_minor, row.actor) == (
        Refund.Source.EXTERNAL,
        "succeeded",
        330,
        None,
    )


def test_facts_of_a_refund_that_names_another_payments_refund(carol: User, dave: User) -> None:
    """Metadata is typed by people: a refund's payment is the one whose money it is."""
    mine, other = told.bought(carol), told.bought(dave)
    row = Refund.objects.create(
        payment=other,
        amount_minor=1,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    told.tell(told.refunded(mine, 330, refund_id=str(row.pk)))
    assert (told.now_of(mine).refunded_minor, told.now_of(other).refunded_minor) == (330, 0)


def test_facts_of_a_refund_that_we_took_for_refused(carol: User) -> None:
    """Our second request was refused, but the first had been carried out."""
    payment = told.bought(carol)
    row = Refund.objects.create(
        payment=payment,
        amount_minor=990,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    told.tell(told.refunded(payment, 990, refund_id=str(row.pk)))
    assert told.standing(payment) == GONE
    assert payment.refunds.get().status == "succeeded"


def test_facts_of_the_charge_beside_a_refund_stripe_refused(carol: User) -> None:
    """What Stripe never took up is in no sum of Stripe's."""
    payment = told.bought(carol)
    Refund.objects.create(
        payment=payment,
        amount_minor=330,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    told.tell(told.charge_refunded(payment, 330))
    assert told.standing(payment) == Standing("partial_refunded", 330, 67, 0, 33, 1)


def test_facts_keep_the_moment_of_payment(carol: User) -> None:
    payment = told.order(carol)
    paid_at = int(timezone.now().timestamp()) - 3600
    told.tell({**told.completed(payment), "created": paid_at})
    told.tell(told.event("checkout.session.async_payment_succeeded", told.session(payment)))
    assert told.now_of(payment).paid_at == told.at(paid_at)
