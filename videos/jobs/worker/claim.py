"""Claim due videos for a worker, and renew its leases."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects

from config.lib import clock
from config.lib.queues import leases
from videos.jobs import queue, state_machine
from videos.jobs.engine_choice import routing
from videos.models import Video
from videos.models.video import VideoQuerySet

Status = Video.Status


def claim_polls(limit: int, engines: Collection[str]) -> list[Video]:
    """Lease up to `limit` RUNNING videos at these engines that are due, for a poll.

    Only the columns in state_machine.POLLED_COLUMNS are loaded.
    """
    now = clock.now()
    due = Video.objects.due(now).filter(status=Status.RUNNING, engine__in=engines)
    if limit <= 0 or not due.exists():  # spares an idle worker the write lock
        return []
    return state_machine.lease_polls(limit, engines, now)


def claim_due(
    limit: int, *, downloads: bool = True, polled_elsewhere: Collection[str] = ()
) -> list[Video]:
    """Lease up to `limit` due videos; with `downloads` False none that downloads its file.

    None that renders at an engine in `polled_elsewhere`: these are for `claim_polls`.

    The returned videos are ready for `execute`: a QUEUED one has become SUBMITTING, and one that
    was SUBMITTING when its worker died has become SUBMIT_UNKNOWN. An order whose engine gets no
    orders at the moment has moved to another engine, or waits. New orders get half of the places
    at most, so that they cannot keep rendering videos from being polled.
    """
    now = clock.now()
    due = Video.objects.due(now).exclude(status=Status.RUNNING, engine__in=polled_elsewhere)
    if limit <= 0 or not due.exists():  # spares an idle worker the write lock
        return []
    token = uuid4()
    ordered = _claim_orders(max(1, limit // 2), token, now)
    steps = _claim_steps(limit - len(ordered), token, now, due=due, downloads=downloads)
    # By their ids: the token has no index.
    claimed = Video.objects.filter(pk__in=[*ordered, *steps], lease=token)
    related = ("first_image", "last_image", "source", "public_source", "user__prompt_disclosure")
    videos = list(claimed.select_related(*related))
    unknown = [video for video in videos if video.status == Status.SUBMIT_UNKNOWN]
    # Steps run without the database.
    prefetch_related_objects(unknown, "engine_callbacks")
    with_references = [video for video in videos if video.operation == Video.Operation.REFERENCE]
    prefetch_related_objects(with_references, "references")
    return videos


def _claim_orders(limit: int, token: UUID, now: datetime) -> list[UUID]:
    """Lease the next orders of the queue and route them to engines; return those chosen."""
    chosen = queue.next_orders(now, limit)
    if not chosen:
        return []
    with transaction.atomic():
        claimed = _lease(queue.lock_allowed(chosen, now), limit, token, now)
        routing.route_orders(claimed, now)
    return chosen


def _claim_steps(
    limit: int, token: UUID, now: datetime, *, due: VideoQuerySet, downloads: bool
) -> list[UUID]:
    """Lease what is due of the videos that have left the queue, or waited there too long."""
    due = due.exclude(status=Status.QUEUED, deadline_at__gt=now)
    if not downloads:
        due = due.exclude(status=Status.DOWNLOADING).exclude(fetches_again=True)
    if limit <= 0 or not due.exists():
        return []
    with transaction.atomic():
        claimed = _lease(due, limit, token, now)
        interrupted = claimed.filter(status=Status.SUBMITTING)
        state_machine.start(interrupted, Status.SUBMIT_UNKNOWN, now, attempts=0)
        return list(claimed.values_list("pk", flat=True))


def _lease(due: QuerySet[Video], limit: int, token: UUID, now: datetime) -> QuerySet[Video]:
    return leases.lease_rows(due, limit, token, claimed_at=now, next_step_at=now + settings.LEASE)


def next_due() -> datetime | None:
    """When the next step of a video is due, or a lease ends; None when no video has one."""
    waiting = Video.objects.filter(next_step_at__isnull=False).order_by("next_step_at")
    return waiting.values_list("next_step_at", flat=True).first()


def renew_leases(claimed: list[Video]) -> None:
    """Extend the leases of videos whose steps are still running."""
    mine = Video.objects.filter(
        pk__in=[video.pk for video in claimed], lease__in={video.lease for video in claimed}
    )
    mine.update(next_step_at=clock.now() + settings.LEASE)
