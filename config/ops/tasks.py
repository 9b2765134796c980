"""Background work of operations."""

from celery import shared_task

from config.ops import backup_alerts


@shared_task(ignore_result=True, expires=600)
def check_backups() -> None:
    """Alert staff when backups or restore drills are old; an alert nobody sees for an hour ends."""
    backup_alerts.check()
