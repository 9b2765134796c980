"""Background work: threads of the Celery worker, `run` for that of `serve`, and Celery tasks."""

import logging
import threading

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from config.lib import idempotency
from config.lib.queues import worker_threads
from videos import feed
from videos.account import deletion, email_digests
from videos.editing import worker as media_worker
from videos.editing.exports import records as exports
from videos.jobs import callbacks
from videos.jobs.worker import executor
from videos.media import upload_cleanup
from videos.push import keys as push_keys
from videos.reports import refund_audit, retention
from videos.reviews import links as review_links
from videos.reviews import mails as review_mails
from videos.webhooks import sender

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Execute due steps until `stop` is set; what runs by then has SHUTDOWN_SECONDS to end."""
    executor.Executor(settings.WORKER_THREADS).run(stop)


@worker_ready.connect
def start_deliveries(**_: object) -> None:
    """Send webhooks in a thread of the Celery worker: waiting for receivers needs no task."""
    worker_threads.start(sender.run, "deliveries")


@worker_ready.connect
def start_push_messages(**_: object) -> None:
    """Send push messages in a thread of the Celery worker, if the operator has set a key."""
    if push_keys.is_enabled():
        from videos.push import sender as push_sender  # noqa: PLC0415 - loads much, for few sites

        worker_threads.start(push_sender.run, "push messages")


@worker_ready.connect
def start_videos(**_: object) -> None:
    """Execute due steps in a thread of the Celery worker, which wake-ups reach at any time."""
    worker_threads.start(run, "videos")


@worker_ready.connect
def start_edits(**_: object) -> None:
    """Make edits in a thread of the Celery worker, whose processes do the work."""
    worker_threads.start(media_worker.run, "edits")


@shared_task(ignore_result=True, expires=3600)
def audit_refunds() -> None:
    """Audit the ledger, once a night."""
    refund_audit.run_audit()


@shared_task(ignore_result=True, expires=3600)
def delete_expired() -> None:
    """Delete what is kept for a time only: uploads, exports, previews, keys, events, callbacks."""
    upload_cleanup.delete_unused()
    exports.remove_expired()
    idempotency.delete_expired()
    feed.delete_expired()
    callbacks.delete_expired()
    review_links.discard_previews()


@shared_task(ignore_result=True, expires=3600)
def delete_old() -> None:
    """Delete deliveries, timelines and refused prompts that are no longer kept."""
    retention.delete_old()


@shared_task(ignore_result=True, expires=600)
def erase_accounts() -> None:
    """Erase accounts 30 days after their deletion was requested."""
    deletion.erase_due_accounts()


@shared_task(ignore_result=True, expires=60)
def send_digests() -> None:
    """Send e-mail digests of finished and failed videos."""
    email_digests.send_due()


@shared_task(ignore_result=True, expires=60)
def send_review_mails() -> None:
    """Send e-mails about what reviewers said."""
    review_mails.send_due()
