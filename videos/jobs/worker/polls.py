"""Record polls of rendering videos: their progress and when to poll again."""

import random
from collections.abc import Iterable
from itertools import groupby
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from videos import feed
from videos.engines.base import Job
from videos.jobs import state_machine
from videos.jobs.money import costs
from videos.models import Video


def record_polls(polled: list[tuple[Video, Job]]) -> None:
    """Release rendering videos until their next poll and publish those that progressed."""
    progressed = []
    with transaction.atomic(), connection.cursor() as cursor:
        for user_id, videos in _group_by_user(polled):
            count = sum(_has_progressed(video, job) for video, job in videos)
            sequence = feed.allocate_sequence(user_id, count) - count if count else 0
            for video, job in videos:
                has_progressed = _has_progressed(video, job)
                if has_progressed:
                    sequence += 1
                    video.sequence, video.progress = sequence, min(job.progress or 0.0, 99.0)
                if costs.differs(video, job):
                    Video.objects.filter(pk=video.pk, lease=video.lease).update(
                        **costs.of_poll(job)
                    )
                pause = job.poll_after or _poll_pause(video.poll_count)
                if state_machine.record_poll(cursor, video, pause) and has_progressed:
                    progressed.append(video)
        for video in progressed:
            feed.publish_progress(video)


def _has_progressed(video: Video, job: Job) -> bool:
    return min(job.progress or 0.0, 99.0) > video.progress


def _group_by_user(
    polled: list[tuple[Video, Job]],
) -> Iterable[tuple[UUID, list[tuple[Video, Job]]]]:
    """Group by user, sorted by id: two workers then lock feeds in the same order."""
    ordered = sorted(polled, key=lambda pair: pair[0].user_id)
    for user_id, group in groupby(ordered, key=lambda pair: pair[0].user_id):
        yield user_id, list(group)


def _poll_pause(poll_count: int) -> float:
    """Seconds until the next poll: POLL_FIRST growing by half to POLL_SLOWEST, minus jitter."""
    first, slowest = settings.POLL_FIRST.total_seconds(), settings.POLL_SLOWEST.total_seconds()
    pause: float = min(first * 1.5 ** min(poll_count, 20), slowest)
    return pause * random.uniform(0.8, 1.0)  # noqa: S311 - spreads load, keeps no secret
