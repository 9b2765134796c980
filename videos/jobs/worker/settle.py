"""Record the results of executed steps, each in a transaction fenced by the video's lease."""

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from config.lib import clock, tracing
from config.lib.metrics import counting
from videos.credentials import records
from videos.engines import lifetimes
from videos.engines.base import Job, JobState, ids_named
from videos.engines.errors import EngineError, Unsupported
from videos.jobs import callbacks, rescue, state_machine
from videos.jobs.engine_choice import circuit_breaker
from videos.jobs.money import costs
from videos.jobs.worker import execute, polls, step_failures
from videos.media import files
from videos.models import Video

log = logging.getLogger(__name__)
Status = Video.Status

CLEANUP_PAUSES = (5, 30, 120, 600, 1800, 3600)
# An unanswered submit is searched for so often before it counts as never accepted.
MAX_SEARCHES = 3
MAX_SUBMITS = 3


def settle(done: list[tuple[Video, execute.Result]]) -> None:
    """Record the results of claimed videos' steps; nothing is recorded for a lost lease.

    Polls that only report progress, by far the most, share one transaction.
    """
    now = clock.now()
    progress = [(v, r) for v, r in done if isinstance(r, Job) and _is_progress(v, r, now)]
    try:
        polls.record_polls(progress)
    except Exception:  # their leases end and they are due again; the others must go on
        log.exception("%d polls could not be recorded", len(progress))
    for video, result in done:
        _count(video, result)
        if isinstance(result, Job) and _is_progress(video, result, now):
            continue
        try:
            with tracing.belonging_to(_trace_of(video)):
                _settle_one(video, result)
        except Exception:  # its lease ends and it is due again; the others must go on
            log.exception("the result of video %s could not be recorded", video.pk)


def _trace_of(video: Video) -> str | None:
    return video.traceparent if tracing.is_on() else None  # of polls the column is not loaded


def _count(video: Video, result: execute.Result) -> None:
    if video.status == Status.RUNNING:
        counting.poll(video.engine)
    if isinstance(result, EngineError):
        counting.engine_error(video.engine, video.status, result)


def _is_progress(video: Video, job: Job, now: datetime) -> bool:
    return video.status == Status.RUNNING and job.is_under_way and now < video.deadline_at


def _settle_one(video: Video, result: execute.Result) -> None:
    if video.status == Status.SUBMITTING:
        error = result if isinstance(result, EngineError) else None
        circuit_breaker.record_submit(video.engine, video.pk, error)
    if video.is_rescue_due:
        _record_rescue(video, result)
    elif not video.is_active:
        _record_cleanup(video, result)
    elif isinstance(result, files.StoredResult):
        _record_success(video, result)
    elif isinstance(result, list):
        _match_lost_submit(video, result)
    elif isinstance(result, Job):
        _record_job(video, result)
    elif isinstance(result, EngineError):
        step_failures.record_failure(video, result)
    else:
        state_machine.end_overdue(video)


def _record_job(video: Video, job: Job) -> None:
    """Record what the engine says of a job: accepted, rendering, finished or failed."""
    if video.status in state_machine.MAY_COME_FROM[Status.RUNNING]:
        if not _record_acceptance(video, job):
            _schedule_job_deletion(video, job)
            return
        video = Video.objects.get(pk=video.pk)
        callbacks.wake_for_early_callbacks(video)
    if job.state is JobState.SUCCEEDED:
        now = clock.now()
        if tracing.is_on():
            facts: dict[str, str | int] = {"engine": video.engine, "polls": video.poll_count}
            tracing.note_span("render", _trace_of(video), video.started_at, now, **facts)
        adapter = settings.ENGINES.get(video.engine, {}).get("adapter", "")
        state_machine.move(
            video,
            Status.DOWNLOADING,
            rendered_at=now,
            engine_keeps_until=lifetimes.kept_until(adapter, job, now),
            attempts=0,
            **costs.of_poll(job),
            **state_machine.due_in(0),
        )
    elif job.failure:
        state_machine.end(
            video,
            Status.FAILED,
            code=job.failure.code,
            detail=job.failure.detail,
            **costs.of_failure(video, job),
        )
    elif clock.now() >= video.deadline_at:
        state_machine.end_overdue(video)
    else:
        polls.record_polls([(video, job)])


def _record_acceptance(video: Video, job: Job) -> bool:
    now = clock.now()
    try:
        with transaction.atomic():
            return state_machine.move(
                video,
                Status.RUNNING,
                keep_lease=True,
                engine_job_id=job.id,
                started_at=now,
                attempts=0,
                **costs.of_acceptance(video, job),
            )
    except IntegrityError:
        # Another video was matched to this job before this answer arrived.
        state_machine.move(video, Status.SUBMIT_UNKNOWN, **state_machine.due_in(1))
        return False


