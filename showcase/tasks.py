"""Background work of the showcase."""

from celery import shared_task

from showcase import gallery


@shared_task(ignore_result=True, expires=600)
def sweep() -> None:
    """Drop what is needed no more."""
    gallery.sweep()
