"""Webhooks of the sandbox engine: events in OpenAI's format, callbacks in kie.ai's."""

import time

from django.conf import settings

from videos.sandbox import deliveries
from videos.sandbox.jobs.records import CALLBACK
from videos.sandbox.kie import callbacks
from videos.sandbox.openai import events
from videos.sandbox.store import STORE

BATCH_SIZE = 20


def deliver_due() -> int:
    """Send every due delivery and return how many were accepted.

    Cheap when nothing is due. Safe in several processes at once: each claims what it sends.
    """
    if not STORE.path().exists():
        return 0
    configured = bool(settings.SANDBOX_WEBHOOK_URL and settings.SANDBOX_WEBHOOK_SECRET)
    with STORE.reading() as connection:
        due = connection.execute(
            "SELECT rowid, * FROM delivery WHERE due_at <= ? AND (type = ? OR ?)"
            " ORDER BY due_at LIMIT ?",
            (time.time(), CALLBACK, configured, BATCH_SIZE),
        ).fetchall()
    return sum(
        deliveries.deliver(row, callbacks if row["type"] == CALLBACK else events) for row in due
    )
