"""The rows of exports: their only writer."""

import logging
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from config.lib import clock
from videos import feed
from videos.editing import job_states
from videos.editing.films import MadeExport
from videos.media import export_files
from videos.models import MediaExport, MediaJob, Video

log = logging.getLogger(__name__)

# How many exports one turn of the periodic task removes.
BATCH = 1000


def create(job: MediaJob, video: Video, name: str, fingerprint: str) -> None:
    """Write the row of a new export, in the caller's transaction."""
    MediaExport.objects.create(
        pk=job.pk,
        job=job,
        user_id=job.user_id,
        video=video,
        format=name,
        fingerprint=fingerprint,
        created_at=job.created_at,
    )


def find_same(user: AbstractBaseUser, video: Video, fingerprint: str) -> MediaJob | None:
    """The job of an equal export that waits, runs or is kept."""
    same = MediaExport.objects.of(user).filter(video=video, fingerprint=fingerprint)
    found = same.exclude(job__status__in=MediaJob.LOST).select_related("job").newest().first()
    return found.job if found else None


def record_made(job: MediaJob, made: MadeExport) -> bool:
    """End the job of an export and write its file.

    Returns False when it was cancelled meanwhile or lost its lease; one whose video was deleted
    meanwhile fails instead.
    """
    with feed.lock(job.user_id):
        if Video.objects.filter(pk=job.videos[0].pk, deleted_at=None).exists():
            return job_states.complete(job, lambda: _write(job.pk, made))
    return job_states.fail(job, "source_deleted")


def _write(pk: UUID, made: MadeExport) -> None:
    MediaExport.objects.filter(pk=pk).update(
        file=made.file,
        sidecar=made.sidecar,
        file_bytes=made.size_bytes,
        file_sha256=made.sha256,
        manifest=made.manifest,
        width=made.width,
        height=made.height,
        seconds=made.seconds,
        kept_until=clock.now() + settings.EXPORT_KEPT,
    )


def remove(export: MediaExport, now: datetime | None = None) -> None:
    """Take an export that has ended out of every list, and delete its files. Safe to repeat.

    A crash in between leaves it to `remove_expired`.
    """
    MediaExport.objects.filter(pk=export.pk).update(kept_until=now or clock.now())
    export_files.delete(export.user_id, export.video_id, export.pk)
    MediaExport.objects.filter(pk=export.pk).update(
        removed_at=clock.now(), file="", sidecar="", fingerprint=""
    )


def remove_expired() -> int:
    """Remove what is kept no longer, and what ended without a file as long ago; return how many."""
    now = clock.now()
    there = MediaExport.objects.filter(removed_at=None).select_related("job")
    lost = there.filter(
        job__status__in=MediaJob.LOST,
        job__needs_cleanup=False,
        job__ended_at__lte=now - settings.EXPORT_KEPT,
    )
    removed = 0
    for export in [*there.filter(kept_until__lte=now)[:BATCH], *lost[:BATCH]]:
        try:
            remove(export, now)
            removed += 1
        except Exception:  # one file must not keep the others
            log.exception("the export %s could not be removed", export.pk)
    return removed
