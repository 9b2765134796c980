"""Background work: `run` for the worker thread of the web process, and Celery tasks."""

import logging
import threading
import time

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from config.lib import draining, idempotency
from videos import feed
from videos.account import deletion, email_digests
from videos.jobs.worker import executor
from videos.media import upload_cleanup
from videos.reports import refund_audit
from videos.webhooks import sender

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Execute due steps until `stop` is set; what runs by then has SHUTDOWN_SECONDS to end."""
    executor.Executor(settings.WORKER_THREADS).run(stop)


@worker_ready.connect
def start_deliveries(**_: object) -> None:
    """Send webhooks in a thread of the Celery worker: waiting for receivers needs no task."""
    threading.Thread(
        target=sender.run, args=[draining.stopping], name="deliveries", daemon=True
    ).start()


@shared_task(ignore_result=True, expires=5)
def tick(budget_seconds: float = 10.0) -> None:
    """Execute due steps for about `budget_seconds`; beat starts this every second.

    A worker process that stops claims nothing more and ends the steps it has claimed.
    """
    workers = executor.Executor(settings.WORKER_THREADS)
    until = time.monotonic() + budget_seconds
    try:
        while not draining.stopping.is_set() and workers.turn() and time.monotonic() < until:
            pass
        while workers.drain():
            pass
    finally:
        workers.close()


@shared_task(ignore_result=True, expires=3600)
def audit_refunds() -> None:
    """Audit the ledger, once a night."""
    refund_audit.run_audit()


@shared_task(ignore_result=True, expires=3600)
def delete_expired() -> None:
    """Delete unused uploads, expired idempotency keys and old events, every 15 minutes."""
    upload_cleanup.delete_unused()
    idempotency.delete_expired()
    feed.delete_expired()


@shared_task(ignore_result=True, expires=600)
def erase_accounts() -> None:
    """Erase accounts 30 days after their deletion was requested."""
    deletion.erase_due_accounts()


@shared_task(ignore_result=True, expires=60)
def send_digests() -> None:
    """Send e-mail digests of finished and failed videos."""
    email_digests.send_due()
