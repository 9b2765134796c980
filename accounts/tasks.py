"""Background work on accounts."""

from celery import shared_task

from accounts.people import restoration
from config.lib import rate_limits


@shared_task(ignore_result=True, expires=300)
def sweep_counters() -> None:
    """Remove counters whose window is over."""
    rate_limits.sweep()


@shared_task(ignore_result=True, expires=60)
def write_farewells() -> None:
    """Tell those who left when their account goes, and how it comes back."""
    restoration.write()
