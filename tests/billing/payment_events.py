"""Stripe's events with every field that we read, and payments for them."""

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
from billing.payments import packages, stripe_events

StripeJson = dict[str, Any]
_numbers = count(1)


def create_payment(user: User, package: str = "trial", **fields: Any) -> Payment:
    """Create a payment with an open checkout, without calling Stripe."""
    package_on_sale = packages.get(package)
    now = timezone.now()
    row = {
        "package": package_on_sale.key,
        "name": package_on_sale.name,
        "credits": package_on_sale.credits,
        "amount_minor": package_on_sale.price_minor,
        "currency": package_on_sale.currency,
        "session_id": f"cs_{next(_numbers)}",
        "created_at": now,
        "session_expires_at": now + settings.CHECKOUT_LIFETIME,
    }
    return Payment.objects.create(user=user, **{**row, **fields})


def create_paid_payment(user: User, package: str = "trial") -> Payment:
    """Create a payment that is paid and granted."""
    payment = create_payment(user, package)
    deliver(checkout_completed(payment))
    return reload(payment)


def payment_intent_id(payment: Payment) -> str:
    return f"pi_{payment.pk.hex}"


def stripe_event(type: str, content: StripeJson, **fields: Any) -> StripeJson:
    """Return an event about an object, as it stands in the body of the webhook."""
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "type": type,
        "data": {"object": content},
        **fields,
    }


def checkout_session(payment: Payment, **fields: Any) -> StripeJson:
    return {
        "id": payment.session_id,
        "object": "checkout.session",
        "client_reference_id": str(payment.pk),
        "metadata": {"payment_id": str(payment.pk)},
        "payment_intent": payment_intent_id(payment),
        "payment_status": "paid",
        "status": "complete",
        "amount_total": payment.amount_minor,
        "currency": payment.currency.lower(),
        **fields,
    }


def checkout_completed(payment: Payment, **fields: Any) -> StripeJson:
    return stripe_event("checkout.session.completed", checkout_session(payment, **fields))


def checkout_expired(payment: Payment) -> StripeJson:
    gone = checkout_session(payment, payment_status="unpaid", status="expired", payment_intent=None)
    return stripe_event("checkout.session.expired", gone)


def refund_event(
    payment: Payment, amount: int, status: str = "succeeded", *, id: str = "", **metadata: str
) -> StripeJson:
    """Return an event about a refund: of the dashboard, or ours with `refund_id`."""
    kind = {"succeeded": "refund.updated", "failed": "refund.failed"}.get(status, "refund.created")
    content = {
        "id": id or f"re_{payment.pk.hex}",
        "object": "refund",
        "amount": amount,
        "status": status,
        "payment_intent": payment_intent_id(payment),
        "metadata": metadata,
    }
    return stripe_event(kind, content)


def charge_refunded_event(payment: Payment, amount: int) -> StripeJson:
    """Return an event about the charge, with the sum that was refunded so far."""
    content = {
        "id": f"ch_{payment.pk.hex}",
        "object": "charge",
        "amount_refunded": amount,
        "payment_intent": payment_intent_id(payment),
        "metadata": {"payment_id": str(payment.pk)},
    }
    return stripe_event("charge.refunded", content)


def dispute_event(payment: Payment, status: str, amount: int | None = None) -> StripeJson:
    closed = status in {"won", "lost", "warning_closed"}
    content = {
        "id": f"du_{payment.pk.hex}",
        "object": "dispute",
        "amount": payment.amount_minor if amount is None else amount,
        "status": status,
        "payment_intent": payment_intent_id(payment),
        "metadata": {},
    }
    return stripe_event(f"charge.dispute.{'closed' if closed else 'updated'}", content)


def deliver(*events: StripeJson) -> list[str]:
    """Process events without the webhook; return the state of each."""
    return [receive(each).state for each in events]


def receive(event: StripeJson) -> StripeEvent:
    known = {name: deepcopy(event[name]) for name in ("id", "type", "created", "livemode", "data")}
    return stripe_events.receive({**known, "api_version": event["api_version"]})


def signature_header(body: bytes, at: float | None = None, secret: str = "") -> str:
    """Return the Stripe-Signature header of a body."""
    stamp = int(time.time() if at is None else at)
    key = (secret or settings.STRIPE_WEBHOOK_SECRET).encode()
    return f"t={stamp},v1={hmac.new(key, b'%d.' % stamp + body, hashlib.sha256).hexdigest()}"


def encode(content: StripeJson) -> bytes:
    return json.dumps(content).encode()


def reload(payment: Payment) -> Payment:
    """Return the payment as it is stored now."""
    return Payment.objects.get(pk=payment.pk)


@dataclass(frozen=True)
class PaymentState:
    """The state of a payment and of its user's credits."""

    status: str
    refunded_minor: int
    credits: int
    owed: int
    clawed_back: int
    grants: int


def payment_state(payment: Payment) -> PaymentState:
    now = reload(payment)
    summary = ledger_credits.summary(now.user)
    net = Counter(ledger_credits.history(now.user).values_list("type", flat=True))
    return PaymentState(
        status=now.status,
        refunded_minor=now.refunded_minor,
        credits=summary.available,
        owed=summary.owed,
        clawed_back=summary.total_clawed_back,
        grants=net[Entry.Type.PURCHASED],
    )


def from_timestamp(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
