"""Merge what Stripe reports into a payment: sessions, refunds, charges and disputes.

Reports only add facts, so they may arrive in any order and more than once. The caller has locked
the payment and applies its facts afterwards (see billing.payments.state).
"""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from billing.models import Dispute, Payment, Refund
from billing.payments import state

# The statuses of a dispute at Stripe, in the order in which it can pass them.
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
# A refund never returns to a status with a lower rank.
REFUND_RANK = {
    "requested": 0,
    "pending": 1,
    "succeeded": 2,
    "failed": 3,
    "canceled": 3,
}


def merge_new_session(payment: Payment, session: dict[str, Any]) -> None:
    """Store the Checkout Session that Stripe created, unless the payment has one."""
    if payment.session_id is None:
        payment.session_id, payment.payment_url = session["id"], session["url"] or ""


def merge_session(payment: Payment, session: dict[str, Any], reported_at: datetime) -> None:
    """Merge a Checkout Session, as an event or a request reported it."""
    if payment.session_id and session.get("id") != payment.session_id:
        state.request_review(payment, "the session is not this payment's")
        return
    payment.session_id = payment.session_id or session.get("id")
    payment.payment_intent = payment.payment_intent or str(session.get("payment_intent") or "")
    if session.get("payment_status") == "paid":
        price = (payment.amount_minor, payment.currency.lower())
        if (session.get("amount_total"), session.get("currency")) != price:
            state.request_review(payment, "the amount or currency paid is not what was asked")
        elif not payment.is_paid:
            payment.is_paid, payment.paid_at = True, reported_at
            if not payment.user.is_active:
                state.request_review(payment, "paid after the account was closed or locked")
    elif session.get("payment_status") == "no_payment_required":
        state.request_review(payment, "Stripe asked for no payment")
    if session.get("status") == "expired":
        state.record_failure(payment, "session_expired")


def merge_unknown_session(payment: Payment) -> None:
    """Request a review: Stripe deleted the session, or another Stripe account created it."""
    state.request_review(payment, "Stripe knows no such session")


def merge_refund(payment: Payment, refund: dict[str, Any]) -> None:
    """Merge a refund that we made or that was made in Stripe's dashboard."""
    if _review_foreign_currency(payment, refund, "refund"):
        return
    our_id = state.parse_uuid((refund.get("metadata") or {}).get("refund_id"))
    row = payment.refunds.filter(Q(stripe_id=refund["id"]) | Q(pk=our_id)).first()
    status = _refund_status(refund.get("status"))
    if row is None:
        row = Refund(payment=payment, source=Refund.Source.EXTERNAL, created_at=timezone.now())
        row.amount_minor, row.status = int(refund["amount"]), Refund.Status.REQUESTED
    # Until Stripe confirms a refund, its status here is only assumed, so any status replaces it.
    if row.stripe_id is None or REFUND_RANK[status] >= REFUND_RANK[row.status]:
        row.status = status
    row.stripe_id = refund["id"]
    row.save()


def _review_foreign_currency(payment: Payment, report: dict[str, Any], kind: str) -> bool:
    """Request a review when a report is in another currency than its payment; return whether.

    The amount of such a report cannot be merged: 99900 JPY are not 999.00 CNY.
    """
    currency = str(report.get("currency") or payment.currency)
    if currency.upper() == payment.currency:
        return False
    state.request_review(payment, f"a {kind} is in {currency.upper()[:10]}")
    return True


def _refund_status(stripe_status: object) -> Refund.Status:
    """Return our status for Stripe's status of a refund; an unknown one counts as pending."""
    known = {status.value: status for status in Refund.Status}
    return known.get(str(stripe_status), Refund.Status.PENDING)


def merge_charge(payment: Payment, charge: dict[str, Any]) -> None:
    """Merge a charge: keep the largest refunded sum that it ever reported.

    After a refund has failed, that sum may hide a later refund, so reconciliation is made to list
    the refunds of the payment.
    """
    if _review_foreign_currency(payment, charge, "charge"):
        return
    refunded = int(charge.get("amount_refunded") or 0)
    payment.charge_refunded_minor = max(payment.charge_refunded_minor, refunded)
    payment.checked_at = None


def merge_dispute(payment: Payment, dispute: dict[str, Any], reported_at: datetime) -> None:
    """Merge a dispute; the latest report counts."""
    if _review_foreign_currency(payment, dispute, "dispute"):
        return
    row = Dispute.objects.filter(pk=dispute["id"]).first()
    status = str(dispute["status"])
    if row is None:
        row = Dispute(pk=dispute["id"], payment=payment)
    elif (reported_at, _dispute_stage(status)) < (row.reported_at, _dispute_stage(row.status)):
        return
    row.reported_at, row.status, row.amount_minor = reported_at, status, int(dispute["amount"])
    row.save()


def _dispute_stage(status: str) -> int:
    """Return how far a dispute is; of two reports of the same second the later stage counts."""
    return DISPUTE_STAGES.index(status) if status in DISPUTE_STAGES else 0
