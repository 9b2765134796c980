"""Celery: parallel workers over the same tables, with Redis as the doorbell."""

import os

from celery import Celery
from celery.schedules import crontab
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("firstlight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    # A lost tick rings again in a second. With anything left to acknowledge or to give back, a
    # worker does not survive a restart of Redis (kombu 5.7: no connection left to do it on).
    broker_transport_options={"ack_emulation": False},
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "videos": {"task": "videos.tasks.tick", "schedule": 1.0},
        "payments": {"task": "billing.tasks.reconcile_payments", "schedule": 60.0},
        "audit": {"task": "videos.tasks.audit_books", "schedule": crontab(hour=3, minute=17)},
        "accounts": {"task": "videos.tasks.sweep_accounts", "schedule": 600.0},
        "counters": {"task": "accounts.tasks.sweep_counters", "schedule": 600.0},
        "credits": {"task": "billing.tasks.expire_credits", "schedule": 60.0},
    },
)
app.autodiscover_tasks(["videos", "accounts", "billing"])

if settings.SANDBOX:
    app.conf.beat_schedule["sandbox webhooks"] = {"task": "sandbox.webhooks", "schedule": 1.0}


@app.task(name="sandbox.webhooks", ignore_result=True, expires=5)
def sandbox_webhooks() -> None:
    """Send the sandbox's webhooks; in production neither it nor this is scheduled."""
    from videos.sandbox import hooks  # noqa: PLC0415 - never even imported in production

    hooks.deliver_due()
