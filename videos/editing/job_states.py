"""The states of a media job and the transitions between them: the only writer of its status.

    QUEUED ──► RUNNING ──► SUCCEEDED, with the new video
      ▲           │
      └───────────┘ its worker stopped or died, or the disk was full
    QUEUED · RUNNING ──► FAILED · CANCELLED, which return the credits

A job that is RUNNING belongs to the worker with its lease; when the lease ends another one may
begin it again. What a cancelled or failed job has left is removed by a worker: `needs_cleanup`.

Lock order: the user's feed, the job, the user's credits.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, F, QuerySet, Value, When
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import clock
from config.lib.queues import leases, wakeups
from videos import feed
from videos.credentials import records
from videos.jobs import state_machine
from videos.jobs.money import charges
from videos.jobs.state_machine import NotPossible
from videos.media.files import StoredResult
from videos.models import MediaJob, MediaJobSource, Video

log = logging.getLogger(__name__)

Status = MediaJob.Status
# The number of the lock that PostgreSQL keeps for claims.
CLAIM_LOCK = 0x65646974
RETRY_PAUSE = timedelta(seconds=20)


def enqueue(job: MediaJob, videos: Sequence[Video]) -> None:
    """Write a new job as QUEUED and due now, in the caller's transaction."""
    job.created_at = job.next_step_at = clock.now()
    job.save(force_insert=True)
    MediaJobSource.objects.bulk_create(
        MediaJobSource(job=job, video=video, position=n) for n, video in enumerate(videos)
    )
    wakeups.announce(MediaJob)


def claim_due(limit: int) -> list[MediaJob]:
    """Lease up to `limit` due jobs, the oldest first, at most EDITS_PER_USER of one user in all.

    Jobs whose files are to be removed come with the status that they ended with.
    """
    now = clock.now()
    if limit <= 0 or not _due(now).exists():  # spares an idle worker the write lock
        return []
    token, until = uuid4(), now + settings.LEASE
    with transaction.atomic():
        _lock_claims()
        chosen = _choose(limit, now)
        due = MediaJob.objects.filter(pk__in=chosen, next_step_at__lte=now)
        leased = leases.lease_rows(due, limit, token, next_step_at=until)
        leased.filter(status__in=MediaJob.ACTIVE).update(
            status=Status.RUNNING, started_at=now, progress=0, attempts=F("attempts") + 1
        )
    rows = leased.filter(lease=token).order_by("created_at", "pk")
    return list(rows.select_related("sound", "export").prefetch_related("sources"))


def _lock_claims() -> None:
    """Wait for the claims of other workers until the transaction ends, so that shares are exact."""
    if connection.vendor == "postgresql":  # on SQLite every transaction that writes waits
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])


def _due(now: datetime) -> QuerySet[MediaJob]:
    return MediaJob.objects.filter(next_step_at__lte=now)


def _choose(limit: int, now: datetime) -> list[UUID]:
    """The due jobs that may be claimed; users have their shares, cleaning up has none."""
    running = MediaJob.objects.filter(status=Status.RUNNING, next_step_at__gt=now).order_by()
    counts = dict(running.values_list("user_id").annotate(Count("pk")))
    full = [user for user, count in counts.items() if count >= settings.EDITS_PER_USER]
    due = _due(now).exclude(user_id__in=full, status__in=MediaJob.ACTIVE)
    chosen: list[UUID] = []
    rows = due.order_by("created_at", "pk").values_list("pk", "user_id", "status")
    for pk, user_id, status in rows[: max(limit, 1) * 100]:
        if status in MediaJob.ACTIVE:
            if counts.get(user_id, 0) >= settings.EDITS_PER_USER:
                continue
            counts[user_id] = counts.get(user_id, 0) + 1
        chosen.append(pk)
        if len(chosen) == limit:
            break
    return chosen


def next_due() -> datetime | None:
    """When the next job is due, or a lease ends; None when none waits."""
    waiting = MediaJob.objects.filter(next_step_at__isnull=False).order_by("next_step_at")
    return waiting.values_list("next_step_at", flat=True).first()


def renew_leases(jobs: Iterable[MediaJob]) -> None:
    """Extend the leases of jobs that are under way."""
    for job in jobs:
        _held(job).update(next_step_at=clock.now() + settings.LEASE)


def record_progress(job: MediaJob, percent: float) -> bool:
    """Record how far a job is; return whether it may go on."""
    return bool(_running(job).update(progress=max(0.0, min(percent, 100.0))))


