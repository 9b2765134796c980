"""What Stripe reports about a payment, merged into its row: sessions, refunds, charges, disputes.

Reports only add facts, so they may arrive in any order and more than once. The payment is locked;
billing.payments.state then derives its status and credits from all facts.
"""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from billing.models import Dispute, Payment, Refund
from billing.payments import state

# The statuses of a dispute at Stripe, in the order of its life.
DISPUTE_STAGES = (
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
REFUND_RANK = {
    "requested": 0,
    "pending": 1,
    "succeeded": 2,
    "failed": 3,
    "canceled": 3,
}


def merge_new_session(payment: Payment, made: dict[str, Any]) -> None:
    """Store the checkout session that Stripe created, unless the payment has one."""
    if payment.session_id is None:
        payment.session_id, payment.payment_url = made["id"], made["url"] or ""


def merge_session(payment: Payment, told: dict[str, Any], at: datetime) -> None:
    """Merge a Checkout Session, from an event or fetched."""
    if payment.session_id and told.get("id") != payment.session_id:
        state.request_review(payment, "the session is not this payment's")
        return
    payment.session_id = payment.session_id or told.get("id")
    payment.payment_intent = payment.payment_intent or str(told.get("payment_intent") or "")
    if told.get("payment_status") == "paid":
        asked = (payment.amount_minor, payment.currency.lower())
        if (told.get("amount_total"), told.get("currency")) != asked:
            state.request_review(payment, "the amount or currency paid is not what was asked")
        elif not payment.is_paid:
            payment.is_paid, payment.paid_at = True, at
    elif told.get("payment_status") == "no_payment_required":
        state.request_review(payment, "Stripe asked for no payment")
    if told.get("status") == "expired":
        state.fail(payment, "session_expired")


def merge_unknown_session(payment: Payment) -> None:
    """Ask staff to look: Stripe deleted the session, or another Stripe account created it."""
    state.request_review(payment, "Stripe knows no such session")


def merge_refund(payment: Payment, told: dict[str, Any]) -> None:
    """Merge a refund, ours or one made in Stripe's dashboard."""
    ours = state.parse_uuid((told.get("metadata") or {}).get("refund_id"))
    row = payment.refunds.filter(Q(stripe_id=told["id"]) | Q(pk=ours)).first()
    status = _refund_status(told.get("status"))
    if row is None:
        row = Refund(payment=payment, source=Refund.Source.EXTERNAL, created_at=timezone.now())
        row.amount_minor, row.status = int(told["amount"]), Refund.Status.REQUESTED
    # Before Stripe knew the refund, its status here was only assumed.
    if row.stripe_id is None or REFUND_RANK[status] >= REFUND_RANK[row.status]:
        row.status = status
    row.stripe_id = told["id"]
    row.save()


def _refund_status(told: object) -> Refund.Status:
    """Return our status of a refund; one that we do not know counts as pending."""
    known = {status.value: status for status in Refund.Status}
    return known.get(str(told), Refund.Status.PENDING)


def merge_charge(payment: Payment, told: dict[str, Any]) -> None:
    """Merge a charge: the largest amount that was ever refunded of it.

    When a refund has failed, that sum may hide a later one, so reconciliation lists all refunds.
    """
    refunded = int(told.get("amount_refunded") or 0)
    payment.charge_refunded_minor = max(payment.charge_refunded_minor, refunded)
    payment.checked_at = None


def merge_dispute(payment: Payment, told: dict[str, Any], at: datetime) -> None:
    """Merge a dispute; the latest report counts."""
    row = Dispute.objects.filter(pk=told["id"]).first()
    if row is None:
        row = Dispute(pk=told["id"], payment=payment, reported_at=at)
        row.amount_minor, row.status = int(told["amount"]), str(told["status"])
    elif (at, _dispute_rank(told)) >= (row.reported_at, _dispute_rank(vars(row))):
        row.reported_at, row.status = at, str(told["status"])
        row.amount_minor = int(told["amount"])
    row.save()


def _dispute_rank(told: dict[str, Any]) -> int:
    """Return how far a dispute is; of two reports of the same second the further one counts."""
    status = str(told["status"])
    return DISPUTE_STAGES.index(status) if status in DISPUTE_STAGES else 0
