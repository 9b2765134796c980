"""Facts of a payment, and where they take it: merged here, and nowhere else.

    PENDING ──paid──► SUCCEEDED ──part of the money back──► PARTIAL_REFUNDED ──all──► REFUNDED
       │                  ▲  ◄──────────── a refund fails, a dispute is won ────────────┘
       └──expired, declined──► FAILED ──paid after all──► SUCCEEDED

What Stripe tells are facts that only grow (paid; refunds by id; the most a charge was refunded;
disputes by id), so they may come in any order and any number of times. After each, `drive`
computes from all facts what the status and the ledger must be and takes them there.
What does not match stands in `review` until staff decide; it stops the grant and nothing else.
Lock order: the payment, then the user's credits.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from billing.ledger import clawbacks, credits
from billing.models import Dispute, Entry, Payment, Refund

Status = Payment.Status

TAKEN_BY_DISPUTE = {
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
}
# The words of a dispute in the order they come in its life.
DISPUTE_WORDS = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "prevented",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
    "won",
)
RANK = {
    "requested": 0,
    "pending": 1,
    "succeeded": 2,
    "failed": 3,
    "canceled": 3,
}


# ---- what Stripe tells ----


def merge_opened(payment: Payment, made: dict[str, Any]) -> None:
    """The session we had Stripe make; the first one stays."""
    if payment.session_id is None:
        payment.session_id, payment.payment_url = made["id"], made["url"] or ""


def merge_session(payment: Payment, told: dict[str, Any], at: datetime) -> None:
    """Facts of a Checkout Session, from an event or fetched."""
    if payment.session_id and told.get("id") != payment.session_id:
        _ask_staff(payment, "the session is not this payment's")
        return
    payment.session_id = payment.session_id or told.get("id")
    payment.payment_intent = payment.payment_intent or str(told.get("payment_intent") or "")
    if told.get("payment_status") == "paid":
        asked = (payment.amount_minor, payment.currency.lower())
        if (told.get("amount_total"), told.get("currency")) != asked:
            _ask_staff(payment, "the amount or currency paid is not what was asked")
        elif not payment.is_paid:
            payment.is_paid, payment.paid_at = True, at
    elif told.get("payment_status") == "no_payment_required":
        _ask_staff(payment, "Stripe asked for no payment")
    if told.get("status") == "expired":
        fail(payment, "session_expired")


def session_unknown(payment: Payment) -> None:
    """Stripe has forgotten the session, or we ask in another account than the one that made it."""
    _ask_staff(payment, "Stripe knows no such session")


def _ask_staff(payment: Payment, question: str) -> None:
    if question not in payment.reviewed_reasons:
        payment.review_reason = question


def fail(payment: Payment, code: str) -> None:
    payment.failure_code = payment.failure_code or code


def merge_refund(payment: Payment, told: dict[str, Any]) -> None:
    """Facts of a refund, ours or one that was made in Stripe's dashboard."""
    ours = uuid_of((told.get("metadata") or {}).get("refund_id"))
    row = payment.refunds.filter(Q(stripe_id=told["id"]) | Q(pk=ours)).first()
    status = _refund_status(told.get("status"))
    if row is None:
        row = Refund(payment=payment, source=Refund.Source.EXTERNAL, created_at=timezone.now())
        row.amount_minor, row.status = int(told["amount"]), Refund.Status.REQUESTED
    # What we wrote before Stripe knew the refund was only our guess.
    if row.stripe_id is None or RANK[status] >= RANK[row.status]:
        row.status = status
    row.stripe_id = told["id"]
    row.save()


def _refund_status(told: object) -> Refund.Status:
    """What Stripe has no word for yet, or one we do not know, is still on its way."""
    known = {status.value: status for status in Refund.Status}
    return known.get(str(told), Refund.Status.PENDING)


def merge_charge(payment: Payment, told: dict[str, Any]) -> None:
    """Fact of a charge: the most it was ever refunded.

    Behind a refund that failed, that sum may hide a later one; so Stripe is asked for all of them.
    """
    refunded = int(told.get("amount_refunded") or 0)
    payment.charge_refunded_minor = max(payment.charge_refunded_minor, refunded)
    payment.checked_at = None


def merge_dispute(payment: Payment, told: dict[str, Any], at: datetime) -> None:
    """Facts of a dispute; the latest word counts."""
    row = Dispute.objects.filter(pk=told["id"]).first()
    if row is None:
        row = Dispute(pk=told["id"], payment=payment, reported_at=at)
        row.amount_minor, row.status = int(told["amount"]), str(told["status"])
    elif (at, _dispute_rank(told)) >= (row.reported_at, _dispute_rank(vars(row))):
        row.reported_at, row.status = at, str(told["status"])
        row.amount_minor = int(told["amount"])
    row.save()


def _dispute_rank(told: dict[str, Any]) -> int:
    """Of two words of the same second, the later one in a dispute's life counts."""
    status = str(told["status"])
    return DISPUTE_WORDS.index(status) if status in DISPUTE_WORDS else 0


def uuid_of(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


# ---- from the facts to the status and the ledger ----


def drive(payment: Payment) -> None:
    """Take a locked payment and its credits to where all facts together say they must be."""
    payment.refunded_minor = _refunded(payment)
    disputed = payment.disputes.filter(status__in=TAKEN_BY_DISPUTE).aggregate(s=Sum("amount_minor"))
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
    """The larger of what the refunds add up to and what the charge says, never above the amount.

    The charge goes on counting refunds that failed later, but never knew those it refused.
    """
    sums = {True: 0, False: 0}
    for refund in payment.refunds.all():
        if refund.stripe_id or refund.status in Refund.ACTIVE:
            sums[refund.status in Refund.ACTIVE] += refund.amount_minor
    return min(
        payment.amount_minor, max(sums[True], payment.charge_refunded_minor - sums[False], 0)
    )


def credits_lost(payment: Payment, refunded_minor: int) -> int:
    """The credits a payment no longer pays for: the floor of the part of its money that is gone."""
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


def change(pk: UUID, *steps: Callable[[Payment], None]) -> Payment:
    """Take steps on a locked payment, then drive it."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=pk)
        for step in steps:
            step(payment)
        drive(payment)
    return payment


def settle(payment: Payment) -> Payment:
    """Take a payment's status and credits to where its facts say they must be; safe to repeat."""
    return change(payment.pk)
