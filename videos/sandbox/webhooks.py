"""Webhook deliveries: signed video.completed and video.failed events, repeated until accepted.

Source: Standard Webhooks; payload and headers as in OpenAI's webhook guide.
"""

import json
import secrets
import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from standardwebhooks import Webhook

from config.lib.sandbox import deliveries
from videos.sandbox import jobs, kie_objects
from videos.sandbox.job_timeline import Stage
from videos.sandbox.store import STORE

BACK_OFF_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 72_000, 108_000)
TIMEOUT_SECONDS = 10
LEASE_SECONDS = 3 * TIMEOUT_SECONDS
AT_ONCE = 20
LOOK_AGAIN_SECONDS = 0.25


def deliver_due() -> int:
    """Send every event whose time has come and return how many were accepted.

    Cheap when nothing is due. Safe in several processes at once: each claims what it sends.
    """
    if not STORE.path().exists():
        return 0
    configured = bool(settings.SANDBOX_WEBHOOK_URL and settings.SANDBOX_WEBHOOK_SECRET)
    with STORE.reading() as connection:
        due = connection.execute(
            "SELECT rowid, * FROM delivery WHERE due_at <= ? AND (type = ? OR ?)"
            " ORDER BY due_at LIMIT ?",
            (time.time(), jobs.CALLBACK, configured, AT_ONCE),
        ).fetchall()
    return sum(_deliver(row) for row in due)


def deliver_early(job_id: str) -> None:
    """Send a job's event now, before it is true and before its create request is answered."""
    with STORE.reading() as connection:
        row = connection.execute(
            "SELECT rowid, * FROM delivery WHERE job_id = ?", (job_id,)
        ).fetchone()
    if row is not None and deliveries.claim(STORE, row, LEASE_SECONDS):
        _attempt(row)


def _deliver(row: sqlite3.Row) -> bool:
    job = jobs.find_any(row["job_id"])
    if job is None:
        _put_off(row["id"], None)
        return False
    _, stage = jobs.observe(job)
    if stage.status in ("queued", "in_progress") and row["fault"] != "early":
        _put_off(row["id"], time.time() + LOOK_AGAIN_SECONDS)
        return False
    return deliveries.claim(STORE, row, LEASE_SECONDS) and _attempt(row)


def _attempt(row: sqlite3.Row) -> bool:
    body = row["body"] or _write_body(row)
    post = _call_back if row["type"] == jobs.CALLBACK else _post_event
    accepted = post(row, body, forged=row["fault"] == "badsig")
    if row["fault"] == "dup":
        accepted = post(row, body) and accepted
    again_at = deliveries.next_attempt_at(row["attempts"], BACK_OFF_SECONDS)
    _put_off(row["id"], None if accepted else again_at)
    return accepted


def _write_body(row: sqlite3.Row) -> str:
    """Store the event as it is first sent: every repetition carries the same bytes."""
    body = json.dumps(_callback(row) if row["type"] == jobs.CALLBACK else _event(row))
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET body = ? WHERE id = ?", (body, row["id"]))
    return body


def _event(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "event",
        "created_at": int(time.time()),
        "type": _true_type(row),
        "data": {"id": row["job_id"]},
    }


def _callback(row: sqlite3.Row) -> dict[str, Any]:
    """The record as it will be: an early one tells of a success that has not come yet."""
    job, task = jobs.find_any(row["job_id"]), kie_objects.task_of(row["job_id"])
    if job is None or task is None:
        return {}
    job, stage = jobs.observe(job)
    if not stage.due:
        stage = Stage(job.triggers.ends_as(), 100, due=True)
    return kie_objects.envelope(kie_objects.record(job, stage, task))


def _true_type(row: sqlite3.Row) -> str:
    job = jobs.find_any(row["job_id"])
    return "video.failed" if job is not None and job.broken else str(row["type"])


def _put_off(delivery_id: str, due_at: float | None) -> None:
    """Set when a delivery is due again; None ends it."""
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = ? WHERE id = ?", (due_at, delivery_id))


def _post_event(row: sqlite3.Row, body: str, *, forged: bool = False) -> bool:
    secret: str | bytes = secrets.token_bytes(32) if forged else settings.SANDBOX_WEBHOOK_SECRET
    now = datetime.now(UTC)
    headers = {
        "webhook-id": row["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(row["id"], now, body),
    }
    return _post(settings.SANDBOX_WEBHOOK_URL, headers, body)


def _call_back(row: sqlite3.Row, body: str, *, forged: bool = False) -> bool:
    task = kie_objects.task_of(row["job_id"])
    secret = secrets.token_bytes(32) if forged else settings.SANDBOX_KIE_SECRET.encode()
    headers = kie_objects.signature(row["job_id"], secret)
    return task is not None and _post(task["callback_url"], headers, body)


def _post(url: str, headers: dict[str, str], body: str) -> bool:
    sent = {"Content-Type": "application/json", "User-Agent": "Firstlight-Sandbox", **headers}
    return deliveries.is_accepted(deliveries.post(url, sent, body.encode(), TIMEOUT_SECONDS))
