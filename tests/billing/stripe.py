"""What happens at Stripe, done at the sandbox: payers pay, merchants use their dashboard."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from billing.models import Payment
from billing.payments import stripe_client
from billing.sandbox import checkout, database, disputes, faults, refunds, scheduler, webhooks
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
    with database.writing() as desk:
        checkout.pay(desk, str(payment.session_id), outcome, method, email)
    if tell:
        deliver()
    return told.now_of(payment)


def deliver() -> None:
    """Everything that is due happens and is delivered, until nothing is left."""
    deadline = time.monotonic() + 20
    while scheduler.turn() + webhooks.deliver_due():
        assert time.monotonic() < deadline


def forget() -> None:
    """The events that wait are lost."""
    with database.writing() as desk:
        desk.connection.execute("DELETE FROM delivery")


def all_of(kind: str) -> list[Json]:
    with database.reading() as desk:
        return list(desk.oldest(kind))


def refund_by_hand(payment: Payment, amount: int | None = None) -> None:
    """A refund made in the dashboard."""
    asked: Json = {"payment_intent": payment.payment_intent}
    with database.writing() as desk:
        refunds.create(desk, asked if amount is None else {**asked, "amount": amount})


def dispute(payment: Payment) -> str:
    with database.writing() as desk:
        charge = desk.children("charge", payment.payment_intent)[0]
        made = disputes.open_(desk, charge["id"])
    assert made is not None
    return str(made["id"])


def step(dispute_id: str, word: str) -> None:
    with database.writing() as desk:
        disputes.move(desk, dispute_id, word)


def fault(route: str, *kinds: str) -> None:
    """The next calls of a route go wrong, the SDK's own retries included."""
    for kind in kinds:
        faults.next(route, kind)


@contextmanager
def watched(patch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Whether a transaction was open, for every call to Stripe."""
    seen: list[bool] = []
    client = stripe_client.client

    def watch() -> Any:
        seen.append(connection.in_atomic_block)
        return client()

    with patch.context() as inner:
        inner.setattr(stripe_client, "client", watch)
        yield seen
