"""The life of a payment: the only writer of Payment, Refund, Dispute and StripeEvent.

    PENDING ──paid──► SUCCEEDED ──part of the money back──► PARTIAL_REFUNDED ──all──► REFUNDED
       │                  ▲  ◄──────────── a refund fails, a dispute is won ────────────┘
       └──expired, declined──► FAILED ──paid after all──► SUCCEEDED

What Stripe tells are facts that only grow (paid; refunds by id; the most a charge was refunded;
disputes by id), so they may come in any order and any number of times. After each, `_drive`
computes from all facts what the status and the ledger must be and takes them there.
Stripe is never called while a transaction is open. Lock order: the payment, then the user's
credits.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse
from django.utils import timezone

from billing import gateway, ledger, packages, reversals
from billing.models import Dispute, Payment, Refund, StripeEvent

log = logging.getLogger(__name__)

Status = Payment.Status

SESSION_LIFETIME = timedelta(hours=1)
# A refund whose answer was lost is asked for again this often; Stripe keeps keys for a day.
RETRY_AFTER = timedelta(minutes=1)
KEY_LIFETIME = timedelta(hours=20)
LOOK_AFTER = timedelta(minutes=10)
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
# Events that are acted on again when they come again.
UNSETTLED = (StripeEvent.State.NEW, StripeEvent.State.ERROR, StripeEvent.State.PARKED)
RANK = {
    "requested": 0,
    "pending": 1,
    "requires_action": 1,
    "succeeded": 2,
    "failed": 3,
    "canceled": 3,
}


class BadReturnUrl(Exception):
    """The address to come back to is not one of ours."""


class NotRefundable(Exception):
    """The payment has not that much left to refund; nothing was changed."""


class Unreachable(Exception):
    """Stripe did not answer; the payment waits and may be tried again."""


@dataclass(frozen=True)
class Outlook:
    """What a refund would do: credits taken from what is unspent, and what would be owed."""

    amount_minor: int
    credits: int
    from_balance: int
    owed: int


# ---- buying ----


def create(user: AbstractBaseUser, package_key: str, return_url: str = "") -> Payment:
    """Begin a purchase: its row, then its hosted checkout page.

    Raises packages.UnknownPackage or BadReturnUrl, then nothing is written; Unreachable when Stripe
    does not answer, then the payment stays pending and is not charged.
    """
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
    return open_checkout(payment)


def open_checkout(payment: Payment) -> Payment:
    """Have Stripe make the payment's checkout page; the same one however often it is asked."""
    try:
        made = gateway.create_session(checkout_order(payment), f"co:{payment.pk}")
    except gateway.Refused as error:
        log.exception("Stripe refused the checkout of payment %s", payment.pk)
        _update(payment.pk, lambda row: _fail(row, "create_failed"))
        raise Unreachable("The payment could not be prepared.") from error
    except gateway.NoAnswer as error:
        raise Unreachable("The payment page does not answer. Try again in a moment.") from error
    Payment.objects.filter(pk=payment.pk, session_id=None).update(
        session_id=made["id"], payment_url=made["url"] or ""
    )
    payment.refresh_from_db()
    return payment


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
        "allowed_payment_method_types": gateway.METHODS,
        "payment_method_options": {"wechat_pay": {"client": "web"}},
    }


def check_return_url(url: str) -> None:
    """Raises BadReturnUrl unless `url` is empty or a page of one of our own origins."""
    if not url:
        return
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadReturnUrl("return_url cannot be read.") from error
    origins = {settings.BASE_URL, *settings.FRONTEND_ORIGINS}
    # urlsplit drops some of these without a word, browsers read a backslash as a slash.
    strange = any(char <= " " or char in "\\\x7f" for char in url)
    if strange or f"{parts.scheme}://{parts.netloc}" not in origins:
        raise BadReturnUrl("return_url must be a page of this site.")


# ---- what Stripe tells ----


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
    if is_new or row.state in UNSETTLED:
        handle(row)
    return row


def handle(event: StripeEvent) -> None:
    """Act on a stored event; what fails is kept as an error and tried again by the beat."""
    try:
        with transaction.atomic():
            state, note = _act(event)
            event.state, event.note = state, note[:500]
            event.save(update_fields=["state", "note"])
    except Exception as error:  # the inbox row stays, and the beat tries again
        log.exception("event %s", event.pk)
        StripeEvent.objects.filter(pk=event.pk).update(
            state=StripeEvent.State.ERROR, note=repr(error)[:500]
        )


