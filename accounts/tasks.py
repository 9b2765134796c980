"""Background work on accounts."""

from celery import shared_task

from accounts import counters


@shared_task(ignore_result=True, expires=300)
def sweep_counters() -> None:
    """Remove counters whose window is over."""
    counters.sweep()
