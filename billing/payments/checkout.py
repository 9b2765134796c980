"""Buying credits and giving the money back: what we ask of Stripe.

A payment and a refund are rows first, then Stripe is asked, never while a transaction is open; what
it answers are facts for billing.payments.state. Asking again
is safe: every request has its own key there.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.ledger import clawbacks
from billing.models import Payment, Refund
from billing.payments import packages, stripe_client
from billing.payments.state import (
    change,
    credits_lost,
    drive,
    fail,
    grant_key,
    is_granted,
    merge_opened,
    merge_refund,
)
from config.lib import idempotency
from config.lib.idempotency import Outcome, RequestKey

log = logging.getLogger(__name__)

SESSION_LIFETIME = timedelta(hours=1)
SHORTEST_SESSION = timedelta(minutes=31)


class BadReturnUrl(Exception):
    """The address to come back to is not one of ours."""


class NotRefundable(Exception):
    """The payment has not that much left to refund; nothing was changed."""


class AlreadyDecided(Exception):
    """The question is not open any more; nothing was changed."""


class Unreachable(Exception):
    """Stripe did not answer; the payment waits and may be tried again."""


@dataclass(frozen=True)
class Outlook:
    """What a refund would do: credits taken from what is unspent, and what would be owed."""

    amount_minor: int
    credits: int
    from_balance: int
    owed: int


@dataclass(frozen=True)
class Order:
    """A refund that is wished for; no amount is all that is left."""

    amount_minor: int | None
    source: Refund.Source
    reason: str = ""
    actor: AbstractBaseUser | None = None


# ---- buying ----


def create(user: AbstractBaseUser, package_key: str, return_url: str = "") -> Payment:
    """Begin a purchase, as create_once does for a request without a key."""
    return create_once(user, package_key, return_url, None).result


def create_once(
    user: AbstractBaseUser, package_key: str, return_url: str, request_key: RequestKey | None
) -> Outcome[Payment]:
    """Begin a purchase: its row, then its hosted checkout page.

    Raises packages.UnknownPackage, BadReturnUrl or IdempotencyMismatch, then nothing is written;
    Unreachable when Stripe does not answer, then the payment stays pending and is not charged.
    """

    @transaction.atomic
    def begin() -> Payment:
        package = packages.get(package_key)
        check_return_url(return_url)
        now = timezone.now()
        payment = Payment.objects.create(
            user_id=user.pk,
            package=package.key,
            name=package.name,
            credits=package.credits,
            amount_minor=package.price_minor,
            currency=package.currency,
            return_url=return_url,
            created_at=now,
            session_expires_at=now + SESSION_LIFETIME,
        )
        idempotency.record(request_key, payment)
        return payment

    outcome = idempotency.run(request_key, begin)
    payment = outcome.result
    if payment.session_id is None:
        if not can_open(payment):
            raise Unreachable(_("The payment could not be prepared."))
        payment = open_checkout(payment)
    return Outcome(payment, outcome.is_replay)


def can_open(payment: Payment) -> bool:
    """Whether a checkout page can still be made; Stripe wants half an hour of life for it."""
    in_time = timezone.now() < payment.session_expires_at - SHORTEST_SESSION
    return in_time and payment.status == Payment.Status.PENDING


def open_checkout(payment: Payment) -> Payment:
    """Have Stripe make the payment's checkout page; the same one however often it is asked."""
    try:
        made = stripe_client.create_session(checkout_order(payment), f"co:{payment.pk}")
    except stripe_client.Refused as error:
        log.exception("Stripe refused the checkout of payment %s", payment.pk)
        change(payment.pk, lambda row: fail(row, "create_failed"))
        raise Unreachable(_("The payment could not be prepared.")) from error
    except stripe_client.NoAnswer as error:
        raise Unreachable(_("The payment page does not answer. Try again in a moment.")) from error
    return change(payment.pk, lambda row: merge_opened(row, made))


def checkout_order(payment: Payment) -> dict[str, Any]:
    """What we send to Stripe; a pure function of the row, so that a retry sends the same."""
    back = settings.BASE_URL + reverse("checkout-return", args=[payment.pk])
    purpose = {"payment_id": str(payment.pk), "user_id": str(payment.user_id)}
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": payment.currency.lower(),
                    "unit_amount": payment.amount_minor,
                    "product_data": {"name": f"{payment.name}: {payment.credits} credits"},
                },
            }
        ],
        "client_reference_id": str(payment.pk),
        "metadata": purpose,
        "payment_intent_data": {"metadata": purpose},
        "success_url": back + "?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": back + "?cancelled=1",
        "expires_at": int(payment.session_expires_at.timestamp()),
        "adaptive_pricing": {"enabled": False},
        "allowed_payment_method_types": stripe_client.METHODS,
        "payment_method_options": {"wechat_pay": {"client": "web"}},
    }