def _act(event: StripeEvent) -> tuple[StripeEvent.State, str]:
    act = ACTIONS.get(event.type)
    if act is None:
        return StripeEvent.State.IGNORED, ""
    payment = _payment_of(event)
    if payment is None:
        return StripeEvent.State.PARKED, "no payment of ours yet"
    if event.live != settings.STRIPE_LIVE:
        return StripeEvent.State.REVIEW, "live mode and test mode do not match"
    act(payment, event)
    _drive(payment)
    _unpark(payment, event)
    if payment.review:
        return StripeEvent.State.REVIEW, payment.review
    return StripeEvent.State.DONE, ""


def _payment_of(event: StripeEvent) -> Payment | None:
    """The payment an event speaks of, locked."""
    rows = Payment.objects.select_for_update()
    told = event.object
    named = told.get("client_reference_id") or (told.get("metadata") or {}).get("payment_id")
    if named and (pk := _uuid(named)):
        return rows.filter(pk=pk).first()
    if event.type.startswith("checkout.session."):
        return rows.filter(session_id=told.get("id")).first()
    intent = event.payment_intent
    return rows.filter(payment_intent=intent).first() if intent else None


def _unpark(payment: Payment, current: StripeEvent | None = None) -> None:
    """What came before we knew whose it was."""
    if not payment.payment_intent:
        return
    waiting = StripeEvent.objects.filter(
        payment_intent=payment.payment_intent,
        state=StripeEvent.State.PARKED,
        live=settings.STRIPE_LIVE,
    ).exclude(pk=current.pk if current else "")
    for event in waiting:
        ACTIONS[event.type](payment, event)
        event.state = StripeEvent.State.DONE
        event.save(update_fields=["state"])
        _drive(payment)


def _session_told(payment: Payment, event: StripeEvent) -> None:
    merge_session(payment, event.object, event.created_at)


def merge_session(payment: Payment, told: dict[str, Any], at: datetime) -> None:
    """Facts of a Checkout Session, from an event or fetched."""
    if payment.session_id and told.get("id") != payment.session_id:
        payment.review = "the session is not this payment's"
        return
    payment.session_id = payment.session_id or told.get("id")
    payment.payment_intent = payment.payment_intent or str(told.get("payment_intent") or "")
    if told.get("payment_status") == "paid":
        asked = (payment.amount_minor, payment.currency.lower())
        if (told.get("amount_total"), told.get("currency")) != asked:
            payment.review = "the amount or currency paid is not what was asked"
        elif not payment.is_paid:
            payment.is_paid, payment.paid_at = True, at
    elif told.get("payment_status") == "no_payment_required":
        payment.review = "Stripe asked for no payment"
    if told.get("status") == "expired":
        _fail(payment, "session_expired")


def _payment_failed(payment: Payment, event: StripeEvent) -> None:
    merge_session(payment, event.object, event.created_at)
    _fail(payment, "payment_failed")


def _fail(payment: Payment, code: str) -> None:
    payment.failure_code = payment.failure_code or code


def _refund_told(payment: Payment, event: StripeEvent) -> None:
    merge_refund(payment, event.object)


def merge_refund(payment: Payment, told: dict[str, Any]) -> None:
    """Facts of a refund, ours or one that was made in Stripe's dashboard."""
    ours = _uuid((told.get("metadata") or {}).get("refund_id"))
    row = payment.refunds.filter(Q(stripe_id=told["id"]) | Q(pk=ours)).first()
    status = {"requires_action": "pending"}.get(str(told["status"]), str(told["status"]))
    if row is None:
        row = Refund(payment=payment, source=Refund.Source.EXTERNAL, created_at=timezone.now())
        row.amount_minor, row.status = int(told["amount"]), Refund.Status.REQUESTED
    # What we wrote before Stripe knew the refund was only our guess.
    if row.stripe_id is None or RANK.get(status, 0) >= RANK[row.status]:
        row.status = Refund.Status(status)
    row.stripe_id = told["id"]
    row.save()


def _charge_refunded(payment: Payment, event: StripeEvent) -> None:
    told = int(event.object.get("amount_refunded") or 0)
    payment.charge_refunded_minor = max(payment.charge_refunded_minor, told)


