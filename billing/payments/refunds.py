"""Payment refunds: give money back and take the credits it had paid for.

A refund is written down first, with its credits; then Stripe is asked, outside of any transaction.
Asking again is safe: the refund's id is the idempotency key at Stripe.
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
from billing.payments.state import apply_facts, credits_lost, grant_key, is_granted, update_payment
from billing.payments.stripe_updates import merge_refund
from config.lib import idempotency
from config.lib.idempotency import Outcome, RequestKey

log = logging.getLogger(__name__)


class NotRefundable(Exception):
    """The payment has less money left than the refund asks for; nothing was changed."""


@dataclass(frozen=True)
class RefundPreview:
    """What a refund would do: credits taken from the balance, and credits left owed."""

    amount_minor: int
    credits: int
    from_balance: int
    owed: int


@dataclass(frozen=True)
class RefundOrder:
    """A refund to make; an amount of None is all that is left of the payment."""

    amount_minor: int | None
    source: Refund.Source
    reason: str = ""
    actor: AbstractBaseUser | None = None


def refundable_minor(payment: Payment) -> int:
    """Return how much of a payment can still be refunded, in minor units."""
    return payment.amount_minor - payment.refunded_minor if payment.is_paid else 0


def _check_refundable(payment: Payment, amount_minor: int) -> None:
    waits = payment.review_reason and not is_granted(payment)
    if waits or not 0 < amount_minor <= refundable_minor(payment):
        raise NotRefundable(_("Cannot refund payment with current status"))


def preview(payment: Payment, amount_minor: int) -> RefundPreview:
    """Return what refunding `amount_minor` would do to the user's credits. Raises NotRefundable."""
    _check_refundable(payment, amount_minor)
    target = credits_lost(payment, payment.refunded_minor + amount_minor)
    taken, owed = clawbacks.preview(grant_key(payment), target)
    lost = target - credits_lost(payment, payment.refunded_minor)
    return RefundPreview(amount_minor, lost, taken, owed)


def refund(
    payment: Payment,
    amount_minor: int | None,
    *,
    source: Refund.Source,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
) -> Refund:
    """Refund a payment, as refund_once does for a request without a key."""
    return refund_once(payment, RefundOrder(amount_minor, source, reason, actor), None).result


def refund_once(
    payment: Payment, order: RefundOrder, request_key: RequestKey | None
) -> Outcome[Refund]:
    """Refund a payment and claw back its credits, in two steps.

    The refund is stored and its credits are clawed back in one transaction; then Stripe is asked.
    If Stripe refuses, the credits are returned; if it does not answer, reconciliation asks again.
    Raises NotRefundable or IdempotencyMismatch; then nothing is written.
    """

    @transaction.atomic
    def begin() -> Refund:
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        idempotency.check(request_key)  # an equal request may have had the lock before
        left = refundable_minor(locked)
        wanted = left if order.amount_minor is None else order.amount_minor
        _check_refundable(locked, wanted)
        before = credits_lost(locked, locked.refunded_minor)
        row = locked.refunds.create(
            amount_minor=wanted,
            status=Refund.Status.REQUESTED,
            source=order.source,
            reason=order.reason[:500],
            actor_id=order.actor.pk if order.actor else None,
            created_at=timezone.now(),
            credits=credits_lost(locked, locked.refunded_minor + wanted) - before,
        )
        idempotency.record(request_key, row)
        apply_facts(locked)
        return row

    outcome = idempotency.run(request_key, begin)
    return (
        outcome if outcome.is_replay else Outcome(send_to_stripe(outcome.result), is_replay=False)
    )


def send_to_stripe(row: Refund) -> Refund:
    """Ask Stripe to make a stored refund; safe to repeat."""
    payment = row.payment
    Refund.objects.filter(pk=row.pk).update(tried_at=timezone.now())
    order = {
        "payment_intent": payment.payment_intent,
        "amount": row.amount_minor,
        "metadata": {"refund_id": str(row.pk), "reason": row.reason[:500]},
    }
    try:
        told = stripe_client.create_refund(order, f"rf:{row.pk}")
    except stripe_client.NoAnswer:
        log.warning("refund %s: no answer, will be asked for again", row.pk)
    except stripe_client.RequestRefused as error:
        log.warning("refund %s refused: %s", row.pk, error)
        update_payment(payment.pk, lambda locked: mark_refused(locked, row.pk))
    else:
        update_payment(payment.pk, lambda locked: merge_refund(locked, told))
    row.refresh_from_db()
    return row


def mark_refused(payment: Payment, refund_id: UUID) -> None:
    """Mark a refund as failed that Stripe refused and does not know."""
    payment.refunds.filter(pk=refund_id, stripe_id=None).update(status=Refund.Status.FAILED)
