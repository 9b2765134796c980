"""What Stripe tells, as small events with every field that is read; and payments to tell it of."""

import hashlib
import hmac
import json
import time
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits as ledger_credits
from billing.models import Entry, Payment, StripeEvent
from billing.payments import checkout, packages, stripe_events

Told = dict[str, Any]
_numbers = count(1)


def order(user: User, package: str = "trial", **fields: Any) -> Payment:
    """A payment whose checkout page is open, without a word to Stripe."""
    sold = packages.get(package)
    now = timezone.now()
    row = {
        "package": sold.key,
        "name": sold.name,
        "credits": sold.credits,
        "amount_minor": sold.price_minor,
        "currency": sold.currency,
        "session_id": f"cs_{next(_numbers)}",
        "created_at": now,
        "session_expires_at": now + checkout.SESSION_LIFETIME,
    }
    return Payment.objects.create(user=user, **{**row, **fields})


def bought(user: User, package: str = "trial") -> Payment:
    """A payment that has been paid and granted."""
    payment = order(user, package)
    tell(completed(payment))
    return now_of(payment)


def intent(payment: Payment) -> str:
    return f"pi_{payment.pk.hex}"


def event(type: str, told: Told, **fields: Any) -> Told:
    """An event of a type about an object, as it stands in the webhook's body."""
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "type": type,
        "data": {"object": told},
        **fields,
    }


def session(payment: Payment, **fields: Any) -> Told:
    return {
        "id": payment.session_id,
        "object": "checkout.session",
        "client_reference_id": str(payment.pk),
        "metadata": {"payment_id": str(payment.pk)},
        "payment_intent": intent(payment),
        "payment_status": "paid",
        "status": "complete",
        "amount_total": payment.amount_minor,
        "currency": payment.currency.lower(),
        **fields,
    }


def completed(payment: Payment, **fields: Any) -> Told:
    return event("checkout.session.completed", session(payment, **fields))


def expired(payment: Payment) -> Told:
    gone = session(payment, payment_status="unpaid", status="expired", payment_intent=None)
    return event("checkout.session.expired", gone)


def refunded(
    payment: Payment, amount: int, status: str = "succeeded", *, id: str = "", **metadata: str
) -> Told:
    """A refund as the dashboard makes it, or with `refund_id` as we do."""
    kind = {"succeeded": "refund.updated", "failed": "refund.failed"}.get(status, "refund.created")
    told = {
        "id": id or f"re_{payment.pk.hex}",
        "object": "refund",
        "amount": amount,
        "status": status,
        "payment_intent": intent(payment),
        "metadata": metadata,
    }
    return event(kind, told)


def charge_refunded(payment: Payment, amount: int) -> Told:
    """What the charge says: everything that has gone back so far."""
    told = {
        "id": f"ch_{payment.pk.hex}",
        "object": "charge",
        "amount_refunded": amount,
        "payment_intent": intent(payment),
        "metadata": {"payment_id": str(payment.pk)},
    }
    return event("charge.refunded", told)


def disputed(payment: Payment, status: str, amount: int | None = None) -> Told:
    closed = status in {"won", "lost", "warning_closed"}
    told = {
        "id": f"du_{payment.pk.hex}",
        "object": "dispute",
        "amount": payment.amount_minor if amount is None else amount,
        "status": status,
        "payment_intent": intent(payment),
        "metadata": {},
    }
    return event(f"charge.dispute.{'closed' if closed else 'updated'}", told)


def tell(*events: Told) -> list[str]:
    """Deliver events past the door; returns what became of each."""
    return [receive(each).state for each in events]


def receive(told: Told) -> StripeEvent:
    known = {name: deepcopy(told[name]) for name in ("id", "type", "created", "livemode", "data")}
    return stripe_events.receive({**known, "api_version": told["api_version"]})


def signed(body: bytes, at: float | None = None, secret: str = "") -> str:
    """The Stripe-Signature header of a body."""
    stamp = int(time.time() if at is None else at)
    key = (secret or settings.STRIPE_WEBHOOK_SECRET).encode()
    return f"t={stamp},v1={hmac.new(key, b'%d.' % stamp + body, hashlib.sha256).hexdigest()}"


def body_of(told: Told) -> bytes:
    return json.dumps(told).encode()


def now_of(payment: Payment) -> Payment:
    """The payment as it is stored now."""
    return Payment.objects.get(pk=payment.pk)


@dataclass(frozen=True)
class Standing:
    """Where a payment and its user's credits stand, without how they came there."""

    status: str
    refunded_minor: int
    credits: int
    owed: int
    reversed: int
    grants: int


def standing(payment: Payment) -> Standing:
    now = now_of(payment)
    summary = ledger_credits.summary(now.user)
    net = Counter(ledger_credits.history(now.user).values_list("type", flat=True))
    return Standing(
        status=now.status,
        refunded_minor=now.refunded_minor,
        credits=summary.available,
        owed=summary.owed,
        reversed=summary.total_clawed_back,
        grants=net[Entry.Type.PURCHASED],
    )


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
