"""Record polls of rendering videos: their progress and when to poll again."""

import random
from collections import Counter

from django.conf import settings
from django.db import transaction

from videos import feed
from videos.engines.base import Job
from videos.jobs import state_machine
from videos.jobs.money import costs
from videos.models import Video


def record_polls(polled: list[tuple[Video, Job]]) -> None:
    """Release rendering videos until their next poll and publish those that progressed."""
    if not polled:
        return
    progressed = [(video, job) for video, job in polled if _has_progressed(video, job)]
    counts = Counter(video.user_id for video, _ in progressed)
    with transaction.atomic():
        # First, because the feeds are locked before the videos; of those without progress too, or
        # whoever holds such a feed and changes several videos would wait for us, and we for him.
        feed.lock_feeds(video.user_id for video, _ in polled)
        last = feed.allocate_sequences(counts)
        for video, job in progressed:
            video.sequence = last[video.user_id] - counts[video.user_id] + 1
            counts[video.user_id] -= 1
            video.progress = _progress(job)
        for video, job in polled:
            if costs.differs(video, job):
                mine = Video.objects.filter(pk=video.pk, lease=video.lease)
                mine.update(**costs.of_poll(job))
        written = state_machine.record_polls(
            [(video, job.poll_after or _poll_pause(video.poll_count)) for video, job in polled]
        )
        feed.publish_progress([video for video, _ in progressed if video.pk in written])


def _progress(job: Job) -> float:
    return min(job.progress or 0.0, 99.0)


def _has_progressed(video: Video, job: Job) -> bool:
    return _progress(job) > video.progress


def _poll_pause(poll_count: int) -> float:
    """Seconds until the next poll: POLL_FIRST growing by half to POLL_SLOWEST, minus jitter."""
    first, slowest = settings.POLL_FIRST.total_seconds(), settings.POLL_SLOWEST.total_seconds()
    pause: float = min(first * 1.5 ** min(poll_count, 20), slowest)
    return pause * random.uniform(0.8, 1.0)  # noqa: S311 - spreads load, keeps no secret
