"""Delete uploads that no video, no edit and no shot of a storyboard uses."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from videos.media import uploads
from videos.models import MediaJob, Shot, Upload, Video, VideoReference


def delete_unused() -> int:
    """Delete uploads older than UPLOAD_UNUSED that no kept video uses; return how many.

    Safe to repeat, also while users upload files and order videos.
    """
    unused = Upload.objects.filter(created_at__lte=timezone.now() - settings.UPLOAD_UNUSED)
    for used in _used():
        unused = unused.exclude(pk__in=used)
    return sum(_delete_if_unused(pk) for pk in list(unused.values_list("pk", flat=True)[:1000]))


def _used() -> list[QuerySet[Any, Any]]:
    """The ids of all uploads that kept videos, waiting edits and shots use."""
    kept = Video.objects.kept()
    references = VideoReference.objects.filter(video__in=kept)
    return [
        kept.exclude(first_image=None).values_list("first_image_id", flat=True),
        kept.exclude(last_image=None).values_list("last_image_id", flat=True),
        references.values_list("upload_id", flat=True),
        _waiting_edits().exclude(sound=None).values_list("sound_id", flat=True),
        Shot.objects.exclude(first_image=None).values_list("first_image_id", flat=True),
    ]


def _waiting_edits() -> QuerySet[MediaJob]:
    return MediaJob.objects.active()


def _delete_if_unused(pk: UUID) -> bool:
    with transaction.atomic():
        upload = Upload.objects.select_for_update().filter(pk=pk).first()
        # Check again under the lock, which an order takes too.
        if upload is None or _is_used(pk):
            return False
        Video.objects.filter(first_image_id=pk).update(first_image=None)
        Video.objects.filter(last_image_id=pk).update(last_image=None)
        VideoReference.objects.filter(upload_id=pk).delete()
        # From now on no order can use it; its row stays until its file is deleted.
        Upload.objects.filter(pk=pk).update(stored=False)
    uploads.discard(upload)
    return True


def _is_used(pk: UUID) -> bool:
    kept = Video.objects.kept()
    as_frame = kept.filter(Q(first_image_id=pk) | Q(last_image_id=pk))
    as_reference = VideoReference.objects.filter(upload_id=pk, video__in=kept)
    as_sound = _waiting_edits().filter(sound_id=pk)
    of_shot = Shot.objects.filter(first_image_id=pk)
    return any(rows.exists() for rows in (as_frame, as_reference, as_sound, of_shot))
