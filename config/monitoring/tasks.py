"""Background work of monitoring; celery runs it periodically."""

from celery import shared_task

from config.lib import rate_limits
from config.lib.rate_limits import Rate
from config.monitoring import alert_webhook, conditions

# Beat asks once a minute; two beats, or a worker that catches up, check no more often.
ONCE = Rate(1, 50)


@shared_task(ignore_result=True, expires=60)
def check_alerts() -> None:
    """Look for what staff must know, and tell them what is new."""
    try:
        if rate_limits.hit("alerts", ONCE).allowed:
            conditions.check_all()
    finally:  # what is open already is told, whatever a check meets
        alert_webhook.send_due()
