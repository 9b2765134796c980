"""Background work of the showcase."""

from celery import shared_task

from showcase import counters, gallery, makers


@shared_task(ignore_result=True, expires=600)
def delete_expired() -> None:
    """Delete old view rows, the clips of deleted videos and the pages of erased users."""
    counters.delete_old_views()
    gallery.delete_clips_of_deleted_videos()
    makers.delete_erased()
