"""The state of a payment: its status and its credits, derived from the facts known about it.

    PENDING ──paid──► SUCCEEDED ──partly refunded──► PARTIAL_REFUNDED ──all──► REFUNDED
       │                  ▲  ◄────────── a refund fails, a dispute is won ────────┘
       └──expired, declined──► FAILED ──paid after all──► SUCCEEDED

The facts are: paid; the refunds by id; the largest refunded sum of the charge; the disputes by id.
billing.payments.stripe_updates merges what Stripe reports into them. After each merge `apply_facts`
computes the status and the credits from all facts and posts the difference. A payment that does not
match is under review until staff decide: no credits are granted for it. A granted payment may also
reward a referral. Lock order: the payment, then the account of credits.
"""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from billing.ledger import clawbacks, credits
from billing.models import Entry, Payment, Refund
from billing.referrals import rewards

Status = Payment.Status

# The statuses of a dispute during which the bank keeps the money.
WITHHOLDING_STATUSES = {
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
}


def request_review(payment: Payment, reason: str) -> None:
    """Put a payment under review, unless staff already decided about this reason."""
    if reason not in payment.reviewed_reasons:
        payment.review_reason = reason


def record_failure(payment: Payment, code: str) -> None:
    """Record why a payment failed; the first reason stays."""
    payment.failure_code = payment.failure_code or code


def parse_uuid(value: object) -> UUID | None:
    """Return the UUID that a text is, or None if it is not one."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def apply_facts(payment: Payment) -> None:
    """Set the status of a locked payment, and grant or claw back credits, as its facts require."""
    payment.refunded_minor = _refunded_minor(payment)
    withheld = payment.disputes.filter(status__in=WITHHOLDING_STATUSES).aggregate(
        s=Sum("amount_minor")
    )
    payment.disputed_minor = min(withheld["s"] or 0, payment.amount_minor)
    payment.status = _status(payment)
    payment.save()
    if payment.is_paid and not payment.review_reason:
        _grant(payment)
    if payment.is_paid and (not payment.review_reason or is_granted(payment)):
        target = clawback_target(payment, payment.refunded_minor)
        clawbacks.claw_back_to(grant_key(payment), target)
        rewards.settle(payment)


def _status(payment: Payment) -> Status:
    if payment.is_paid:
        if payment.refunded_minor >= payment.amount_minor:
            return Status.REFUNDED
        return Status.PARTIAL_REFUNDED if payment.refunded_minor else Status.SUCCEEDED
    return Status.FAILED if payment.failure_code else Status.PENDING


def _refunded_minor(payment: Payment) -> int:
    """Return the larger of the sum of active refunds and what the charge reports as refunded.

    At most the amount of the payment. The charge still counts refunds that failed later, so these
    are subtracted from it; it never counts refunds that Stripe refused.
    """
    active = failed = 0
    for refund in payment.refunds.all():
        if refund.status in Refund.ACTIVE:
            active += refund.amount_minor
        elif refund.stripe_id:
            failed += refund.amount_minor
    return min(payment.amount_minor, max(active, payment.charge_refunded_minor - failed, 0))


def clawback_target(payment: Payment, refunded_minor: int) -> int:
    """Return how many credits must be clawed back if `refunded_minor` of a payment is refunded.

    It is the refunded and disputed share of the credits, rounded down.
    """
    returned_minor = min(payment.amount_minor, refunded_minor + payment.disputed_minor)
    return payment.credits * returned_minor // payment.amount_minor


def _grant(payment: Payment) -> None:
    """Grant the credits once. They live from now: what came late could not be spent before."""
    credits.grant(
        payment.user,
        payment.credits,
        credits.Kind.PURCHASED,
        grant_key(payment),
        expires_at=timezone.now() + settings.PURCHASE_LIFETIME,
        purpose=credits.Purpose(Entry.PAYMENT_REFERENCE, str(payment.pk), payment.name),
    )


def is_granted(payment: Payment) -> bool:
    """Return whether the credits of a payment were granted."""
    return credits.find_entry(grant_key(payment)) is not None


def grant_key(payment: Payment) -> str:
    """Return the key of the ledger entry that grants the credits of a payment."""
    return f"pay:{payment.pk}:grant"


def update_payment(pk: UUID, *steps: Callable[[Payment], None]) -> Payment:
    """Lock a payment, run the steps on it, and apply its facts; return it."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=pk)
        for step in steps:
            step(payment)
        apply_facts(payment)
    return payment


def recompute(payment: Payment) -> Payment:
    """Apply the facts of a payment again. Safe to repeat."""
    return update_payment(payment.pk)
