"""What payers and merchants do at the sandbox Stripe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from stripe._stripe_service import StripeService

from accounts.models import User
from billing.models import Payment
from billing.payments import checkout as payments_checkout
from billing.sandbox import checkout, database, disputes, faults, refunds, timers, webhooks
from billing.sandbox.checkout import Outcome
from billing.sandbox.database import Json
from tests.billing import payment_events


def pay(
    payment: Payment,
    outcome: Outcome = "pay",
    method: str = "card",
    email: str = "",
    *,
    deliver: bool = True,
) -> Payment:
    """Pay on the checkout page; then deliver the events unless `deliver` is False."""
    with database.writing() as db:
        checkout.pay(db, str(payment.session_id), outcome, method, email)
    if deliver:
        deliver_events()
    return payment_events.reload(payment)


def deliver_events() -> None:
    """Run everything that is due and deliver its events, until nothing is left."""
    deadline = time.monotonic() + 20
    while timers.run_due() + webhooks.deliver_due():
        assert time.monotonic() < deadline


def discard_events() -> None:
    """Discard the events that are not delivered yet."""
    with database.writing() as db:
        db.connection.execute("DELETE FROM delivery")


def list_objects(kind: str) -> list[Json]:
    with database.reading() as db:
        return list(db.oldest(kind))


def refund_in_dashboard(payment: Payment, amount: int | None = None) -> None:
    """Refund a payment in Stripe's dashboard."""
    asked: Json = {"payment_intent": payment.payment_intent}
    with database.writing() as db:
        refunds.create(db, asked if amount is None else {**asked, "amount": amount})


def open_dispute(payment: Payment) -> str:
    with database.writing() as db:
        charge = db.children("charge", payment.payment_intent)[0]
        opened = disputes.open_dispute(db, charge["id"])
    assert opened is not None
    return str(opened["id"])


def advance_dispute(dispute_id: str, word: str) -> None:
    with database.writing() as db:
        disputes.take_step(db, dispute_id, word)


def fail_next_calls(route: str, *kinds: str) -> None:
    """Make the next calls of a route fail; the SDK's own retries count too."""
    for kind in kinds:
        faults.enqueue(route, kind)


@dataclass(frozen=True)
class Call:
    """A call to Stripe, and whether a database transaction was open."""

    method: str
    url: str
    parameters: dict[str, Any]
    in_transaction: bool


@contextmanager
def record_calls(patch: pytest.MonkeyPatch) -> Iterator[list[Call]]:
    """Record every call to the SDK, without the SDK's own retries."""
    seen: list[Call] = []
    request = StripeService._request

    def watch(self: StripeService, method: str, url: str, *words: Any, **names: Any) -> Any:
        parameters = names.get("params", words[0] if words else None)
        seen.append(Call(method, url, dict(parameters or {}), connection.in_atomic_block))
        return request(self, method, url, *words, **names)

    with patch.context() as inner:
        inner.setattr(StripeService, "_request", watch)
        yield seen


def create_paid_payment(user: User, package: str = "trial") -> Payment:
    """Create a payment, pay it at the sandbox, and process its event in this process."""
    payment = payments_checkout.create(user, package)
    pay(payment, deliver=False)
    payment_events.deliver(
        payment_events.stripe_event("checkout.session.completed", get_session(payment))
    )
    return payment_events.reload(payment)


def get_session(payment: Payment) -> Json:
    with database.reading() as db:
        return db.get("checkout.session", str(payment.session_id))


def used_idempotency_keys() -> list[str]:
    """Return the idempotency keys of all requests that were carried out, oldest first."""
    with database.reading() as db:
        rows = db.connection.execute("SELECT key FROM idempotent_response ORDER BY rowid")
        return [row["key"] for row in rows]
