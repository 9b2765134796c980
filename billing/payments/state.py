"""The state of a payment: its status and its credits, derived from the facts known about it.

    PENDING ──paid──► SUCCEEDED ──partly refunded──► PARTIAL_REFUNDED ──all──► REFUNDED
       │                  ▲  ◄────────── a refund fails, a dispute is won ────────┘
       └──expired, declined──► FAILED ──paid after all──► SUCCEEDED

Facts only grow (paid; refunds by id; the most a charge was refunded; disputes by id).
billing.payments.stripe_updates merges them; after each, `apply_facts` computes the status and the
credits from all of them and books the difference. A payment that does not match is under review
until staff decide: no credits are granted for it. Lock order: the payment, then the credits.
"""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from billing.ledger import clawbacks, credits
from billing.models import Entry, Payment, Refund

Status = Payment.Status

MONEY_WITHHELD = {
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
}


def request_review(payment: Payment, reason: str) -> None:
    """Put a payment under review, unless staff have decided about this reason before."""
    if reason not in payment.reviewed_reasons:
        payment.review_reason = reason


def fail(payment: Payment, code: str) -> None:
    """Note why a payment failed; the first reason stays."""
    payment.failure_code = payment.failure_code or code


def parse_uuid(value: object) -> UUID | None:
    """Return a text as a UUID, or None if it is not one."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def apply_facts(payment: Payment) -> None:
    """Set the status of a locked payment and book its credits, as all its facts require."""
    payment.refunded_minor = _refunded(payment)
    disputed = payment.disputes.filter(status__in=MONEY_WITHHELD).aggregate(s=Sum("amount_minor"))
    payment.disputed_minor = min(disputed["s"] or 0, payment.amount_minor)
    payment.status = _status(payment)
    payment.save()
    if payment.is_paid and not payment.review_reason:
        _grant(payment)
    if payment.is_paid and (not payment.review_reason or is_granted(payment)):
        clawbacks.claw_back_to(grant_key(payment), credits_lost(payment, payment.refunded_minor))


def _status(payment: Payment) -> Status:
    if payment.is_paid:
        if payment.refunded_minor >= payment.amount_minor:
            return Status.REFUNDED
        return Status.PARTIAL_REFUNDED if payment.refunded_minor else Status.SUCCEEDED
    return Status.FAILED if payment.failure_code else Status.PENDING


def _refunded(payment: Payment) -> int:
    """Return the larger of the sum of refunds and what the charge reports, at most the amount.

    The charge goes on counting refunds that failed later, but never those that Stripe refused.
    """
    sums = {True: 0, False: 0}
    for refund in payment.refunds.all():
        if refund.stripe_id or refund.status in Refund.ACTIVE:
            sums[refund.status in Refund.ACTIVE] += refund.amount_minor
    return min(
        payment.amount_minor, max(sums[True], payment.charge_refunded_minor - sums[False], 0)
    )


def credits_lost(payment: Payment, refunded_minor: int) -> int:
    """Return how many credits a payment no longer pays for, rounded down."""
    gone = min(payment.amount_minor, refunded_minor + payment.disputed_minor)
    return payment.credits * gone // payment.amount_minor


def _grant(payment: Payment) -> None:
    assert payment.paid_at
    credits.grant(
        payment.user,
        payment.credits,
        credits.Kind.PURCHASED,
        grant_key(payment),
        expires_at=payment.paid_at + settings.PURCHASE_LIFETIME,
        purpose=credits.Purpose(Entry.PAYMENT_REFERENCE, str(payment.pk), payment.name),
    )


def is_granted(payment: Payment) -> bool:
    return credits.find_entry(grant_key(payment)) is not None


def grant_key(payment: Payment) -> str:
    return f"pay:{payment.pk}:grant"


def update_payment(pk: UUID, *steps: Callable[[Payment], None]) -> Payment:
    """Lock a payment, change it by the steps, then apply its facts; return it."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=pk)
        for step in steps:
            step(payment)
        apply_facts(payment)
    return payment


def recompute(payment: Payment) -> Payment:
    """Apply the facts of a payment again; safe to repeat."""
    return update_payment(payment.pk)