def succeed(job: MediaJob, video: Video, stored: StoredResult) -> bool:
    """End a job as SUCCEEDED and write its video and its origin, in one transaction.

    Returns False, and writes nothing, when the lease was lost or the job was cancelled.
    """

    def write() -> None:
        state_machine.insert_edited(video)
        if stored.origin:
            records.record(video.pk, stored.sha256, stored.origin)

    return complete(job, write, result_id=video.pk)


def complete(job: MediaJob, write: Callable[[], object], **fields: Any) -> bool:
    """End a job as SUCCEEDED and `write` what it has made, in one transaction.

    Returns False, and writes nothing, when the lease was lost or the job was cancelled.
    """
    with transaction.atomic():
        feed.allocate_sequence(job.user_id, 0)  # the lock; a video takes the number
        ended = _running(job).update(
            status=Status.SUCCEEDED,
            progress=100,
            ended_at=clock.now(),
            lease=None,
            next_step_at=None,
            **fields,
        )
        if not ended:
            return False
        write()
        wakeups.announce(MediaJob)  # another one of the user may begin
    return True


def succeed_alone(job: MediaJob) -> bool:
    """End a job as SUCCEEDED that makes a file but no video. Returns False for a lost lease."""
    ended = _running(job).update(
        status=Status.SUCCEEDED, progress=100, ended_at=clock.now(), lease=None, next_step_at=None
    )
    if ended:
        wakeups.announce(MediaJob)  # another job of the user may begin
    return bool(ended)


def discard(job: MediaJob) -> None:
    """Give up a job that makes no video: a worker removes its file, and one that runs is cancelled.

    Safe to repeat, and in the caller's transaction.
    """
    with suppress(NotPossible):
        cancel(job)
        return
    rows = MediaJob.objects.filter(pk=job.pk, status=Status.SUCCEEDED, result=None, lease=None)
    if rows.update(needs_cleanup=True, next_step_at=clock.now()):
        wakeups.announce(MediaJob)


def fail(job: MediaJob, code: str, detail: str = "") -> bool:
    """End a running job as FAILED and return its credits. Returns False for a lost lease."""
    fields = {"lease": None, "next_step_at": clock.now(), "needs_cleanup": True}
    log.warning("%s failed: %s: %s", job, code, detail)
    return _end(
        _running(job), job, Status.FAILED, failure_code=code, failure_detail=detail, **fields
    )


def cancel(job: MediaJob) -> None:
    """End a job as CANCELLED and return its credits. Raises NotPossible.

    The worker that has it stops the process and removes the files; the lease stays for that.
    """
    rows = MediaJob.objects.filter(pk=job.pk, status__in=MediaJob.ACTIVE)
    now = clock.now()
    due = Case(When(lease=None, then=Value(now)), default=F("next_step_at"))
    if not _end(rows, job, Status.CANCELLED, needs_cleanup=True, next_step_at=due):
        raise NotPossible(_("Only an edit that waits or runs can be cancelled."))


def _end(rows: QuerySet[MediaJob], job: MediaJob, to: Status, **fields: Any) -> bool:
    with transaction.atomic():
        if not rows.update(status=to, ended_at=clock.now(), **fields):
            return False
        if job.credits:
            credits.refund(
                charges.job_spend_key(job.pk),
                charges.job_refund_key(job.pk),
                grace=to != Status.CANCELLED,
                description=f"Returned: {charges.describe_job(job)}",
            )
        wakeups.announce(MediaJob)
    return True


def give_back(job: MediaJob, *, counts: bool, pause: timedelta = timedelta()) -> bool:
    """Make a running job wait again; unless it `counts`, the attempt is not counted."""
    attempts = {} if counts else {"attempts": F("attempts") - 1}
    due = clock.now() + pause
    fields = {"lease": None, "next_step_at": due, "progress": 0.0}
    given = _running(job).update(status=Status.QUEUED, **fields, **attempts)
    if given:
        wakeups.announce(MediaJob)
    return bool(given)


def release_for_cleanup(job: MediaJob) -> None:
    """Say that nothing works on an ended job any more: its files may be removed now."""
    _held(job).filter(needs_cleanup=True).update(lease=None, next_step_at=clock.now())


def record_cleanup(job: MediaJob) -> None:
    """Record that an ended job has left nothing."""
    rows = _held(job).exclude(status__in=MediaJob.ACTIVE)
    rows.update(needs_cleanup=False, lease=None, next_step_at=None)


def _held(job: MediaJob) -> QuerySet[MediaJob]:
    return MediaJob.objects.filter(pk=job.pk, lease=job.lease)


def _running(job: MediaJob) -> QuerySet[MediaJob]:
    return _held(job).filter(status=Status.RUNNING)
