"""Reconciliation: ask Stripe about payments and refunds whose events may have been lost."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from billing.models import Payment, Refund, StripeEvent
from billing.payments import checkout, state, stripe_client, stripe_events, stripe_updates
from billing.payments import refunds as payments_refunds

log = logging.getLogger(__name__)

# How long to wait for an event or an answer before asking Stripe.
RETRY_AFTER = timedelta(minutes=1)
# Stripe keeps idempotency keys for 24 hours; after this time a key is not used again.
STRIPE_KEY_LIFETIME = timedelta(hours=20)
PENDING_CHECK_INTERVAL = timedelta(minutes=10)
# A paid payment can be refunded or disputed this long; until then it is checked once a day.
REFUNDABLE_FOR = timedelta(days=180)
PAID_CHECK_INTERVAL = timedelta(days=1)
# How many rows of a kind one run handles; checks of paid payments are spread over many runs.
BATCH = 200
PAID_BATCH = 20


def reconcile() -> None:
    """Retry failed events and refunds, and check payments; one failure does not stop the others."""
    now = timezone.now()
    _close_checkouts_of_closed_accounts(now)
    _retry_events(now)
    _check_pending_payments(now)
    _check_paid_payments(now)
    _retry_refunds(now)


def _retry_events(now: datetime) -> None:
    known = Payment.objects.exclude(payment_intent="").values("payment_intent")
    unprocessed = Q(state__in=(StripeEvent.State.NEW, StripeEvent.State.ERROR))
    matched = Q(state=StripeEvent.State.UNMATCHED, payment_intent__in=known)
    events = StripeEvent.objects.filter(
        unprocessed | matched, received_at__lt=now - RETRY_AFTER
    ).order_by("received_at")
    for event in events[:BATCH]:
        stripe_events.process(event)


def _close_checkouts_of_closed_accounts(now: datetime) -> None:
    """End the checkouts that a closed or locked account has left open."""
    pending = Payment.objects.filter(
        _due_for_check(now),
        status=Payment.Status.PENDING,
        user__is_active=False,
        review_reason="",
    )
    for payment in pending[:BATCH]:
        Payment.objects.filter(pk=payment.pk).update(checked_at=now)
        _run_guarded(checkout.close, payment)


def _due_for_check(now: datetime) -> Q:
    """Pending payments of which Stripe was not asked for PENDING_CHECK_INTERVAL."""
    return Q(checked_at=None) | Q(checked_at__lt=now - PENDING_CHECK_INTERVAL)


def _check_pending_payments(now: datetime) -> None:
    pending = Payment.objects.filter(
        _due_for_check(now),
        status=Payment.Status.PENDING,
        review_reason="",
        created_at__lt=now - RETRY_AFTER,
    )
    for payment in pending[:BATCH]:
        _run_guarded(refresh, payment)


def _check_paid_payments(now: datetime) -> None:
    paid = Payment.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - PAID_CHECK_INTERVAL),
        is_paid=True,
        paid_at__gt=now - REFUNDABLE_FOR,
    ).exclude(payment_intent="")
    for payment in paid.order_by(F("checked_at").asc(nulls_first=True), "pk")[:PAID_BATCH]:
        _run_guarded(refresh_paid, payment)


def _retry_refunds(now: datetime) -> None:
    requested = Refund.objects.filter(
        Q(tried_at=None) | Q(tried_at__lt=now - RETRY_AFTER), status=Refund.Status.REQUESTED
    ).select_related("payment")
    for refund in requested[:BATCH]:
        _run_guarded(_resend_refund, refund)


def _run_guarded(step: Callable[[Any], object], row: Any) -> None:
    """Run a step on a row; log its failure and go on."""
    try:
        step(row)
    except Exception:  # the next run tries again
        log.exception("reconciling %r failed", row)


def refresh(payment: Payment) -> Payment:
    """Fetch a payment's session and refunds from Stripe, and merge them; return the payment.

    If Stripe does not answer, the payment is returned as it is.
    """
    Payment.objects.filter(pk=payment.pk).update(checked_at=timezone.now())
    try:
        if payment.session_id is None:
            if checkout.can_open(payment):
                return checkout.open_checkout(payment)
            return state.update_payment(
                payment.pk, lambda row: state.record_failure(row, "session_expired")
            )
        session = stripe_client.get_session(payment.session_id)
        refunds = (
            stripe_client.list_refunds(payment.payment_intent) if payment.payment_intent else []
        )
    except stripe_client.NotFound:
        return state.update_payment(payment.pk, stripe_updates.merge_unknown_session)
    except (stripe_client.StripeCallFailed, checkout.StripeUnavailable):
        log.warning("fetching payment %s from Stripe failed", payment.pk, exc_info=True)
        return payment

    def merge(row: Payment) -> None:
        stripe_updates.merge_session(row, session, timezone.now())
        for refund in refunds:
            stripe_updates.merge_refund(row, refund)

    return state.update_payment(payment.pk, merge, stripe_events.process_unmatched)


def refresh_paid(payment: Payment) -> Payment:
    """Fetch the refunds and disputes of a paid payment, and merge them; return the payment."""
    now = timezone.now()
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)
    try:
        refunds = stripe_client.list_refunds(payment.payment_intent)
        disputes, answered_at = stripe_client.list_disputes(payment.payment_intent)
    except stripe_client.StripeCallFailed:
        log.warning("fetching refunds of payment %s failed", payment.pk, exc_info=True)
        # The check is due again after PENDING_CHECK_INTERVAL instead of a day.
        soon = now - PAID_CHECK_INTERVAL + PENDING_CHECK_INTERVAL
        Payment.objects.filter(pk=payment.pk, checked_at=now).update(checked_at=soon)
        return payment

    def merge(row: Payment) -> None:
        for refund in refunds:
            stripe_updates.merge_refund(row, refund)
        for dispute in disputes:
            stripe_updates.merge_dispute(row, dispute, answered_at)

    return state.update_payment(payment.pk, merge)


def _resend_refund(refund: Refund) -> None:
    """Send a refund to Stripe again; once its key has expired, look for it at Stripe instead."""
    if timezone.now() - refund.created_at < STRIPE_KEY_LIFETIME:
        payments_refunds.send_to_stripe(refund)
        return
    try:
        listed = stripe_client.list_refunds(refund.payment.payment_intent)
    except stripe_client.StripeCallFailed:
        return

    def merge(row: Payment) -> None:
        payments_refunds.mark_refused(row, refund.pk)
        for one in listed:  # ours, if Stripe made it, and those of its dashboard
            stripe_updates.merge_refund(row, one)

    state.update_payment(refund.payment_id, merge)
