"""Callbacks of kie.ai's API: the task's record, sent to the address its request named.

Source: docs.kie.ai, common-api/webhook-verification.
"""

import base64
import hmac
import secrets
import sqlite3
import time
from typing import Any

from django.conf import settings

from videos.sandbox import deliveries
from videos.sandbox.jobs import records, status
from videos.sandbox.jobs.timeline import Stage
from videos.sandbox.kie import objects


def payload(delivery: sqlite3.Row) -> dict[str, Any]:
    """Return the record as it will be: an early callback reports a future success."""
    job, task = records.find(delivery["job_id"]), objects.find_task(delivery["job_id"])
    if job is None or task is None:
        return {}
    job, stage = status.observe(job)
    if not stage.due:
        stage = Stage(job.triggers.ends_as(), 100, due=True)
    return objects.envelope(objects.record(job, stage, task))


def send(delivery: sqlite3.Row, body: str, *, forged: bool = False) -> bool:
    """Send a callback; a forged one is signed with another secret."""
    task = objects.find_task(delivery["job_id"])
    secret = secrets.token_bytes(32) if forged else settings.SANDBOX_KIE_SECRET.encode()
    headers = signature(delivery["job_id"], secret)
    return task is not None and deliveries.post(task["callback_url"], headers, body)


def signature(job_id: str, secret: bytes) -> dict[str, str]:
    """Return the headers of a callback: they sign the task and the time, not the body."""
    now = str(int(time.time()))
    digest = hmac.digest(secret, f"{job_id}.{now}".encode(), "sha256")
    return {
        "X-Webhook-Timestamp": now,
        "X-Webhook-Signature": base64.b64encode(digest).decode(),
    }
