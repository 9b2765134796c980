"""Background work of the showcase."""

from celery import shared_task

from showcase import gallery


@shared_task(ignore_result=True, expires=600)
def forget_views() -> None:
    """Drop the traces of visitors that have been counted."""
    gallery.forget_views()
