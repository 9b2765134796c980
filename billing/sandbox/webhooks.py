"""Webhook deliveries: signed events, sent again until the receiver responses 2xx.

Source: docs.stripe.com/webhooks, "Verify webhook signatures manually"; the header is
`Stripe-Signature: t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" under the whole secret>`.
"""

import hashlib
import hmac
import json
import random
import sqlite3
import time
from collections.abc import Sequence

from django.conf import settings

from billing.sandbox import timers
from billing.sandbox.database import pace
from billing.sandbox.store import STORE
from config.lib.sandbox import deliveries

BACK_OFF_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 72_000)
TIMEOUT_SECONDS = 20
LEASE_SECONDS = 3 * TIMEOUT_SECONDS
BATCH_SIZE = 20


def deliver_due() -> int:
    """Run the timers that are due, then send the events that are due.

    Returns how many events were accepted. Cheap when nothing is due. Safe in several processes at
    once: each claims what it sends.
    """
    if not STORE.path().exists():
        return 0
    timers.run_due()
    if not settings.SANDBOX_STRIPE_WEBHOOK_URL:
        return 0
    with STORE.reading() as connection:
        due = connection.execute(
            "SELECT delivery.rowid, delivery.*, object.body FROM delivery"
            " JOIN object ON object.id = delivery.event"
            " WHERE due_at <= ? ORDER BY due_at, object.sequence LIMIT ?",
            (time.time(), BATCH_SIZE),
        ).fetchall()
        shuffled = connection.execute("SELECT 1 FROM switch WHERE name = 'shuffled'").fetchone()
    if shuffled:
        random.shuffle(due)
    return sum(deliveries.claim(STORE, row, LEASE_SECONDS) and _attempt(row) for row in due)


def resend(event_ids: Sequence[str], *, copies: int = 1, shuffled: bool = False) -> None:
    """Send events again now, in this order or in a random one."""
    order = list(event_ids)
    if shuffled:
        random.shuffle(order)
    now = time.time()
    with STORE.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO delivery (event, copies, due_at) VALUES (?, ?, ?)",
            [(event, copies, now + place / 1e6) for place, event in enumerate(order)],
        )


def signature(body: bytes, secret: str, at: int) -> str:
    """Return the Stripe-Signature header of a body."""
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _attempt(row: sqlite3.Row) -> bool:
    responses = [_post(row["event"], row["body"].encode()) for _ in range(row["copies"])]
    accepted = all(map(deliveries.is_accepted, responses))
    due_at = (
        None if accepted else deliveries.next_attempt_at(row["attempts"], BACK_OFF_SECONDS, pace())
    )
    with STORE.writing() as connection:
        connection.execute(
            "UPDATE delivery SET due_at = ?, response = ? WHERE event = ?",
            (due_at, responses[-1], row["event"]),
        )
        if accepted:
            body = {**json.loads(row["body"]), "pending_webhooks": 0}
            connection.execute(
                "UPDATE object SET body = ? WHERE id = ?", (json.dumps(body), row["event"])
            )
    return accepted


def _post(event_id: str, body: bytes) -> str:
    """Send one event and return the status of the answer, or why there was none."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (Firstlight sandbox)",
        "Stripe-Signature": signature(body, settings.STRIPE_WEBHOOK_SECRET, int(time.time())),
    }
    return deliveries.post(settings.SANDBOX_STRIPE_WEBHOOK_URL, headers, body, TIMEOUT_SECONDS)
