"""Cancellations by the owner of a video, within CANCELLATIONS_PER_DAY.

A cancelled video costs its owner nothing, but the operator pays the engine that has begun it.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.utils.translation import ngettext

from config.lib import clock
from videos import feed
from videos.jobs import state_machine
from videos.jobs.engine_choice import engine_limits
from videos.models import Video

PERIOD = timedelta(hours=24)
# What costs the operator money, or may.
BEGUN = (*engine_limits.AT_ENGINE, Video.Status.DOWNLOADING)


class TooManyCancellations(Exception):
    """The owner of `video` has reached the limit; nothing was changed. `wait` is in seconds."""

    def __init__(self, video: Video, limit: int, wait: int) -> None:
        self.video, self.wait = video, wait
        text = ngettext(
            "You may cancel %(n)d video that an engine has begun in 24 hours. You can cancel"
            " orders that still wait, and delete this video when it is finished.",
            "You may cancel %(n)d videos that an engine has begun in 24 hours. You can cancel"
            " orders that still wait, and delete this video when it is finished.",
            limit,
        )
        super().__init__(text % {"n": limit})


def cancel(video: Video) -> None:
    """Cancel an active video and refund its credits. Raises NotPossible or TooManyCancellations."""
    with feed.lock(video.user_id):
        check_limit(video)
        state_machine.cancel(video)


def check_limit(video: Video) -> None:
    """Raise TooManyCancellations if its owner may not cancel a video that an engine has begun.

    The caller's transaction holds the owner's feed, so that cancellations are counted one by one.
    """
    if refusal := find_refusal(video):
        raise refusal


def find_refusal(video: Video) -> TooManyCancellations | None:
    """Return why its owner can neither cancel nor delete this video now; None when he can."""
    limit = settings.CANCELLATIONS_PER_DAY
    begun = Video.objects.filter(pk=video.pk, status__in=BEGUN)
    if not limit or not begun.exists():
        return None
    ended = list(_recent(video.user_id).order_by("-completed_at")[:limit])
    if len(ended) < limit:
        return None
    last = ended[-1].completed_at or clock.now()
    wait = int((last + PERIOD - clock.now()).total_seconds()) + 1
    return TooManyCancellations(video, limit, wait)


def count_recent(user: AbstractBaseUser) -> int:
    """Count the videos of the last 24 hours that this user cancelled after an engine began them."""
    return _recent(user.pk).count()


def _recent(user_id: UUID) -> QuerySet[Video]:
    return Video.objects.filter(
        user_id=user_id,
        status=Video.Status.CANCELLED,
        completed_at__gt=clock.now() - PERIOD,
    ).exclude(engine_job_id="")