def _schedule_job_deletion(video: Video, job: Job) -> None:
    """Have the job deleted at the engine when the video ended while the engine accepted it."""
    over = Video.objects.filter(pk=video.pk, engine_job_id="").exclude(status__in=Video.ACTIVE)
    # Clearing the lease keeps a cleanup that is already running from cancelling this one.
    over.update(
        engine_job_id=job.id,
        needs_cleanup=True,
        attempts=0,
        lease=None,
        next_step_at=clock.now(),
        **costs.of_acceptance(video, job),
    )


def _match_lost_submit(video: Video, jobs: list[Job]) -> None:
    """Match a video whose submit went unanswered to one of the `jobs` found at the engine.

    Without a job the search is repeated, then the order is submitted again, then it fails.
    """
    taken = Video.objects.filter(engine=video.engine, engine_job_id__in=[job.id for job in jobs])
    taken_ids = set(taken.values_list("engine_job_id", flat=True))
    free = [job for job in jobs if job.id not in taken_ids]  # newest first
    same_prompt = Video.objects.filter(
        engine=video.engine, prompt=video.prompt, status=Status.SUBMITTING
    )
    if clock.now() >= video.deadline_at:
        state_machine.end_overdue(video)
    elif free and same_prompt.exclude(pk=video.pk).exists():
        # The job may belong to the other video: wait for the answer to its submit.
        step_failures.retry_later(video, 2, attempts=video.attempts)
    elif free and _may_show_another_image(video, free[-1]):
        # A callback tells; without one both end at their deadline, which is better than a swap.
        step_failures.retry_later(video, 15, attempts=video.attempts)
    elif free:
        _record_job(video, free[-1])
    elif video.attempts + 1 < MAX_SEARCHES:
        step_failures.retry_later(video, 5)
    elif video.submit_count < MAX_SUBMITS:
        state_machine.move(video, Status.QUEUED, attempts=0, **state_machine.due_in(0))
    else:
        state_machine.end(video, Status.FAILED, code="submit_lost")


def _may_show_another_image(video: Video, job: Job) -> bool:
    """Whether the job may be that of an equal order with another image, which is lost too.

    Engines list jobs without their images, so that only a callback can tell such orders apart.
    """
    named = video.engine_callbacks.filter(engine_job_id__in=ids_named(job.id))
    lost = Video.objects.filter(
        engine=video.engine, prompt=video.prompt, status=Status.SUBMIT_UNKNOWN
    ).exclude(pk=video.pk)
    own = [image.pk for image in video.images]
    images = (
        [image.pk for image in other.images]
        for other in lost.select_related("first_image", "last_image")
    )
    return any(others != own for others in images) and not named.exists()


def _record_success(video: Video, saved: files.StoredResult) -> None:
    with transaction.atomic():
        moved = state_machine.move(video, Status.SUCCEEDED, **_fields_of(saved))
        if moved:
            _record_origin(video, saved)
    if not moved:
        # The video ended meanwhile: its files must be deleted.
        Video.objects.filter(pk=video.pk, status__in=Video.LOST).update(
            needs_cleanup=True, lease=None, next_step_at=clock.now()
        )


def _record_origin(video: Video, saved: files.StoredResult) -> None:
    if saved.origin is not None:
        records.record(video.pk, saved.sha256, saved.origin)


def _fields_of(saved: files.StoredResult) -> dict[str, Any]:
    return {
        "progress": 100,
        "completed_at": clock.now(),
        "next_step_at": None,
        "file": saved.file,
        "file_stays_at_engine": not saved.file,
        "file_bytes": saved.size_bytes,
        "file_sha256": saved.sha256,
        "thumbnail": saved.thumbnail,
        "spritesheet": saved.spritesheet,
    }


def _record_rescue(video: Video, result: execute.Result) -> None:
    if isinstance(result, EngineError):
        rescue.record_failure(video, result)
    elif isinstance(result, files.StoredResult) and not _rescue(video, result):
        # Its owner has deleted it meanwhile: its files must be deleted.
        gone = Video.objects.filter(pk=video.pk, status__in=Video.LOST, deleted_at__isnull=False)
        gone.update(needs_cleanup=True, lease=None, next_step_at=clock.now())


def _rescue(video: Video, saved: files.StoredResult) -> bool:
    with transaction.atomic():
        is_rescued = state_machine.rescue(video, **_fields_of(saved))
        if is_rescued:
            _record_origin(video, saved)
    return is_rescued


def _record_cleanup(video: Video, result: execute.Result) -> None:
    rows = Video.objects.filter(pk=video.pk, lease=video.lease)
    attempts_exhausted = video.attempts >= len(CLEANUP_PAUSES)
    if isinstance(result, execute.Cleaned | Unsupported) or attempts_exhausted:
        rows.update(
            needs_cleanup=False,
            lease=None,
            next_step_at=None,
            result_kept_until=None,
            fetches_again=False,
        )
    else:
        rows.update(
            attempts=F("attempts") + 1, **state_machine.due_in(CLEANUP_PAUSES[video.attempts])
        )
