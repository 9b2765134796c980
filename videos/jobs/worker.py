"""What workers do with videos: claim what is due, take one step outside, settle what came of it.

The table is the queue. A dead worker's rows become due again when its lease ends.
"""

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, prefetch_related_objects
from django.utils import timezone

from videos import feed
from videos.engines import base
from videos.engines.base import (
    EngineError,
    Job,
    JobState,
    NotFound,
    RateLimited,
    Refused,
    RenderRequest,
    Unavailable,
    Unsupported,
)
from videos.jobs import callbacks, circuit_breaker, routing, state_machine
from videos.media import files
from videos.models import Video

log = logging.getLogger(__name__)
Status = Video.Status

DOWNLOAD_PAUSES = (2, 4, 8, 15, 30, 30, 30, 30)
CLEANUP_PAUSES = (5, 30, 120, 600, 1800, 3600)
LOOKS = 3
MAX_SUBMITS = 3


class Overdue:
    """The deadline passed while the order waited, so nothing was tried."""


class Cleaned:
    """The job is deleted at the engine."""


Result = Job | list[Job] | files.Saved | EngineError | Overdue | Cleaned


def claim(limit: int, *, downloads: bool = True) -> list[Video]:
    """Take up to `limit` due videos for this worker; without `downloads` none that is downloading.

    What is returned is ready for `perform`: a queued order has become SUBMITTING, and one that was
    SUBMITTING when its worker died has become SUBMIT_UNKNOWN. One whose engine gets no orders at
    the moment has moved to another or waits.
    """
    now = timezone.now()
    due = Video.objects.due(now)
    if not downloads:
        due = due.exclude(status=Status.DOWNLOADING)
    if limit <= 0 or not due.exists():  # spares an idle worker the write lock
        return []
    token = uuid4()
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=skip).values_list("pk", flat=True)
        mine = Video.objects.filter(pk__in=list(locked[:limit]))
        mine.update(lease=token, claimed_at=now, next_step_at=now + settings.LEASE)
        died = mine.filter(status=Status.SUBMITTING)
        state_machine.start(died, Status.SUBMIT_UNKNOWN, now, attempts=0)
        routing.send(mine.filter(status=Status.QUEUED, deadline_at__gt=now), now)
    held = list(Video.objects.filter(lease=token).select_related("reference", "source"))
    lost = [video for video in held if video.status == Status.SUBMIT_UNKNOWN]
    prefetch_related_objects(lost, "engine_callbacks")  # a step has no database
    return held


def renew(claimed: list[Video]) -> None:
    """Keep the leases of videos whose step takes long."""
    mine = Video.objects.filter(
        pk__in=[video.pk for video in claimed], lease__in={video.lease for video in claimed}
    )
    mine.update(next_step_at=timezone.now() + settings.LEASE)


def perform(video: Video) -> Result:
    """Take one claimed video's step outside: network and files only, no database."""
    try:
        return _step(video)
    except EngineError as error:
        return error
    except Exception as error:  # a full disk, a bug: the video must still end within its deadline
        log.exception("video %s, %s", video.pk, video.status)
        return Unavailable(repr(error), code=circuit_breaker.OUR_FAULT, maybe_accepted=True)


def _step(video: Video) -> Result:
    if not video.is_active:
        _clean(video)
        return Cleaned()
    engine = base.get(video.engine)
    match video.status:
        case Status.SUBMITTING:
            return engine.submit(_order(video))
        case Status.SUBMIT_UNKNOWN:
            # Their clock may be behind ours.
            since = (video.submitted_at or video.created_at) - timedelta(minutes=2)
            return engine.find(_order(video), since)
        case Status.RUNNING:
            return engine.fetch(video.engine_job_id)
        case Status.DOWNLOADING:
            return files.collect(engine, video)
        case _:
            return Overdue()


def _clean(video: Video) -> None:
    if video.deleted_at or video.is_lost:
        files.remove(video)
    # One that is not configured any more cannot be asked, and must not keep our files here.
    if video.engine_job_id and video.engine in settings.ENGINES:
        base.get(video.engine).delete(video.engine_job_id)


def _order(video: Video) -> RenderRequest:
    looking = video.status == Status.SUBMIT_UNKNOWN
    return RenderRequest(
        token=str(video.pk),
        prompt=video.prompt,
        model=video.model,
        size=video.size,
        seconds=video.seconds,
        image=files.first_frame(video.reference, video.size) if video.reference else None,
        source_id=video.source.engine_job_id if video.source else "",
        callback_url=callbacks.address_of(video),
        heard=tuple({callback.engine_job_id for callback in video.engine_callbacks.all()})
        if looking
        else (),
    )


