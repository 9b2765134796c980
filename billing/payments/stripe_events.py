"""The inbox: every verified event of Stripe's is stored first, then acted on.

NEW ──► DONE        its facts are merged
 │ └──► PARKED      whose it is is not known yet; done when the payment is
 │ └──► REVIEW      it does not match; for staff
 │ └──► IGNORED     nothing of ours
 └────► ERROR       tried again by the beat
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

# Events that are acted on again when they come again.
UNFINISHED = (StripeEvent.State.NEW, StripeEvent.State.ERROR, StripeEvent.State.UNMATCHED)


def receive(event: dict[str, Any]) -> StripeEvent:
    """Store a verified event, then act on it; a repeat is stored and acted on once."""
    told = event["data"]["object"]
    row, is_new = StripeEvent.objects.get_or_create(
        pk=event["id"],
        defaults={
            "type": event["type"],
            "created_at": datetime.fromtimestamp(event["created"], UTC),
            "received_at": timezone.now(),
            "live": event["livemode"],
            "api_version": event["api_version"],
            "payment_intent": _intent_of(event["type"], told),
            "object": told,
        },
    )
    if is_new or row.state in UNFINISHED:
        process(row)
    return row


def process(event: StripeEvent) -> None:
    """Act on a stored event; what fails is kept as an error and tried again by the beat."""
    try:
        with transaction.atomic():
            state, note = _merge(event)
            event.state, event.note = state, note[:500]
            event.save(update_fields=["state", "note"])
    except Exception as error:  # the inbox row stays, and the beat tries again
        log.exception("event %s", event.pk)
        StripeEvent.objects.filter(pk=event.pk).update(
            state=StripeEvent.State.ERROR, note=repr(error)[:500]
        )


def _merge(event: StripeEvent) -> tuple[StripeEvent.State, str]:
    act = HANDLERS.get(event.type)
    if act is None:
        return StripeEvent.State.IGNORED, ""
    payment = _payment_of(event)
    if payment is None:
        return StripeEvent.State.UNMATCHED, "no payment of ours yet"
    if event.live != settings.STRIPE_LIVE:
        return StripeEvent.State.REVIEW, "live mode and test mode do not match"
    act(payment, event)
    payments_state.apply_facts(payment)
    process_unmatched(payment, event)
    if payment.review_reason:
        return StripeEvent.State.REVIEW, payment.review_reason
    return StripeEvent.State.DONE, ""


def _payment_of(event: StripeEvent) -> Payment | None:
    """The payment an event speaks of, locked."""
    rows = Payment.objects.select_for_update()
    told = event.object
    named = told.get("client_reference_id") or (told.get("metadata") or {}).get("payment_id")
    if named and (pk := payments_state.parse_uuid(named)):
        return rows.filter(pk=pk).first()
    if event.type.startswith("checkout.session."):
        return rows.filter(session_id=told.get("id")).first()
    intent = event.payment_intent
    return rows.filter(payment_intent=intent).first() if intent else None


def process_unmatched(payment: Payment, current: StripeEvent | None = None) -> None:
    """What came before we knew whose it was."""
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
        except Exception as error:  # what cannot be read must not keep a payment from its credits
            log.exception("event %s", event.pk)
            event.state, event.note = StripeEvent.State.ERROR, repr(error)[:500]
        else:
            event.state = StripeEvent.State.DONE
        event.save(update_fields=["state", "note"])
        payments_state.apply_facts(payment)


def _session_changed(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_session(payment, event.object, event.created_at)


def _payment_failed(payment: Payment, event: StripeEvent) -> None:
    stripe_updates.merge_session(payment, event.object, event.created_at)
    payments_state.fail(payment, "payment_failed")


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


def _intent_of(type: str, told: dict[str, Any]) -> str:
    intent = told.get("payment_intent") or ""
    return str(intent.get("id", "") if isinstance(intent, dict) else intent)[:255]