def _dispute_told(payment: Payment, event: StripeEvent) -> None:
    told = event.object
    row = Dispute.objects.filter(pk=told["id"]).first()
    if row is None:
        row = Dispute(pk=told["id"], payment=payment, told_at=event.created_at)
        row.amount_minor, row.status = int(told["amount"]), str(told["status"])
    elif (event.created_at, _dispute_rank(told)) >= (row.told_at, _dispute_rank(vars(row))):
        row.told_at, row.status = event.created_at, str(told["status"])
        row.amount_minor = int(told["amount"])
    row.save()


def _dispute_rank(told: dict[str, Any]) -> int:
    """Of two words of the same second, the later one in a dispute's life counts."""
    status = str(told["status"])
    return DISPUTE_WORDS.index(status) if status in DISPUTE_WORDS else 0


ACTIONS: dict[str, Callable[[Payment, StripeEvent], None]] = {
    "checkout.session.completed": _session_told,
    "checkout.session.async_payment_succeeded": _session_told,
    "checkout.session.async_payment_failed": _payment_failed,
    "checkout.session.expired": _session_told,
    "refund.created": _refund_told,
    "refund.updated": _refund_told,
    "refund.failed": _refund_told,
    "charge.refund.updated": _refund_told,
    "charge.refunded": _charge_refunded,
    "charge.dispute.created": _dispute_told,
    "charge.dispute.updated": _dispute_told,
    "charge.dispute.closed": _dispute_told,
    "charge.dispute.funds_withdrawn": _dispute_told,
    "charge.dispute.funds_reinstated": _dispute_told,
}


def _intent_of(type: str, told: dict[str, Any]) -> str:
    intent = told.get("payment_intent") or ""
    return str(intent.get("id", "") if isinstance(intent, dict) else intent)[:255]


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


# ---- from the facts to the status and the ledger ----


def _drive(payment: Payment) -> None:
    """Take a locked payment and its credits to where all facts together say they must be."""
    payment.refunded_minor = _refunded(payment)
    disputed = payment.disputes.filter(status__in=TAKEN_BY_DISPUTE).aggregate(s=Sum("amount_minor"))
    payment.disputed_minor = min(disputed["s"] or 0, payment.amount_minor)
    payment.status = _status(payment)
    payment.save()
    if payment.is_paid and not payment.review:
        _grant(payment)
        reversals.reverse_to(grant_key(payment), credits_lost(payment, payment.refunded_minor))


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
    ledger.grant(
        payment.user,
        payment.credits,
        ledger.Kind.PURCHASED,
        grant_key(payment),
        expires_at=payment.paid_at + settings.PURCHASE_LIFETIME,
        purpose=ledger.Purpose("payment", str(payment.pk), payment.name),
    )


def grant_key(payment: Payment) -> str:
    return f"pay:{payment.pk}:grant"


def _update(pk: UUID, change: Callable[[Payment], None]) -> Payment:
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=pk)
        change(payment)
        _drive(payment)
        _unpark(payment)
    return payment


# ---- giving money back ----


def refundable_minor(payment: Payment) -> int:
    """What of a payment's money has not gone back."""
    return payment.amount_minor - payment.refunded_minor if payment.is_paid else 0


def _check_refundable(payment: Payment, amount_minor: int) -> None:
    if payment.review or not 0 < amount_minor <= refundable_minor(payment):
        raise NotRefundable("Cannot refund payment with current status")


def outlook(payment: Payment, amount_minor: int) -> Outlook:
    """What refunding `amount_minor` would do to the user's credits. Raises NotRefundable."""
    _check_refundable(payment, amount_minor)
    target = credits_lost(payment, payment.refunded_minor + amount_minor)
    taken, owed = reversals.outlook(grant_key(payment), target)
    lost = target - credits_lost(payment, payment.refunded_minor)
    return Outlook(amount_minor, lost, taken, owed)


