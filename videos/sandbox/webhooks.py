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
from urllib.parse import urlsplit

from django.conf import settings
from standardwebhooks import Webhook

from videos.sandbox import jobs, kie_objects, store
from videos.sandbox.job_timeline import Stage

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
    if not store.path().exists():
        return 0
    configured = bool(settings.SANDBOX_WEBHOOK_URL and settings.SANDBOX_WEBHOOK_SECRET)
    with store.reading() as connection:
        due = connection.execute(
            "SELECT * FROM delivery WHERE due_at <= ? AND (type = ? OR ?) ORDER BY due_at LIMIT ?",
            (time.time(), jobs.CALLBACK, configured, AT_ONCE),
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
    post = _call_back if row["type"] == jobs.CALLBACK else _post_event
    accepted = post(row, body, forged=row["fault"] == "badsig")
    if row["fault"] == "dup":
        accepted = post(row, body) and accepted
    earlier = row["attempts"]
    if accepted or earlier >= len(BACK_OFF_SECONDS):
        _put_off(row["id"], None)
    else:
        _put_off(row["id"], time.time() + BACK_OFF_SECONDS[earlier])
    return accepted


def _write_body(row: sqlite3.Row) -> str:
    """Store the event as it is first sent: every repetition carries the same bytes."""
    body = json.dumps(_callback(row) if row["type"] == jobs.CALLBACK else _event(row))
    with store.writing() as connection:
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
    with store.writing() as connection:
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
    if urlsplit(url).scheme not in {"http", "https"}:
        return False
    request = urllib.request.Request(  # noqa: S310 - the address is the developer's own setting
        url,
        data=body.encode(),
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Firstlight-Sandbox",
            **headers,
        },
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return bool(200 <= response.status < 300)
    except urllib.error.HTTPError as error:
        error.close()
        log.info("a sandbox event was answered %s", error.code)
    except (OSError, http.client.HTTPException) as error:
        log.info("a sandbox event was not delivered: %s", error)
    return False