def settle(done: list[tuple[Video, Result]]) -> None:
    """Write down what claimed videos' steps came to; a lease that was lost writes nothing.

    Plain news of progress, by far the most, is written in one transaction.
    """
    now = timezone.now()
    _progress([(v, r) for v, r in done if isinstance(r, Job) and _is_plain(v, r, now)])
    for video, result in done:
        if isinstance(result, Job) and _is_plain(video, result, now):
            continue
        try:
            _settle(video, result)
        except Exception:  # its lease ends and it comes due again; the others must go on
            log.exception("video %s could not be settled", video.pk)


def _is_plain(video: Video, job: Job, now: datetime) -> bool:
    rendering = job.state in {JobState.QUEUED, JobState.RUNNING}
    return video.status == Status.RUNNING and rendering and now < video.deadline_at


def _settle(video: Video, result: Result) -> None:
    if video.status == Status.SUBMITTING:
        error = result if isinstance(result, EngineError) else None
        circuit_breaker.report(video.engine, video.pk, error)
    if not video.is_active:
        _settle_cleanup(video, result)
    elif isinstance(result, files.Saved):
        _succeed(video, result)
    elif isinstance(result, list):
        _adopt(video, result)
    elif isinstance(result, Job):
        _follow(video, result)
    elif isinstance(result, EngineError):
        _stumble(video, result)
    else:
        state_machine.end(video, Status.TIMEOUT, code="timeout")


def _follow(video: Video, job: Job) -> None:
    """An answer about the job: it was accepted, moves on, has its file, or failed."""
    if video.status in state_machine.MAY_COME_FROM[Status.RUNNING]:
        if not _run(video, job):
            _orphan(video, job)
            return
        video = Video.objects.get(pk=video.pk)
        callbacks.ring_early(video)
    if job.state is JobState.SUCCEEDED:
        state_machine.move(
            video,
            Status.DOWNLOADING,
            rendered_at=timezone.now(),
            attempts=0,
            **state_machine.due_in(0),
        )
    elif job.failure:
        state_machine.end(video, Status.FAILED, code=job.failure.code, detail=job.failure.detail)
    elif timezone.now() >= video.deadline_at:
        state_machine.end(video, Status.TIMEOUT, code="timeout")
    else:
        _progress([(video, job)])


def _run(video: Video, job: Job) -> bool:
    now = timezone.now()
    try:
        with transaction.atomic():
            return state_machine.move(
                video,
                Status.RUNNING,
                keep_lease=True,
                engine_job_id=job.id,
                started_at=now,
                attempts=0,
            )
    except IntegrityError:
        # Another video holds this job: it was matched to it while this answer was on its way.
        state_machine.move(video, Status.SUBMIT_UNKNOWN, **state_machine.due_in(1))
        return False


def _orphan(video: Video, job: Job) -> None:
    """The order ended while it was being accepted: have the job deleted at the engine."""
    over = Video.objects.filter(pk=video.pk, engine_job_id="").exclude(status__in=Video.ACTIVE)
    # Without its lease a cleanup that is under way cannot call off this one.
    over.update(
        engine_job_id=job.id,
        needs_cleanup=True,
        attempts=0,
        lease=None,
        next_step_at=timezone.now(),
    )


def _progress(looks: list[tuple[Video, Job]]) -> None:
    """Give rendering videos back until their next look, and tell of what moved forward."""
    moved = []
    with transaction.atomic(), connection.cursor() as cursor:
        for user_id, videos in _by_user(looks):
            count = sum(_moves(video, job) for video, job in videos)
            sequence = feed.allocate_sequence(user_id, count) - count if count else 0
            for video, job in videos:
                moves = _moves(video, job)
                if moves:
                    sequence += 1
                    video.sequence, video.progress = sequence, min(job.progress or 0.0, 99.0)
                pause = job.poll_after or _poll_pause(video.poll_count)
                if state_machine.looked(cursor, video, pause) and moves:
                    moved.append(video)
        for video in moved:
            feed.publish_change(video)


def _moves(video: Video, job: Job) -> bool:
    return min(job.progress or 0.0, 99.0) > video.progress


def _by_user(looks: list[tuple[Video, Job]]) -> Iterable[tuple[UUID, list[tuple[Video, Job]]]]:
    """In the order of the users' ids, so that two workers lock their feeds in the same order."""
    ordered = sorted(looks, key=lambda look: look[0].user_id)
    for user_id, group in groupby(ordered, key=lambda look: look[0].user_id):
        yield user_id, list(group)


def _poll_pause(polls: int) -> float:
    """5 s at first, half as long again each time up to 20 s, less up to a fifth of jitter."""
    first, slowest = settings.POLL_FIRST.total_seconds(), settings.POLL_SLOWEST.total_seconds()
    pause: float = min(first * 1.5 ** min(polls, 20), slowest)
    return pause * random.uniform(0.8, 1.0)  # noqa: S311 - spreads load, keeps no secret