def check_return_url(url: str) -> None:
    """Raises BadReturnUrl unless `url` is empty or a page of one of our own origins."""
    if not url:
        return
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadReturnUrl(_("return_url cannot be read.")) from error
    origins = {settings.BASE_URL, *settings.FRONTEND_ORIGINS}
    # urlsplit drops some of these without a word, browsers read a backslash as a slash.
    strange = any(char <= " " or char in "\\\x7f" for char in url)
    if strange or f"{parts.scheme}://{parts.netloc}" not in origins:
        raise BadReturnUrl(_("return_url must be a page of this site."))


# ---- what does not match ----


def accept(payment: Payment, question: str) -> Payment:
    """Staff take a payment under review as paid in full: it is granted.

    Raises AlreadyDecided unless `question` is what still stands there; then nothing is written.
    """

    def paid(row: Payment) -> None:
        _decide(row, question)
        if not row.is_paid:
            row.is_paid, row.paid_at = True, timezone.now()

    return change(payment.pk, paid)


def dismiss(payment: Payment, question: str) -> Payment:
    """Staff find that what did not match changes nothing: the other facts stand as they are.

    A payment that nobody paid is over. Raises AlreadyDecided; then nothing is written.
    """

    def closed(row: Payment) -> None:
        _decide(row, question)
        if not row.is_paid:
            fail(row, "not_accepted")

    return change(payment.pk, closed)


def _decide(payment: Payment, question: str) -> None:
    if not question or payment.review_reason != question:
        raise AlreadyDecided(_("Somebody has decided this meanwhile."))
    payment.reviewed_reasons = [*payment.reviewed_reasons, question]
    payment.review_reason = ""


# ---- giving money back ----


def refundable_minor(payment: Payment) -> int:
    """What of a payment's money has not gone back."""
    return payment.amount_minor - payment.refunded_minor if payment.is_paid else 0


def _check_refundable(payment: Payment, amount_minor: int) -> None:
    waits = payment.review_reason and not is_granted(payment)
    if waits or not 0 < amount_minor <= refundable_minor(payment):
        raise NotRefundable(_("Cannot refund payment with current status"))


def outlook(payment: Payment, amount_minor: int) -> Outlook:
    """What refunding `amount_minor` would do to the user's credits. Raises NotRefundable."""
    _check_refundable(payment, amount_minor)
    target = credits_lost(payment, payment.refunded_minor + amount_minor)
    taken, owed = clawbacks.preview(grant_key(payment), target)
    lost = target - credits_lost(payment, payment.refunded_minor)
    return Outlook(amount_minor, lost, taken, owed)


def refund(
    payment: Payment,
    amount_minor: int | None,
    *,
    source: Refund.Source,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
) -> Refund:
    """Give money back, as refund_once does for a request without a key."""
    return refund_once(payment, Order(amount_minor, source, reason, actor), None).result


def refund_once(payment: Payment, order: Order, request_key: RequestKey | None) -> Outcome[Refund]:
    """Give money back and take its credits, in two phases.

    The credits go first, with the refund's row; then Stripe is asked. If it refuses they come back;
    if it does not answer the beat asks again with the same key.
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
        drive(locked)
        return row

    outcome = idempotency.run(request_key, begin)
    return outcome if outcome.is_replay else Outcome(send_refund(outcome.result), is_replay=False)


def send_refund(row: Refund) -> Refund:
    """Ask Stripe for a refund that is written down; safe to repeat."""
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
    except stripe_client.Refused as error:
        log.warning("refund %s refused: %s", row.pk, error)
        change(payment.pk, lambda locked: refused(locked, row.pk))
    else:
        change(payment.pk, lambda locked: merge_refund(locked, told))
    row.refresh_from_db()
    return row


def refused(payment: Payment, refund_id: UUID) -> None:
    payment.refunds.filter(pk=refund_id, stripe_id=None).update(status=Refund.Status.FAILED)
