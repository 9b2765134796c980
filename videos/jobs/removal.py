"""Delete videos, and restore them while their files are still there."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from config.lib import clock
from config.lib.queues import wakeups
from videos import feed
from videos.jobs import cancellation, state_machine
from videos.models import Video

Status = Video.Status


class TooLate(Exception):
    """The files of the deleted video are being removed; nothing was changed."""


def delete(video: Video, *, undo: bool = False) -> None:
    """Remove a video from its owner's library; a worker then removes its files and its job.

    An active video is cancelled first. With `undo` the worker waits Video.UNDO, so that `restore`
    can bring the video back. Safe to repeat. Raises TooManyCancellations; then nothing is changed.
    """
    with feed.lock(video.user_id):
        cancellation.check_limit(video)
        state_machine.end(video, Status.CANCELLED, fenced=False)
        sequence = feed.allocate_sequence(video.user_id)
        now = clock.now()
        gone = Video.objects.filter(pk=video.pk, deleted_at=None).update(
            deleted_at=now,
            updated_at=now,
            sequence=sequence,
            needs_cleanup=True,
            attempts=0,
            next_step_at=now + Video.UNDO if undo else now,
        )
        if gone:
            feed.publish_change(Video.objects.get(pk=video.pk))
            wakeups.announce(Video)


def delete_all(videos: Iterable[Video], *, undo: bool = False) -> None:
    """Delete all of these videos as `delete` does, or none. Raises TooManyCancellations."""
    with transaction.atomic():
        for video in videos:
            delete(video, undo=undo)


def restore(video: Video) -> None:
    """Bring a deleted video back; one that was rendering comes back cancelled.

    Safe to repeat. Raises TooLate once a worker may have started to remove its files.
    """
    now = clock.now()
    untouched = Q(status=Status.SUCCEEDED, lease=None, attempts=0, next_step_at__gt=now)
    lost = Q(status__in=Video.LOST, deleted_at__gt=now - Video.UNDO)
    with transaction.atomic():
        sequence = feed.allocate_sequence(video.user_id)
        rows = Video.objects.filter(untouched | lost, pk=video.pk, deleted_at__isnull=False)
        whole = When(status=Status.SUCCEEDED, then=None)
        back = rows.update(
            deleted_at=None,
            updated_at=now,
            sequence=sequence,
            needs_cleanup=Case(
                When(status=Status.SUCCEEDED, then=Value(False)),
                default=F("needs_cleanup"),
            ),
            next_step_at=Case(
                whole,
                When(fetches_again=True, needs_cleanup=True, then=Value(now)),
                When(result_kept_until__gt=now, needs_cleanup=True, then=F("result_kept_until")),
                When(needs_cleanup=True, then=Value(now)),
                default=None,
            ),
        )
        if back:
            feed.publish_change(Video.objects.get(pk=video.pk))
        elif Video.objects.filter(pk=video.pk, deleted_at__isnull=False).exists():
            raise TooLate
