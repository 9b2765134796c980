"""The takes of one order: which they are, and which one their owner picked."""

from django.utils import timezone
from django.utils.translation import gettext as _

from videos import feed
from videos.models import Video


class NotATake(Exception):
    """The video was ordered alone; nothing was changed."""


def label(video: Video) -> str:
    """Return which take a video is, such as "Take 2 of 4"; "" for one that was ordered alone."""
    if not video.take_number:
        return ""
    return _("Take %(n)d of %(of)d") % {"n": video.take_number, "of": video.take_count}


def takes_of(video: Video) -> list[Video]:
    """Return the kept takes of a video's order by number, itself among them; [] if alone.

    A take that was retried is left to its retry.
    """
    if video.take_group is None:
        return []
    rows = Video.objects.of_id(video.user_id).filter(take_group=video.take_group)
    found = list(rows.order_by("take_number", "created_at", "id"))
    retried = {take.retry_of_id for take in found}
    takes = [take for take in found if take.pk not in retried or take.pk == video.pk]
    return takes if len(takes) > 1 else []


def pick(video: Video) -> None:
    """Pick a take as the best one, in the place of the one before it. Safe to repeat.

    Raises NotATake.
    """
    if video.take_group is None:
        raise NotATake(video.pk)
    with feed.lock(video.user_id):
        unpick(video)
        Video.objects.filter(pk=video.pk, deleted_at=None).update(picked_at=timezone.now())


def unpick(video: Video) -> None:
    """Pick none of the takes. Safe to repeat."""
    if video.take_group is not None:
        takes = Video.objects.filter(user_id=video.user_id, take_group=video.take_group)
        takes.exclude(picked_at=None).update(picked_at=None)
