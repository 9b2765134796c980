"""Stripe events: every verified event is stored first, then processed.

NEW ──► DONE        its facts were merged into its payment
 │ └──► UNMATCHED   its payment is not known yet; it is processed when the payment is
 │ └──► REVIEW      it does not match its payment; staff decide
 │ └──► IGNORED     we need no events of its type
 └────► ERROR       processing failed; reconciliation tries again
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.models import Payment, StripeEvent
from billing.payments import state as payments_state
from billing.payments import stripe_updates

log = logging.getLogger(__name__)

# Events in these states are processed when Stripe sends them again.
UNFINISHED = (StripeEvent.State.NEW, StripeEvent.State.ERROR, StripeEvent.State.UNMATCHED)


def receive(event: dict[str, Any]) -> StripeEvent:
    """Store a verified event, then process it; an event that is sent again is stored once."""
    content = event["data"]["object"]
    row, is_new = StripeEvent.objects.get_or_create(
        pk=event["id"],
        defaults={
            "type": event["type"],
            "created_at": datetime.fromtimestamp(event["created"], UTC),
            "received_at": timezone.now(),
            "live": event["livemode"],
            "api_version": event["api_version"],
            "payment_intent": _payment_intent_of(content),
            "object": content,
        },
    )
    if is_new or row.state in UNFINISHED:
        process(row)
    return row


def process(event: StripeEvent) -> None:
    """Process a stored event; if that fails, its state is ERROR and reconciliation tries again."""
    try:
        with transaction.atomic():
            state, note = _handle(event)
            event.state, event.note = state, note[:500]
            event.save(update_fields=["state", "note"])
    except Exception as error:  # the event stays stored, and reconciliation tries again
        log.exception("processing event %s failed", event.pk)
        StripeEvent.objects.filter(pk=event.pk).update(
            state=StripeEvent.State.ERROR, note=repr(error)[:500]
        )


def _handle(event: StripeEvent) -> tuple[StripeEvent.State, str]:
    """Merge an event into its payment; return the new state of the event and a note for staff."""
    handler = HANDLERS.get(event.type)
    if handler is None:
        return StripeEvent.State.IGNORED, ""
    payment = _lock_payment_of(event)
    if payment is None:
        return StripeEvent.State.UNMATCHED, "no payment of ours yet"
    if event.live != settings.STRIPE_LIVE:
        return StripeEvent.State.REVIEW, "live mode and test mode do not match"
    handler(payment, event)
    payments_state.apply_facts(payment)
    process_unmatched(payment, event)
    if payment.review_reason:
        return StripeEvent.State.REVIEW, payment.review_reason
    return StripeEvent.State.DONE, ""


def _lock_payment_of(event: StripeEvent) -> Payment | None:
    """Lock and return the payment that an event is about, or None if we have no such payment."""
    rows = Payment.objects.select_for_update()
    content = event.object
    payment_id = content.get("client_reference_id") or (content.get("metadata") or {}).get(
        "payment_id"
    )
    if payment_id and (pk := payments_state.parse_uuid(payment_id)):
        return rows.filter(pk=pk).first()
    if event.type.startswith("checkout.session."):
        return rows.filter(session_id=content.get("id")).first()
    intent = event.payment_intent
    return rows.filter(payment_intent=intent).first() if intent else None


def process_unmatched(payment: Payment, current: StripeEvent | None = None) -> None:
    """Process the events that arrived before we knew the payment intent of their payment."""
    if not payment.payment_intent:
        return
    waiting = StripeEvent.objects.filter(
        payment_intent=payment.payment_intent,
        state=StripeEvent.State.UNMATCHED,
        live=settings.STRIPE_LIVE,
    ).exclude(pk=current.pk if current else "")
    for event in waiting:
        try:
            with transaction.atomic():
                HANDLERS[event.type](payment, event)
        except Exception as error:  # an unreadable event must not keep the user from the credits
            log.exception("processing event %s failed", event.pk)
            event.state, event.note = StripeEvent.State.ERROR, repr(error)[:500]
        else:
            event.state = StripeEvent.State.DONE
        event.save(update_fields=["state", "note"])
        payments_state.apply_facts(payment)


def _session_changed(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_session(payment, event.object, event.created_at)


def _payment_failed(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_session(payment, event.object, event.created_at)
    payments_state.record_failure(payment, "payment_failed")


def _refund_changed(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_refund(payment, event.object)


def _charge_refunded(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_charge(payment, event.object)


def _dispute_changed(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_dispute(payment, event.object, event.created_at)


HANDLERS: dict[str, Callable[[Payment, StripeEvent], None]] = {
    "checkout.session.completed": _session_changed,
    "checkout.session.async_payment_succeeded": _session_changed,
    "checkout.session.async_payment_failed": _payment_failed,
    "checkout.session.expired": _session_changed,
    "refund.created": _refund_changed,
    "refund.updated": _refund_changed,
    "refund.failed": _refund_changed,
    "charge.refund.updated": _refund_changed,
    "charge.refunded": _charge_refunded,
    "charge.dispute.created": _dispute_changed,
    "charge.dispute.updated": _dispute_changed,
    "charge.dispute.closed": _dispute_changed,
    "charge.dispute.funds_withdrawn": _dispute_changed,
    "charge.dispute.funds_reinstated": _dispute_changed,
}


def _payment_intent_of(content: dict[str, Any]) -> str:
    """Return the id of the payment intent that an object names, expanded or not; "" if none."""
    intent = content.get("payment_intent") or ""
    return str(intent.get("id", "") if isinstance(intent, dict) else intent)[:255]
