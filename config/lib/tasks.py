"""Background work on what all apps share."""

import threading

from celery import shared_task
from celery.signals import worker_ready

from config.lib.mail import queue, sender
from config.lib.queues import worker_threads


@worker_ready.connect
def start_emails(**_: object) -> threading.Thread:
    """Send e-mails in a thread of the Celery worker: waiting for the mail server needs no task."""
    return worker_threads.start(sender.run, "e-mails")


@shared_task(ignore_result=True, expires=3600)
def delete_old_emails() -> None:
    """Delete e-mails from the log that ended long ago, every hour."""
    queue.delete_old()
