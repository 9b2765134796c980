"""Record a failed step: try again later, move the order to another engine, or end the video."""

import logging
import random
from datetime import datetime

from django.conf import settings
from django.db.models import F

from config.lib import clock
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    OutOfCredit,
    RateLimited,
    Refused,
    UnclearOutcome,
    Unplayable,
    Unsupported,
)
from videos.jobs import state_machine
from videos.jobs.engine_choice import routing
from videos.models import Video

log = logging.getLogger(__name__)
Status = Video.Status

# Seconds between the tries to fetch a finished file; the last pause repeats.
DOWNLOAD_PAUSES = (2, 4, 8, 15, 30, 60, 120, 300)


def record_failure(video: Video, error: EngineError) -> None:
    """Retry the step later where that can help, else end the video and refund its credits."""
    log.warning("step of video %s (%s) failed: %s", video.pk, video.status, error)
    unanswered = video.status == Status.SUBMITTING and error.maybe_accepted
    if clock.now() >= video.deadline_at and not unanswered:  # the engine may have that job
        # An order that no engine has taken was not submitted.
        taken_back = {"submit_count": F("submit_count") - 1}
        fields = taken_back if video.status == Status.SUBMITTING else {}
        state_machine.end_overdue(video, error.detail, **fields)
        return
    match video.status:
        case Status.SUBMITTING:
            _record_submit_failure(video, error)
        case Status.SUBMIT_UNKNOWN if isinstance(error, Unsupported):
            state_machine.end(video, Status.FAILED, code="submit_lost", detail=error.detail)
        case Status.SUBMIT_UNKNOWN:
            retry_later(video, error.retry_after or 5, attempts=video.attempts)
        case Status.RUNNING if isinstance(error, NotFound | UnclearOutcome):
            _record_missing_job(video, error)
        case Status.DOWNLOADING:
            _record_failed_download(video, error)
        case _:
            retry_later(video, error.retry_after or _backoff(video.attempts))


def _record_submit_failure(video: Video, error: EngineError) -> None:
    if error.maybe_accepted:
        state_machine.move(video, Status.SUBMIT_UNKNOWN, attempts=0, **state_machine.due_in(2))
    elif routing.move_to_other_engine(video, error):
        pass  # the other engine has the order now
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


def _record_failed_download(video: Video, error: EngineError) -> None:
    """Fetch the finished file again: the operator has paid for it.

    While the engine, the network, our disk, the bucket or the operator's account is the trouble,
    until RESULT_DEADLINE. An engine that answers without the file, or with a damaged one, gets
    VIDEO_DEADLINE for it; one that says that there is none, or whose file is unplayable, nothing.
    """
    now = clock.now()
    answered = isinstance(error, NotReady | BadAnswer | InvalidRequest)
    since = (video.missing_since or now) if answered else None
    may_pass = isinstance(error, AuthFailed | OutOfCredit | InvalidRequest)
    is_final = isinstance(error, Refused) and not may_pass
    if is_final or (since and now - since >= settings.VIDEO_DEADLINE):
        state_machine.end(
            video,
            Status.FAILED,
            code=error.code if isinstance(error, Unplayable) else "result_unavailable",
            detail=error.detail,
            has_result=not isinstance(error, NotFound | Gone),
        )
    else:
        pause = DOWNLOAD_PAUSES[min(video.attempts, len(DOWNLOAD_PAUSES) - 1)]
        retry_later(video, error.retry_after or pause, missing_since=since)


def _record_missing_job(video: Video, error: EngineError) -> None:
    """End the video once its engine has answered for MISSING_AFTER that the job is not there.

    The same holds for a job that has ended, but nobody can say how.
    """
    now = clock.now()
    since = video.missing_since or now
    if now - since >= settings.MISSING_AFTER:
        state_machine.end(video, Status.FAILED, code=error.code, detail=error.detail)
    else:
        pause = settings.MISSING_AFTER.total_seconds() / 3
        retry_later(video, pause, missing_since=since)


def _backoff(attempts: int) -> float:
    """Seconds to wait: 2, doubling to 60, with jitter."""
    return min(2.0 ** (attempts + 1), 60) * random.uniform(0.8, 1.2)  # noqa: S311


def retry_later(
    video: Video,
    seconds: float,
    *,
    attempts: int | None = None,
    missing_since: datetime | None = None,
) -> None:
    """Release the video and make it due in `seconds`, with one more attempt unless given."""
    count = video.attempts + 1 if attempts is None else attempts
    Video.objects.filter(pk=video.pk, lease=video.lease).update(
        attempts=count, missing_since=missing_since, **state_machine.due_in(seconds)
    )