def _adopt(video: Video, jobs: list[Job]) -> None:
    """The answer to a submit was lost: take the job it became, or find that there is none."""
    taken = Video.objects.filter(engine=video.engine, engine_job_id__in=[job.id for job in jobs])
    known = set(taken.values_list("engine_job_id", flat=True))
    free = [job for job in jobs if job.id not in known]  # newest first
    twins = Video.objects.filter(engine=video.engine, prompt=video.prompt, status=Status.SUBMITTING)
    if timezone.now() >= video.deadline_at:
        state_machine.end(video, Status.TIMEOUT, code="timeout")
    elif free and twins.exclude(pk=video.pk).exists():
        _wait(video, 2, attempts=video.attempts)  # it may be theirs: let their answer come first
    elif free:
        _follow(video, free[-1])
    elif video.attempts + 1 < LOOKS:
        _wait(video, 5)
    elif video.submit_count < MAX_SUBMITS:
        state_machine.move(video, Status.QUEUED, attempts=0, **state_machine.due_in(0))
    else:
        state_machine.end(video, Status.FAILED, code="submit_lost")


def _stumble(video: Video, error: EngineError) -> None:
    """A step failed: wait and try again where that can help, else end with the credits back."""
    log.warning("video %s, %s: %s", video.pk, video.status, error)
    if timezone.now() >= video.deadline_at:
        state_machine.end(video, Status.TIMEOUT, code="timeout", detail=error.detail)
        return
    match video.status:
        case Status.SUBMITTING:
            _not_submitted(video, error)
        case Status.SUBMIT_UNKNOWN if isinstance(error, Unsupported):
            state_machine.end(video, Status.FAILED, code="submit_lost", detail=error.detail)
        case Status.SUBMIT_UNKNOWN:
            _wait(video, error.retry_after or 5, attempts=video.attempts)
        case Status.RUNNING if isinstance(error, NotFound):
            _missing(video, error)
        case Status.DOWNLOADING if isinstance(error, Refused) or (
            video.attempts >= len(DOWNLOAD_PAUSES)
        ):
            state_machine.end(video, Status.FAILED, code="result_unavailable", detail=error.detail)
        case Status.DOWNLOADING:
            _wait(video, DOWNLOAD_PAUSES[video.attempts])
        case _:
            _wait(video, error.retry_after or _backoff(video.attempts))


def _not_submitted(video: Video, error: EngineError) -> None:
    if error.maybe_accepted:
        state_machine.move(video, Status.SUBMIT_UNKNOWN, attempts=0, **state_machine.due_in(2))
    elif routing.move_on(video, error):
        pass  # another engine has it now
    elif error.retryable:
        pause = error.retry_after or _backoff(video.attempts)
        busy = isinstance(error, RateLimited)
        state_machine.move(
            video,
            Status.QUEUED,
            attempts=video.attempts + (0 if busy else 1),
            submit_count=F("submit_count") - 1,
            **state_machine.due_in(pause),
        )
    else:
        state_machine.end(video, Status.FAILED, code=error.code, detail=error.detail)


def _missing(video: Video, error: EngineError) -> None:
    """A job is only believed to be lost when its engine has denied it for a while."""
    now = timezone.now()
    since = video.missing_since or now
    if now - since >= settings.MISSING_AFTER:
        state_machine.end(video, Status.FAILED, code=error.code, detail=error.detail)
    else:
        pause = settings.MISSING_AFTER.total_seconds() / 3
        _wait(video, pause, missing_since=since)


def _backoff(attempts: int) -> float:
    """2 s doubling to a minute, with jitter."""
    return min(2.0 ** (attempts + 1), 60) * random.uniform(0.8, 1.2)  # noqa: S311


def _wait(
    video: Video,
    seconds: float,
    *,
    attempts: int | None = None,
    missing_since: datetime | None = None,
) -> None:
    count = video.attempts + 1 if attempts is None else attempts
    Video.objects.filter(pk=video.pk, lease=video.lease).update(
        attempts=count, missing_since=missing_since, **state_machine.due_in(seconds)
    )


def _succeed(video: Video, saved: files.Saved) -> None:
    done = state_machine.move(
        video,
        Status.SUCCEEDED,
        progress=100,
        completed_at=timezone.now(),
        next_step_at=None,
        file=saved.file,
        file_bytes=saved.size_bytes,
        file_sha256=saved.sha256,
        thumbnail=saved.thumbnail,
        spritesheet=saved.spritesheet,
    )
    if not done:
        # Ended meanwhile: a deleted video's files must not outlive it.
        Video.objects.filter(pk=video.pk, status__in=Video.LOST).update(
            needs_cleanup=True, lease=None, next_step_at=timezone.now()
        )


def _settle_cleanup(video: Video, result: Result) -> None:
    mine = Video.objects.filter(pk=video.pk, lease=video.lease)
    tired = video.attempts >= len(CLEANUP_PAUSES)
    if isinstance(result, Cleaned | Unsupported) or tired:
        mine.update(needs_cleanup=False, lease=None, next_step_at=None)
    else:
        mine.update(
            attempts=F("attempts") + 1, **state_machine.due_in(CLEANUP_PAUSES[video.attempts])
        )
