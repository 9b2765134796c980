"""Background work of operations."""

from celery import shared_task

from config.ops import backup_alerts


@shared_task(ignore_result=True, expires=3600)
def warn_of_backups() -> None:
    """E-mail staff when backups or drills are old, every hour; one problem is told once a week."""
    backup_alerts.warn_staff()
