"""Asking Stripe about everything whose event may have been lost."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from billing.models import Payment, Refund, StripeEvent
from billing.payments import checkout, state, stripe_client, stripe_events, stripe_updates
from billing.payments import refunds as payments_refunds

log = logging.getLogger(__name__)

# A refund whose answer was lost is asked for again this often; Stripe keeps keys for a day.
RETRY_AFTER = timedelta(minutes=1)
KEY_LIFETIME = timedelta(hours=20)
LOOK_AFTER = timedelta(minutes=10)
# Money can go back this long after a payment; each is looked at once a day, a few at a time.
REFUNDABLE_FOR = timedelta(days=180)
RECHECK_AFTER = timedelta(days=1)
BATCH = 20


def reconcile() -> None:
    """Ask Stripe about everything whose event may have been lost; each problem stands alone."""
    now = timezone.now()
    known = Payment.objects.exclude(payment_intent="").values("payment_intent")
    unsettled = Q(state__in=(StripeEvent.State.NEW, StripeEvent.State.ERROR))
    found = Q(state=StripeEvent.State.UNMATCHED, payment_intent__in=known)
    for event in StripeEvent.objects.filter(
        unsettled | found, received_at__lt=now - RETRY_AFTER
    ).order_by("received_at")[:200]:
        stripe_events.process(event)
    quiet = Q(checked_at=None) | Q(checked_at__lt=now - LOOK_AFTER)
    pending = Payment.objects.filter(quiet, status=Payment.Status.PENDING, review_reason="")
    for payment in pending.filter(created_at__lt=now - RETRY_AFTER)[:200]:
        _run_guarded(refresh, payment)
    paid = Payment.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - RECHECK_AFTER),
        is_paid=True,
        paid_at__gt=now - REFUNDABLE_FOR,
    ).exclude(payment_intent="")
    for payment in paid.order_by(F("checked_at").asc(nulls_first=True), "pk")[:BATCH]:
        _run_guarded(refresh_paid, payment)
    for refund in Refund.objects.filter(
        Q(tried_at=None) | Q(tried_at__lt=now - RETRY_AFTER), status=Refund.Status.REQUESTED
    ).select_related("payment")[:200]:
        _run_guarded(_resend_refund, refund)


def _run_guarded(step: Callable[[Any], object], row: Any) -> None:
    """Take a step whose failure must not stop the others."""
    try:
        step(row)
    except Exception:  # logged, and the beat comes again
        log.exception("reconciling %r", row)


def refresh(payment: Payment) -> Payment:
    """Fetch a payment's session, and the refunds of its intent, and merge what they say."""
    Payment.objects.filter(pk=payment.pk).update(checked_at=timezone.now())
    try:
        if payment.session_id is None:
            if checkout.can_open(payment):
                return checkout.open_checkout(payment)
            return state.update_payment(payment.pk, lambda row: state.fail(row, "session_expired"))
        told = stripe_client.get_session(payment.session_id)
        refunds = (
            stripe_client.list_refunds(payment.payment_intent) if payment.payment_intent else []
        )
    except stripe_client.NotFound:
        return state.update_payment(payment.pk, stripe_updates.merge_unknown_session)
    except (stripe_client.StripeCallFailed, checkout.StripeUnavailable):
        log.warning("payment %s could not be looked up", payment.pk, exc_info=True)
        return payment

    def merge(row: Payment) -> None:
        stripe_updates.merge_session(row, told, timezone.now())
        for refund in refunds:
            stripe_updates.merge_refund(row, refund)

    return state.update_payment(payment.pk, merge, stripe_events.process_unmatched)


def refresh_paid(payment: Payment) -> Payment:
    """Fetch what became of a paid payment's money: its refunds and disputes by their ids."""
    now = timezone.now()
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)
    try:
        refunds = stripe_client.list_refunds(payment.payment_intent)
        disputes = stripe_client.list_disputes(payment.payment_intent)
    except stripe_client.StripeCallFailed:
        log.warning("payment %s could not be checked again", payment.pk, exc_info=True)
        soon = now - RECHECK_AFTER + LOOK_AFTER
        Payment.objects.filter(pk=payment.pk, checked_at=now).update(checked_at=soon)
        return payment

    def merge(row: Payment) -> None:
        for refund in refunds:
            stripe_updates.merge_refund(row, refund)
        for dispute in disputes:
            stripe_updates.merge_dispute(row, dispute, now)

    return state.update_payment(payment.pk, merge)


def _resend_refund(refund: Refund) -> None:
    """Within the life of Stripe's key the same request; later, look whether it was done."""
    if timezone.now() - refund.created_at < KEY_LIFETIME:
        payments_refunds.send_to_stripe(refund)
        return
    try:
        known = stripe_client.list_refunds(refund.payment.payment_intent)
    except stripe_client.StripeCallFailed:
        return
    mine = [one for one in known if (one.get("metadata") or {}).get("refund_id") == str(refund.pk)]
    if mine:
        state.update_payment(
            refund.payment_id, lambda row: stripe_updates.merge_refund(row, mine[0])
        )
    else:
        state.update_payment(
            refund.payment_id, lambda row: payments_refunds.mark_refused(row, refund.pk)
        )
