"""Background work: one function for the embedded thread and for Celery's workers."""

import logging
import threading
import time
from collections.abc import Callable

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections

from config.lib import idempotency
from videos.account import deletion, email_digests
from videos.jobs.worker import executor
from videos.media import upload_cleanup
from videos.reports import refund_audit
from videos.webhooks import deliveries

log = logging.getLogger(__name__)


def run(stop: threading.Event, *others: Callable[[], object]) -> None:
    """Work until `stop` is set; `others` are called at every turn and must be quick."""
    engine = executor.Executor(settings.WORKER_THREADS)
    while not stop.is_set():
        try:
            close_old_connections()
            busy = engine.turn()
            for other in others:
                other()
        except Exception:  # a database that is away for a while must not end the work
            log.exception("background work stumbled")
            busy = False
        if not busy:
            stop.wait(executor.IDLE_SECONDS)
    engine.close()
    close_old_connections()


@shared_task(ignore_result=True, expires=5)
def tick(budget_seconds: float = 10.0) -> None:
    """Do what is due, for about `budget_seconds` at most; beat rings it every second."""
    engine = executor.Executor(settings.WORKER_THREADS)
    until = time.monotonic() + budget_seconds
    try:
        while engine.turn() and time.monotonic() < until:
            pass
        while engine.drain():
            pass
    finally:
        engine.close()


@shared_task(ignore_result=True, expires=30)
def deliver_webhooks() -> None:
    """Tell clients' webhooks which videos have ended."""
    while deliveries.deliver_due():
        pass


@shared_task(ignore_result=True, expires=3600)
def audit_books() -> None:
    """Prove the books, once a night."""
    refund_audit.run_audit()


@shared_task(ignore_result=True, expires=3600)
def sweep() -> None:
    """Remove unused uploads and idempotency keys older than 24 hours, every quarter of an hour."""
    upload_cleanup.delete_unused()
    idempotency.delete_expired()


@shared_task(ignore_result=True, expires=600)
def sweep_accounts() -> None:
    """Finish what people who left have running, and forget them after 30 days."""
    deletion.erase_due_accounts()


@shared_task(ignore_result=True, expires=60)
def write_digests() -> None:
    """Write to those who want to hear which of their videos are ready, and which failed."""
    email_digests.send_due()
