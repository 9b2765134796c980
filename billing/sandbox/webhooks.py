"""Deliveries: signed snapshot events, repeated until accepted.

Source: docs.stripe.com/webhooks, "Verify webhook signatures manually"; the header is
`Stripe-Signature: t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" under the whole secret>`.
"""

import hashlib
import hmac
import http.client
import json
import logging
import random
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from billing.sandbox import scheduler, store
from billing.sandbox.database import pace

BACK_OFF_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 72_000)
TIMEOUT_SECONDS = 20
LEASE_SECONDS = 3 * TIMEOUT_SECONDS
AT_ONCE = 20

log = logging.getLogger(__name__)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


# No proxies and no redirects: an event goes where the settings say or nowhere.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def deliver_due() -> int:
    """Do what is due: let time pass for sessions and refunds, then send events.

    Returns how many events were accepted. Cheap when nothing is due. Safe in several processes at
    once: each claims what it sends.
    """
    if not store.path().exists():
        return 0
    scheduler.turn()
    if not settings.SANDBOX_STRIPE_WEBHOOK_URL:
        return 0
    with store.reading() as connection:
        due = connection.execute(
            "SELECT delivery.*, thing.body FROM delivery JOIN thing ON thing.id = delivery.event"
            " WHERE due_at <= ? ORDER BY due_at, thing.sequence LIMIT ?",
            (time.time(), AT_ONCE),
        ).fetchall()
        shuffled = connection.execute("SELECT 1 FROM switch WHERE name = 'shuffled'").fetchone()
    if shuffled:
        random.shuffle(due)
    return sum(_claim(row) and _attempt(row) for row in due)


def resend(event_ids: Sequence[str], *, copies: int = 1, shuffled: bool = False) -> None:
    """Send events again, now, in their order or in any other."""
    order = list(event_ids)
    if shuffled:
        random.shuffle(order)
    now = time.time()
    with store.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO delivery (event, copies, due_at) VALUES (?, ?, ?)",
            [(event, copies, now + place / 1e6) for place, event in enumerate(order)],
        )


def signature(body: bytes, secret: str, at: int) -> str:
    """Return the Stripe-Signature header of a body."""
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _claim(row: sqlite3.Row) -> bool:
    """Take one attempt of a delivery, so that no other process sends it meanwhile."""
    with store.writing() as connection:
        claimed = connection.execute(
            "UPDATE delivery SET due_at = ?, attempts = attempts + 1"
            " WHERE event = ? AND due_at = ?",
            (time.time() + LEASE_SECONDS, row["event"], row["due_at"]),
        )
    return claimed.rowcount == 1


def _attempt(row: sqlite3.Row) -> bool:
    answers = [_post(row["event"], row["body"].encode()) for _ in range(row["copies"])]
    accepted = all(answer.startswith("2") for answer in answers)
    earlier, due_at = row["attempts"], None
    if not accepted and earlier < len(BACK_OFF_SECONDS):
        due_at = time.time() + BACK_OFF_SECONDS[earlier] * pace()
    with store.writing() as connection:
        connection.execute(
            "UPDATE delivery SET due_at = ?, answer = ? WHERE event = ?",
            (due_at, answers[-1], row["event"]),
        )
        if accepted:
            body = {**json.loads(row["body"]), "pending_webhooks": 0}
            connection.execute(
                "UPDATE thing SET body = ? WHERE id = ?", (json.dumps(body), row["event"])
            )
    return accepted


def _post(event_id: str, body: bytes) -> str:
    """Send one event and return the status of the answer, or why there was none."""
    request = urllib.request.Request(  # noqa: S310 - the address is the developer's own setting
        settings.SANDBOX_STRIPE_WEBHOOK_URL,
        data=body,
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (Firstlight sandbox)",
            "Stripe-Signature": signature(body, settings.STRIPE_WEBHOOK_SECRET, int(time.time())),
        },
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        log.info("sandbox event %s was answered %s", event_id, error.code)
        return str(error.code)
    except (OSError, http.client.HTTPException) as error:
        log.info("sandbox event %s was not delivered: %s", event_id, error)
        return type(error).__name__
