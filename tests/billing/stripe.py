"""What happens at Stripe, done at the sandbox: payers pay, merchants use their dashboard."""

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
from tests.billing import told


def pay(
    payment: Payment,
    outcome: Outcome = "pay",
    method: str = "card",
    email: str = "",
    *,
    tell: bool = True,
) -> Payment:
    """The payer pays on the hosted page, and unless told otherwise we hear of it."""
    with database.writing() as db:
        checkout.pay(db, str(payment.session_id), outcome, method, email)
    if tell:
        deliver()
    return told.now_of(payment)


def deliver() -> None:
    """Everything that is due happens and is delivered, until nothing is left."""
    deadline = time.monotonic() + 20
    while timers.run_due() + webhooks.deliver_due():
        assert time.monotonic() < deadline


def forget() -> None:
    """The events that wait are lost."""
    with database.writing() as db:
        db.connection.execute("DELETE FROM delivery")


def all_of(kind: str) -> list[Json]:
    with database.reading() as db:
        return list(db.oldest(kind))


def refund_by_hand(payment: Payment, amount: int | None = None) -> None:
    """A refund made in the dashboard."""
    asked: Json = {"payment_intent": payment.payment_intent}
    with database.writing() as db:
        refunds.create(db, asked if amount is None else {**asked, "amount": amount})


def dispute(payment: Payment) -> str:
    with database.writing() as db:
        charge = db.children("charge", payment.payment_intent)[0]
        made = disputes.open_dispute(db, charge["id"])
    assert made is not None
    return str(made["id"])


def step(dispute_id: str, word: str) -> None:
    with database.writing() as db:
        disputes.take_step(db, dispute_id, word)


def fault(route: str, *kinds: str) -> None:
    """The next calls of a route go wrong, the SDK's own retries included."""
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
def watched(patch: pytest.MonkeyPatch) -> Iterator[list[Call]]:
    """Every call that the SDK is asked for, the SDK's own retries left out."""
    seen: list[Call] = []
    request = StripeService._request

    def watch(self: StripeService, method: str, url: str, *words: Any, **names: Any) -> Any:
        parameters = names.get("params", words[0] if words else None)
        seen.append(Call(method, url, dict(parameters or {}), connection.in_atomic_block))
        return request(self, method, url, *words, **names)

    with patch.context() as inner:
        inner.setattr(StripeService, "_request", watch)
        yield seen


def bought(user: User, package: str = "trial") -> Payment:
    """A payment made and paid at the sandbox, whose event was received in this process."""
    payment = payments_checkout.create(user, package)
    pay(payment, tell=False)
    told.tell(told.event("checkout.session.completed", session_of(payment)))
    return told.now_of(payment)


def session_of(payment: Payment) -> Json:
    with database.reading() as db:
        return db.get("checkout.session", str(payment.session_id))


def keys_used() -> list[str]:
    """The idempotency keys of everything that was carried out, oldest first."""
    with database.reading() as db:
        rows = db.connection.execute("SELECT key FROM idempotent_response ORDER BY rowid")
        return [row["key"] for row in rows]