def refund(
    payment: Payment,
    amount_minor: int | None,
    *,
    source: Refund.Source,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
    pk: UUID | None = None,
) -> Refund:
    """Give money back (all that is left, or a part) and take its credits, in two phases.

    The credits go first, with the refund's row; then Stripe is asked. If it refuses they come back;
    if it does not answer the beat asks again with the same key. `pk` names the refund: a repeat
    returns the first one.
    Raises NotRefundable; then nothing is written.
    """
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        if pk and (known := locked.refunds.filter(pk=pk).first()):
            return known
        wanted = refundable_minor(locked) if amount_minor is None else amount_minor
        _check_refundable(locked, wanted)
        row = locked.refunds.create(
            pk=pk or uuid4(),
            amount_minor=wanted,
            status=Refund.Status.REQUESTED,
            source=source,
            reason=reason[:500],
            actor_id=actor.pk if actor else None,
            created_at=timezone.now(),
        )
        _drive(locked)
    return send_refund(row)


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
        told = gateway.create_refund(order, f"rf:{row.pk}")
    except gateway.NoAnswer:
        log.warning("refund %s: no answer, will be asked for again", row.pk)
    except gateway.Refused as error:
        log.warning("refund %s refused: %s", row.pk, error)
        _update(payment.pk, lambda locked: _refund_refused(locked, row.pk))
    else:
        _update(payment.pk, lambda locked: merge_refund(locked, told))
    row.refresh_from_db()
    return row


def _refund_refused(payment: Payment, refund_id: UUID) -> None:
    payment.refunds.filter(pk=refund_id, stripe_id=None).update(status=Refund.Status.FAILED)


# ---- what was never told ----


def reconcile() -> None:
    """Ask Stripe about everything whose event may have been lost; each problem stands alone."""
    now = timezone.now()
    known = Payment.objects.exclude(payment_intent="").values("payment_intent")
    unsettled = Q(state__in=(StripeEvent.State.NEW, StripeEvent.State.ERROR))
    found = Q(state=StripeEvent.State.PARKED, payment_intent__in=known)
    for event in StripeEvent.objects.filter(
        unsettled | found, received_at__lt=now - RETRY_AFTER
    ).order_by("received_at")[:200]:
        handle(event)
    quiet = Q(checked_at=None) | Q(checked_at__lt=now - LOOK_AFTER)
    pending = Payment.objects.filter(quiet, status=Status.PENDING)
    for payment in pending.filter(created_at__lt=now - RETRY_AFTER)[:200]:
        _alone(look, payment)
    for refund in Refund.objects.filter(
        Q(tried_at=None) | Q(tried_at__lt=now - RETRY_AFTER), status=Refund.Status.REQUESTED
    ).select_related("payment")[:200]:
        _alone(_resend, refund)


def _alone(step: Callable[[Any], object], row: Any) -> None:
    """Take a step whose failure must not stop the others."""
    try:
        step(row)
    except Exception:  # logged, and the beat comes again
        log.exception("reconciling %r", row)


def look(payment: Payment) -> Payment:
    """Fetch a payment's session, and the refunds of its intent, and merge what they say."""
    Payment.objects.filter(pk=payment.pk).update(checked_at=timezone.now())
    try:
        if payment.session_id is None:
            if timezone.now() < payment.session_expires_at - timedelta(minutes=31):
                return open_checkout(payment)
            return _update(payment.pk, lambda row: _fail(row, "session_expired"))
        told = gateway.session(payment.session_id)
        refunds = gateway.refunds_of(payment.payment_intent) if payment.payment_intent else []
    except (gateway.GatewayError, Unreachable):
        log.warning("payment %s could not be looked up", payment.pk, exc_info=True)
        return payment

    def merge(row: Payment) -> None:
        merge_session(row, told, timezone.now())
        for refund in refunds:
            merge_refund(row, refund)

    return _update(payment.pk, merge)


def _resend(refund: Refund) -> None:
    """Within the life of Stripe's key the same request; later, look whether it was done."""
    if timezone.now() - refund.created_at < KEY_LIFETIME:
        send_refund(refund)
        return
    try:
        known = gateway.refunds_of(refund.payment.payment_intent)
    except gateway.GatewayError:
        return
    mine = [one for one in known if (one.get("metadata") or {}).get("refund_id") == str(refund.pk)]
    if mine:
        _update(refund.payment_id, lambda row: merge_refund(row, mine[0]))
    else:
        _update(refund.payment_id, lambda row: _refund_refused(row, refund.pk))


def settle(payment: Payment) -> Payment:
    """Take a payment's status and credits to where its facts say they must be; safe to repeat."""
    return _update(payment.pk, lambda row: None)
