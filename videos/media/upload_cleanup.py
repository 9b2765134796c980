"""Delete uploads that no video uses."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from videos.media import uploads
from videos.models import Upload, Video


def delete_unused() -> int:
    """Delete uploads older than UPLOAD_UNUSED that no kept video uses; return how many.

    Safe to repeat, also while users upload files and order videos.
    """
    old = Upload.objects.filter(created_at__lte=timezone.now() - settings.UPLOAD_UNUSED)
    unused = old.exclude(pk__in=_in_use()).values_list("pk", flat=True)
    return sum(_delete_if_unused(pk) for pk in list(unused[:1000]))


def _in_use() -> Any:
    return Video.objects.kept().filter(reference__isnull=False).values("reference_id")


def _delete_if_unused(pk: UUID) -> bool:
    with transaction.atomic():
        upload = Upload.objects.select_for_update().filter(pk=pk).first()
        # Check again under the lock, which an order takes too.
        if upload is None or _in_use().filter(reference_id=pk).exists():
            return False
        Video.objects.filter(reference_id=pk).update(reference=None)
        # From now on no order can use it; its row stays until its file is deleted.
        Upload.objects.filter(pk=pk).update(stored=False)
    uploads.discard(upload)
    return True
