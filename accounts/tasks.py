"""Background work on accounts."""

from celery import shared_task

from accounts import counters, returning


@shared_task(ignore_result=True, expires=300)
def sweep_counters() -> None:
    """Remove counters whose window is over."""
    counters.sweep()


@shared_task(ignore_result=True, expires=60)
def write_farewells() -> None:
    """Tell those who left when their account goes, and how it comes back."""
    returning.write()
