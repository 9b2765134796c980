"""Webhook deliveries: signed video.completed and video.failed events, repeated until accepted.

Source: Standard Webhooks; payload and headers as in OpenAI's webhook guide.
"""

import http.client
import json
import logging
import secrets
import sqlite3
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from standardwebhooks import Webhook

from videos.sandbox import jobs, store

BACK_OFF_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 72_000, 108_000)
TIMEOUT_SECONDS = 10
LEASE_SECONDS = 3 * TIMEOUT_SECONDS
AT_ONCE = 20
LOOK_AGAIN_SECONDS = 0.25

log = logging.getLogger(__name__)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


# No proxies and no redirects: an event goes where the settings say or nowhere.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def deliver_due() -> int:
    """Send every event whose time has come and return how many were accepted.

    Cheap when nothing is due. Safe in several processes at once: each claims what it sends.
    """
    if not (settings.SANDBOX_WEBHOOK_URL and settings.SANDBOX_WEBHOOK_SECRET):
        return 0
    if not store.path().exists():
        return 0
    with store.reading() as connection:
        due = connection.execute(
            "SELECT * FROM delivery WHERE due_at <= ? ORDER BY due_at LIMIT ?",
            (time.time(), AT_ONCE),
        ).fetchall()
    return sum(_deliver(row) for row in due)


def deliver_early(job_id: str) -> None:
    """Send a job's event now, before it is true and before its create request is answered."""
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM delivery WHERE job_id = ?", (job_id,)).fetchone()
    if row is not None and _claim(row):
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
    return _claim(row) and _attempt(row)


def _claim(row: sqlite3.Row) -> bool:
    """Take one attempt of a delivery, so that no other process sends it meanwhile."""
    with store.writing() as connection:
        claimed = connection.execute(
            "UPDATE delivery SET due_at = ?, attempts = attempts + 1 WHERE id = ? AND due_at = ?",
            (time.time() + LEASE_SECONDS, row["id"], row["due_at"]),
        )
    return claimed.rowcount == 1


def _attempt(row: sqlite3.Row) -> bool:
    body = row["body"] or _write_body(row)
    accepted = _post(row["id"], body, forged=row["fault"] == "badsig")
    if row["fault"] == "dup":
        accepted = _post(row["id"], body) and accepted
    earlier = row["attempts"]
    if accepted or earlier >= len(BACK_OFF_SECONDS):
        _put_off(row["id"], None)
    else:
        _put_off(row["id"], time.time() + BACK_OFF_SECONDS[earlier])
    return accepted


def _write_body(row: sqlite3.Row) -> str:
    """Store the event as it is first sent: every repetition carries the same bytes."""
    body = json.dumps(
        {
            "id": row["id"],
            "object": "event",
            "created_at": int(time.time()),
            "type": _true_type(row),
            "data": {"id": row["job_id"]},
        }
    )
    with store.writing() as connection:
        connection.execute("UPDATE delivery SET body = ? WHERE id = ?", (body, row["id"]))
    return body


def _true_type(row: sqlite3.Row) -> str:
    job = jobs.find_any(row["job_id"])
    return "video.failed" if job is not None and job.broken else str(row["type"])


def _put_off(delivery_id: str, due_at: float | None) -> None:
    """Set when a delivery is due again; None ends it."""
    with store.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = ? WHERE id = ?", (due_at, delivery_id))


def _post(delivery_id: str, body: str, *, forged: bool = False) -> bool:
    secret: str | bytes = secrets.token_bytes(32) if forged else settings.SANDBOX_WEBHOOK_SECRET
    now = datetime.now(UTC)
    request = urllib.request.Request(  # noqa: S310 - the address is the developer's own setting
        settings.SANDBOX_WEBHOOK_URL,
        data=body.encode(),
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Firstlight-Sandbox",
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(delivery_id, now, body),
        },
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return bool(200 <= response.status < 300)
    except urllib.error.HTTPError as error:
        error.close()
        log.info("sandbox event %s was answered %s", delivery_id, error.code)
    except (OSError, http.client.HTTPException) as error:
        log.info("sandbox event %s was not delivered: %s", delivery_id, error)
    return False
