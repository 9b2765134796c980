"""Webhook events of the Videos API: video.completed and video.failed, signed.

Source: Standard Webhooks; payload and headers as in OpenAI's webhook guide.
"""

import secrets
import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from standardwebhooks import Webhook

from videos.sandbox import deliveries
from videos.sandbox.jobs import records


def payload(delivery: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": delivery["id"],
        "object": "event",
        "created_at": int(time.time()),
        "type": _type(delivery),
        "data": {"id": delivery["job_id"]},
    }


def _type(delivery: sqlite3.Row) -> str:
    """Return the event type; a render that failed overrules what was planned."""
    job = records.find(delivery["job_id"])
    return "video.failed" if job is not None and job.render_failed else str(delivery["type"])


def send(delivery: sqlite3.Row, body: str, *, forged: bool = False) -> bool:
    """Send an event; a forged one is signed with another secret."""
    secret: str | bytes = secrets.token_bytes(32) if forged else settings.SANDBOX_WEBHOOK_SECRET
    now = datetime.now(UTC)
    headers = {
        "webhook-id": delivery["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery["id"], now, body),
    }
    return deliveries.post(settings.SANDBOX_WEBHOOK_URL, headers, body)
