"""Claim due videos for a worker, and renew its leases."""

from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from videos import leases
from videos.jobs import routing, state_machine
from videos.models import Video

Status = Video.Status


def claim_due(limit: int, *, downloads: bool = True) -> list[Video]:
    """Lease up to `limit` due videos; with `downloads` False none that is DOWNLOADING.

    The returned videos are ready for `execute`: a QUEUED one has become SUBMITTING, and one that
    was SUBMITTING when its worker died has become SUBMIT_UNKNOWN. An order whose engine gets no
    orders at the moment has moved to another engine, or waits.
    """
    now = timezone.now()
    due = Video.objects.due(now)
    if not downloads:
        due = due.exclude(status=Status.DOWNLOADING)
    if limit <= 0 or not due.exists():  # spares an idle worker the write lock
        return []
    token = uuid4()
    with transaction.atomic():
        claimed = leases.lease_rows(
            due, limit, token, claimed_at=now, next_step_at=now + settings.LEASE
        )
        interrupted = claimed.filter(status=Status.SUBMITTING)
        state_machine.start(interrupted, Status.SUBMIT_UNKNOWN, now, attempts=0)
        routing.route_orders(claimed.filter(status=Status.QUEUED, deadline_at__gt=now), now)
    videos = list(Video.objects.filter(lease=token).select_related("reference", "source"))
    unknown = [video for video in videos if video.status == Status.SUBMIT_UNKNOWN]
    prefetch_related_objects(unknown, "engine_callbacks")  # steps run without the database
    return videos


def renew_leases(claimed: list[Video]) -> None:
    """Extend the leases of videos whose steps are still running."""
    mine = Video.objects.filter(
        pk__in=[video.pk for video in claimed], lease__in={video.lease for video in claimed}
    )
    mine.update(next_step_at=timezone.now() + settings.LEASE)
