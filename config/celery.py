"""Celery: periodic tasks, and workers in parallel over the tables that are the queues.

Threads of each worker claim from these tables (see `config.lib.queues`); no message carries work.
"""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import (
    beat_init,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings

from config import error_reports
from config.environment.startup import refusals_in_one_line
from config.lib import draining, liveness, memory, tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Task and interval in seconds; the embedded mode (`serve`) runs them in its own process.
PERIODIC_TASKS = {
    "billing.tasks.expire_credits": 60,
    "billing.tasks.reconcile_payments": 60,
    "billing.tasks.send_receipts": 60,
    "billing.tasks.send_expiry_warnings": 600,
    "accounts.tasks.send_deletion_emails": 60,
    "accounts.tasks.delete_expired_counters": 600,
    "accounts.tasks.delete_old_requests": 3600,
    "accounts.tasks.delete_expired_apps": 3600,
    "accounts.tasks.delete_old_invitations": 3600,
    "videos.tasks.send_digests": 60,
    "videos.tasks.send_review_mails": 60,
    "videos.tasks.erase_accounts": 600,
    "videos.tasks.delete_expired": 900,
    "showcase.tasks.delete_expired": 3600,
    "config.lib.tasks.delete_old_emails": 3600,
    "config.monitoring.tasks.check_alerts": 60,
    "accounts.tasks.delete_old_sessions": 21600,
    "billing.tasks.delete_old_events": 21600,
    "videos.tasks.delete_old": 21600,
    "config.ops.tasks.check_backups": 600,
}

with refusals_in_one_line():
    app = Celery("firstlight", broker=settings.CELERY_BROKER_URL)  # reads the settings
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    # A lost task is sent again when its time comes. A worker with messages to acknowledge does not
    # survive a restart of Redis (kombu 5.7 has no connection left to acknowledge them on).
    broker_transport_options={"ack_emulation": False},
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    beat_scheduler="config.beat:Scheduler",
    beat_schedule={
        "audit": {"task": "videos.tasks.audit_refunds", "schedule": crontab(hour=3, minute=17)},
        **{
            task: {"task": task, "schedule": float(seconds)}
            for task, seconds in PERIODIC_TASKS.items()
        },
    },
)
app.autodiscover_tasks(
    ["showcase", "videos", "accounts", "billing", "config.lib", "config.monitoring", "config.ops"]
)


@worker_init.connect(weak=False)
@beat_init.connect(weak=False)
def check_settings(**_: Any) -> None:
    """Refuse to start with unsafe settings, as the web server does; log the warnings."""
    # Both need the apps, which Celery loads later.
    from config.monitoring import port as metrics_port  # noqa: PLC0415
    from config.ops import checks  # noqa: PLC0415

    with refusals_in_one_line():  # Celery only logs an Exception of a signal's receiver
        checks.refuse_unsafe_start()
    checks.log_warnings()
    error_reports.start()
    tracing.start()
    metrics_port.start()
    memory.limit_heaps()
    liveness.start()


@worker_ready.connect(weak=False)
@beat_init.connect(weak=False)
def announce_ready(**_: Any) -> None:
    """Tell systemd, where it has started this process, that the start is over."""
    liveness.announce_ready()


@worker_shutdown.connect(weak=False)
def send_last_spans(**_: Any) -> None:
    """Send the spans of the last seconds before a worker ends."""
    tracing.stop()


@worker_shutting_down.connect(weak=False)
def begin_draining(**_: Any) -> None:
    """Have the tasks that run end soon: a worker that was told to stop waits for them."""
    draining.stopping.set()
