"""The queue of the sandbox engine's webhook deliveries: one row for each job's event."""

import json
import sqlite3
import time
from typing import Any, Protocol

from config.lib.sandbox import deliveries as queue
from videos.sandbox.jobs import records, status
from videos.sandbox.store import STORE

BACK_OFF_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 72_000, 108_000)
TIMEOUT_SECONDS = 10
LEASE_SECONDS = 3 * TIMEOUT_SECONDS
RECHECK_SECONDS = 0.25


class Sender(Protocol):
    """What a webhook format offers: the payload of a delivery, and sending it signed."""

    def payload(self, delivery: sqlite3.Row) -> dict[str, Any]: ...

    def send(self, delivery: sqlite3.Row, body: str, *, forged: bool = False) -> bool: ...


def deliver_early(job_id: str, sender: Sender) -> None:
    """Send a job's event before the job has ended and before its create request is answered."""
    with STORE.reading() as connection:
        delivery = connection.execute(
            "SELECT rowid, * FROM delivery WHERE job_id = ?", (job_id,)
        ).fetchone()
    if delivery is not None and queue.claim(STORE, delivery, LEASE_SECONDS):
        _attempt(delivery, sender)


def deliver(delivery: sqlite3.Row, sender: Sender) -> bool:
    """Send a due delivery once its job has ended; return whether the receiver accepted it."""
    job = records.find(delivery["job_id"])
    if job is None:
        _set_due(delivery["id"], None)
        return False
    _, stage = status.observe(job)
    if stage.status in ("queued", "in_progress") and delivery["fault"] != "early":
        _set_due(delivery["id"], time.time() + RECHECK_SECONDS)
        return False
    return queue.claim(STORE, delivery, LEASE_SECONDS) and _attempt(delivery, sender)


def post(url: str, headers: dict[str, str], body: str) -> bool:
    """POST an event and return whether the receiver answered 2xx."""
    sent = {"Content-Type": "application/json", "User-Agent": "Firstlight-Sandbox", **headers}
    return queue.is_accepted(queue.post(url, sent, body.encode(), TIMEOUT_SECONDS))


def _attempt(delivery: sqlite3.Row, sender: Sender) -> bool:
    body = delivery["body"] or _store_body(delivery, sender)
    accepted = sender.send(delivery, body, forged=delivery["fault"] == "badsig")
    if delivery["fault"] == "dup":
        accepted = sender.send(delivery, body) and accepted
    again_at = queue.next_attempt_at(delivery["attempts"], BACK_OFF_SECONDS)
    _set_due(delivery["id"], None if accepted else again_at)
    return accepted


def _store_body(delivery: sqlite3.Row, sender: Sender) -> str:
    """Store the body of the first attempt: every retry sends the same bytes."""
    body = json.dumps(sender.payload(delivery))
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET body = ? WHERE id = ?", (body, delivery["id"]))
    return body


def _set_due(delivery_id: str, due_at: float | None) -> None:
    """Set when a delivery is due again; None ends it."""
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = ? WHERE id = ?", (due_at, delivery_id))
