"""Payment refunds: return money of a payment and claw back the credits that it bought.

The refund is stored and its credits are clawed back first; then Stripe is called, outside of any
transaction. Repeating the call is safe: the refund's id is the idempotency key at Stripe.
"""

import logging
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.ledger import clawbacks
from billing.models import Payment, Refund
from billing.payments import stripe_client
from billing.payments.state import (
    apply_facts,
    clawback_target,
    grant_key,
    is_granted,
    update_payment,
)
from billing.payments.stripe_updates import merge_refund
from config.lib import idempotency
from config.lib.idempotency import Outcome, RequestKey

log = logging.getLogger(__name__)


class NotRefundable(Exception):
    """The payment is unpaid or under review, or less of it is left; nothing was changed."""


@dataclass(frozen=True)
class RefundPreview:
    """What a refund would do: `credits` to claw back, of which some leave a debt.

    `credits` - `from_balance` - `owed` have expired unspent.
    """

    amount_minor: int
    credits: int
    from_balance: int
    owed: int


@dataclass(frozen=True)
class RefundRequest:
    """A refund that is asked for; an amount of None is all that is left of the payment."""

    amount_minor: int | None
    source: Refund.Source
    reason: str = ""
    actor: AbstractBaseUser | None = None


def refundable_minor(payment: Payment) -> int:
    """Return how much of a payment can still be refunded, in minor units of its currency."""
    return payment.amount_minor - payment.refunded_minor if payment.is_paid else 0


def _check_refundable(payment: Payment, amount_minor: int) -> None:
    awaits_review = payment.review_reason and not is_granted(payment)
    if awaits_review or not 0 < amount_minor <= refundable_minor(payment):
        raise NotRefundable(_("Cannot refund payment with current status"))


def preview(payment: Payment, amount_minor: int) -> RefundPreview:
    """Return what refunding `amount_minor` would do to the user's credits. Raises NotRefundable."""
    _check_refundable(payment, amount_minor)
    target = clawback_target(payment, payment.refunded_minor + amount_minor)
    taken, owed = clawbacks.preview(grant_key(payment), target)
    credits = target - clawback_target(payment, payment.refunded_minor)
    return RefundPreview(amount_minor, credits, taken, owed)


def refund(
    payment: Payment,
    amount_minor: int | None,
    *,
    source: Refund.Source,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
) -> Refund:
    """Refund a payment without an idempotency key; see refund_once."""
    return refund_once(payment, RefundRequest(amount_minor, source, reason, actor), None).result


def refund_once(
    payment: Payment, request: RefundRequest, request_key: RequestKey | None
) -> Outcome[Refund]:
    """Refund a payment and claw back its credits.

    The refund is stored and the credits are clawed back in one transaction; then Stripe is called.
    If Stripe refuses, the credits are returned; if it does not answer, reconciliation calls again.
    Raises NotRefundable or IdempotencyMismatch; then nothing is written.
    """

    @transaction.atomic
    def begin() -> Refund:
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        idempotency.check(request_key)  # a request with the same key may have held the lock before
        left = refundable_minor(locked)
        amount_minor = left if request.amount_minor is None else request.amount_minor
        _check_refundable(locked, amount_minor)
        before = clawback_target(locked, locked.refunded_minor)
        row = locked.refunds.create(
            amount_minor=amount_minor,
            status=Refund.Status.REQUESTED,
            source=request.source,
            reason=request.reason[:500],
            actor_id=request.actor.pk if request.actor else None,
            created_at=timezone.now(),
            credits=clawback_target(locked, locked.refunded_minor + amount_minor) - before,
        )
        idempotency.record(request_key, row)
        apply_facts(locked)
        return row

    outcome = idempotency.run(request_key, begin)
    return (
        outcome if outcome.is_replay else Outcome(send_to_stripe(outcome.result), is_replay=False)
    )


def send_to_stripe(row: Refund) -> Refund:
    """Have Stripe make a stored refund; return it as it then is. Safe to repeat."""
    payment = row.payment
    Refund.objects.filter(pk=row.pk).update(tried_at=timezone.now())
    parameters = {
        "payment_intent": payment.payment_intent,
        "amount": row.amount_minor,
        "metadata": {"refund_id": str(row.pk), "reason": row.reason[:500]},
    }
    try:
        refund_data = stripe_client.create_refund(parameters, f"rf:{row.pk}")
    except stripe_client.NoAnswer:
        log.warning("Stripe did not answer about refund %s; it is sent again later", row.pk)
    except stripe_client.RequestRefused as error:
        log.warning("Stripe refused refund %s: %s", row.pk, error)
        _merge_refusal(row)
    else:
        update_payment(payment.pk, lambda locked: merge_refund(locked, refund_data))
    row.refresh_from_db()
    return row


def _merge_refusal(row: Refund) -> None:
    """Mark a refund as failed, together with the refunds for which Stripe refused it.

    Stripe refuses what was refunded before, in its dashboard for example. Without those refunds the
    credits would be returned although the money is gone.
    """
    payment = row.payment
    try:
        listed = stripe_client.list_refunds(payment.payment_intent)
    except stripe_client.StripeCallFailed:
        listed = []
        log.warning("fetching the refunds of payment %s failed", payment.pk, exc_info=True)

    def merge(locked: Payment) -> None:
        mark_refused(locked, row.pk)
        for refund_data in listed:
            merge_refund(locked, refund_data)
        if not listed:
            locked.checked_at = None  # reconciliation fetches them next

    update_payment(payment.pk, merge)


def mark_refused(payment: Payment, refund_id: UUID) -> None:
    """Mark a refund as failed if Stripe never accepted it."""
    payment.refunds.filter(pk=refund_id, stripe_id=None).update(status=Refund.Status.FAILED)
