"""The states of a video and the transitions between them: the only writer of Video.status.

    QUEUED ──► SUBMITTING ──► RUNNING ──► DOWNLOADING ──► SUCCEEDED
      ▲  ▲         │ answer lost   │            │
      │  └───── SUBMIT_UNKNOWN ────┘            │
      │  not there   found there                │
      └── certainly not accepted                │
    from every state left of SUCCEEDED: FAILED · CANCELLED · TIMEOUT, which refund the credits
    that the order cost, whether there is still billing or not
    FAILED · TIMEOUT ──► SUCCEEDED when staff have the file fetched again; the credits stay refunded
    an edit has no states before SUCCEEDED here: it waits and runs as a job of videos.editing

An order waits in our queue for QUEUE_DEADLINE at most, besides the time for which its owner pauses
it: a paused order is QUEUED and never due. The engine has VIDEO_DEADLINE from when it
took the job, and the finished file is fetched for RESULT_DEADLINE: the engine has been paid.

Lock order: the user's feed, the video, the user's credits.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DurationField, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import clock
from config.lib.metrics import counting
from config.lib.queues import wakeups
from videos import feed
from videos.jobs.money import charges
from videos.models import Video, VideoEvent
from videos.push import messages as push_messages
from videos.webhooks import deliveries

Status = Video.Status

MAY_COME_FROM: dict[Status, tuple[Status, ...]] = {
    Status.QUEUED: (Status.SUBMITTING, Status.SUBMIT_UNKNOWN),
    Status.SUBMITTING: (Status.QUEUED,),
    Status.SUBMIT_UNKNOWN: (Status.SUBMITTING,),
    Status.RUNNING: (Status.SUBMITTING, Status.SUBMIT_UNKNOWN),
    Status.DOWNLOADING: (Status.RUNNING,),
    Status.SUCCEEDED: (Status.DOWNLOADING,),
    Status.FAILED: Video.ACTIVE,
    Status.CANCELLED: Video.ACTIVE,
    Status.TIMEOUT: Video.ACTIVE,
}

# What a poll reads of a video, and what recording it does.
POLLED_COLUMNS = (
    "id", "user_id", "status", "progress", "sequence", "engine", "engine_job_id", "cost_amount",
    "cost_currency", "cost_source", "lease", "attempts", "missing_since", "poll_count",
    "deadline_at", "deleted_at",
)  # fmt: skip
POLLS_CLAIM = """
WITH due AS (
    SELECT id FROM videos_video
    WHERE next_step_at <= %s AND status = 'running' AND engine IN ({engines})
    ORDER BY next_step_at LIMIT %s {skip}
)
UPDATE videos_video SET lease = %s, claimed_at = %s, next_step_at = %s
FROM due WHERE videos_video.id = due.id
RETURNING {columns}
"""
POLLS_UPDATE = """
WITH polled (id, lease, progress, sequence, due_at) AS (VALUES {rows})
UPDATE videos_video SET progress = polled.progress, sequence = polled.sequence, updated_at = {now},
    poll_count = videos_video.poll_count + 1, attempts = 0, missing_since = NULL, lease = NULL,
    next_step_at = CASE WHEN videos_video.woken_at > videos_video.claimed_at
        THEN {now} ELSE polled.due_at END
FROM polled
WHERE videos_video.id = polled.id AND videos_video.lease = polled.lease
    AND videos_video.status = 'running'
RETURNING videos_video.id
"""
# For how long its owner has paused an order before.
_PAUSED_FOR = Coalesce(F("paused_for"), Value(timedelta(), DurationField()))
# PostgreSQL takes the types of the columns of VALUES from the values alone.
POSTGRESQL_TYPES = ("uuid", "uuid", "double precision", "bigint", "timestamptz")


class NotPossible(Exception):
    """The video is not in a state that allows this; nothing was changed."""


def enqueue(video: Video) -> None:
    """Write a new video as QUEUED and due now; the caller's transaction holds the user's feed."""
    now = clock.now()
    video.created_at = video.next_step_at = now
    video.deadline_at = now + settings.QUEUE_DEADLINE
    video.save(force_insert=True)
    VideoEvent.objects.create(video=video, status=Status.QUEUED, at=now)
    feed.publish_change(video)
    wakeups.announce(Video)


def insert_edited(video: Video) -> None:
    """Write a video that an edit has made, as SUCCEEDED, in the caller's transaction."""
    _insert_finished(video, clock.now(), "edited")
    _tell(video)


def insert_imported(video: Video, made_at: datetime) -> None:
    """Write a video that was made elsewhere, in the caller's transaction; only open pages hear."""
    _insert_finished(video, made_at, "imported")
    feed.publish_change(video)


def _insert_finished(video: Video, made_at: datetime, note: str) -> None:
    video.sequence = feed.allocate_sequence(video.user_id)
    video.status, video.progress = Status.SUCCEEDED, 100
    video.created_at = video.completed_at = video.deadline_at = made_at
    video.save(force_insert=True)
    VideoEvent.objects.create(video=video, status=Status.SUCCEEDED, at=clock.now(), note=note)


def cancel_waiting(video: Video) -> bool:
    """Cancel a video as `cancel` does, but only while it waits in our queue; False otherwise."""
    return end(video, Status.CANCELLED, fenced=False, coming_from=(Status.QUEUED,))


def cancel(video: Video) -> None:
    """End an active video as CANCELLED and refund its credits. Raises NotPossible."""
    if not end(video, Status.CANCELLED, fenced=False):
        raise NotPossible(_("Only a video that is waiting or rendering can be cancelled."))


def pause(video: Video) -> None:
    """Hold a waiting order back until `resume`. Raises NotPossible when it does not wait."""
    now = clock.now()
    rows = Video.objects.filter(pk=video.pk, status=Status.QUEUED, lease=None, paused_at=None)
    _change_waiting(video, rows, paused_at=now, next_step_at=None)


def resume(video: Video) -> None:
    """Make a paused order due again; its deadline moves by the pause. Raises NotPossible."""
    now, since = clock.now(), video.paused_at
    if since is None:
        raise NotPossible(_("This order is not paused."))
    rows = Video.objects.filter(pk=video.pk, status=Status.QUEUED, paused_at=since)
    _change_waiting(
        video,
        rows,
        paused_at=None,
        paused_for=_PAUSED_FOR + (now - since),
        deadline_at=F("deadline_at") + (now - since),
        next_step_at=now,
    )
    wakeups.announce(Video)


def move_to_front(video: Video) -> None:
    """Put a waiting order before the others of its owner. Raises NotPossible."""
    rows = Video.objects.filter(pk=video.pk, status=Status.QUEUED)
    _change_waiting(video, rows, front_at=clock.now())


def _change_waiting(video: Video, rows: QuerySet[Video], **fields: Any) -> None:
    """Change how a waiting order waits, if `rows` still holds it; its status stays."""
    with transaction.atomic():
        sequence = feed.allocate_sequence(video.user_id)
        if not rows.update(sequence=sequence, updated_at=clock.now(), **fields):
            raise NotPossible(_("This order no longer waits."))
        feed.publish_change(Video.objects.get(pk=video.pk))


def wake(video: Video, *, by_new_callback: bool = False) -> None:
    """Make a video that waits for its engine due now; at most once a second, but by new callbacks.

    What a client asks for again and again must not become as many polls.
    """
    now = clock.now()
    at_once = Case(When(lease=None, then=Value(now)), default=F("next_step_at"))
    rows = Video.objects.filter(pk=video.pk, status__in=(Status.RUNNING, Status.SUBMIT_UNKNOWN))
    if not by_new_callback:
        rows = rows.filter(Q(woken_at=None) | Q(woken_at__lt=now - timedelta(seconds=1)))
    if rows.update(woken_at=now, next_step_at=at_once):
        wakeups.announce(Video)


def request_poll(video: Video) -> None:
    """Wake a RUNNING video because a user watches it; other states keep their schedule."""
    if video.status == Status.RUNNING:
        wake(video)


def start(
    rows: QuerySet[Video], to: Status, now: datetime, *, note: str = "", **fields: object
) -> None:
    """Move rows that the caller has claimed and locked in its transaction."""
    ids = list(rows.values_list("pk", flat=True))
    if ids:
        fields |= _deadline_in(to, now)
        Video.objects.filter(pk__in=ids).update(status=to, updated_at=now, **fields)
        VideoEvent.objects.bulk_create(
            VideoEvent(video_id=pk, status=to, at=now, note=note) for pk in ids
        )


def end(
    video: Video,
    to: Status,
    *,
    code: str = "",
    detail: str = "",
    fenced: bool = True,
    has_result: bool = True,
    **fields: Any,
) -> bool:
    """Move to FAILED, CANCELLED or TIMEOUT and refund the credits, in one transaction.

    A job that has finished is left at the engine for RESULT_GRACE, so that staff can have its file
    fetched again, unless it has no result or the user cancelled. Returns False, and changes
    nothing, when another process was first.
    """
    now = clock.now()
    is_kept = has_result and to in Video.RESCUABLE and settings.RESULT_GRACE
    kept_until = Value(now + settings.RESULT_GRACE)
    kept = [When(rendered_at__isnull=False, then=kept_until)] if is_kept else []
    with transaction.atomic():
        ended = move(
            video,
            to,
            fenced=fenced,
            note=detail,
            failure_code=code,
            failure_detail=detail,
            completed_at=now,
            needs_cleanup=Case(When(engine_job_id="", then=Value(False)), default=Value(True)),
            attempts=0,
            paused_at=None,
            result_kept_until=Case(*kept, default=None),
            next_step_at=Case(When(engine_job_id="", then=None), *kept, default=Value(now)),
            **fields,
        )
        if ended and video.credits:
            # Credits that expired meanwhile get a new expiry when the failure is ours, not when
            # the user cancelled.
            credits.refund(
                charges.spend_key(video),
                charges.refund_key(video),
                grace=to != Status.CANCELLED,
                description=f"Returned: {charges.describe(video)}",
            )
        if ended:  # its job may have to be deleted, and another order may get its place
            wakeups.announce(Video)
    return ended


def move(
    video: Video,
    to: Status,
    *,
    fenced: bool = True,
    keep_lease: bool = False,
    coming_from: Collection[Status] | None = None,
    note: str = "",
    **fields: Any,
) -> bool:
    """Move a video to a state that may follow its present one, in one guarded UPDATE.

    With `fenced` only while `video.lease` still holds, with `coming_from` only from these states.
    Returns False, and changes nothing, when another process was first.
    """
    may_come_from = set(MAY_COME_FROM[to]) & set(coming_from or MAY_COME_FROM[to])
    rows = Video.objects.filter(pk=video.pk, status__in=may_come_from)
    if fenced:
        rows = rows.filter(lease=video.lease)
    if not keep_lease:
        fields["lease"] = None
    return _write(rows, video, to, note, fields)


def rescue(video: Video, **fields: Any) -> bool:
    """Move a video that ended without its file to SUCCEEDED while `video.lease` still holds.

    Its credits stay refunded, so that it costs its owner nothing. Returns False, and changes
    nothing, when another process was first or its owner has deleted it.
    """
    rows = Video.objects.filter(
        pk=video.pk,
        status__in=Video.RESCUABLE,
        fetches_again=True,
        deleted_at=None,
        lease=video.lease,
    )
    ended = {"fetches_again": False, "fetch_again_error": "", "result_kept_until": None}
    fields |= {**ended, "needs_cleanup": False, "attempts": 0, "credits": 0, "lease": None}
    note = "fetched again by staff"
    return _write(rows, video, Status.SUCCEEDED, note, {"rescued_at": clock.now(), **fields})


def _write(
    rows: QuerySet[Video], video: Video, to: Status, note: str, fields: dict[str, Any]
) -> bool:
    """Write the new status and what follows from it, if `rows` still holds the video."""
    now = clock.now()
    fields = fields | _deadline_in(to, now)
    with transaction.atomic():
        sequence = feed.allocate_sequence(video.user_id)
        if not rows.update(status=to, sequence=sequence, updated_at=now, **fields):
            return False
        VideoEvent.objects.create(video=video, status=to, at=now, note=note)
        if to not in Video.ACTIVE:
            counting.video_ended(video.engine, to)
        _tell(Video.objects.get(pk=video.pk))
    return True


def _tell(moved: Video) -> None:
    deliveries.enqueue_deliveries(moved)
    push_messages.enqueue(moved)
    feed.publish_change(moved)


def end_overdue(video: Video, detail: str = "", **fields: Any) -> bool:
    """End a video whose deadline has passed; what it waited for decides the failure code."""
    match video.status:
        case Status.DOWNLOADING:
            return end(video, Status.FAILED, code="result_unavailable", detail=detail, **fields)
        case Status.QUEUED | Status.SUBMITTING:
            return end(video, Status.TIMEOUT, code="queue_timeout", detail=detail, **fields)
        case _:
            return end(video, Status.TIMEOUT, code="timeout", detail=detail, **fields)


def _deadline_in(to: Status, now: datetime) -> dict[str, Any]:
    """The deadline that begins with this state; other states keep theirs."""
    match to:
        case Status.QUEUED:
            return {"deadline_at": F("created_at") + settings.QUEUE_DEADLINE + _PAUSED_FOR}
        case Status.SUBMIT_UNKNOWN | Status.RUNNING:
            return {"deadline_at": now + settings.VIDEO_DEADLINE}
        case Status.DOWNLOADING:
            return {"deadline_at": now + settings.RESULT_DEADLINE}
        case _:
            return {}


def due_in(seconds: float) -> dict[str, Any]:
    """Fields that release a row and make it due in `seconds`, or now if it was woken since."""
    now = clock.now()
    woken = When(woken_at__gt=F("claimed_at"), then=Value(now))
    later = Value(now + timedelta(seconds=seconds))
    return {"lease": None, "next_step_at": Case(woken, default=later)}


def lease_polls(limit: int, engines: Collection[str], now: datetime) -> list[Video]:
    """Lease up to `limit` RUNNING videos at these engines that are due and that nobody has locked.

    One statement, because that is nearly all that a worker with many videos does. Only the columns
    in POLLED_COLUMNS are loaded.
    """
    can_skip = connection.features.has_select_for_update_skip_locked
    statement = POLLS_CLAIM.format(
        engines=", ".join(["%s"] * len(engines)),
        skip="FOR UPDATE SKIP LOCKED" if can_skip else "",
        columns=", ".join(f"videos_video.{name}" for name in POLLED_COLUMNS),
    )
    at, until = (db_value("next_step_at", when) for when in (now, now + settings.LEASE))
    token = db_value("lease", uuid4())
    return list(Video.objects.raw(statement, [at, *engines, limit, token, at, until]))


def record_polls(polled: Sequence[tuple[Video, float]]) -> set[UUID]:
    """Release RUNNING videos until their next polls, and store their `progress` and `sequence`.

    Each comes with the seconds until its next poll. One statement for all, and raw SQL, because at
    thousands of polls a second the ORM would be the limit. Returns the ids of those written;
    nothing is written where the lease was lost.
    """
    if not polled:
        return set()
    now = clock.now()
    is_postgresql = connection.vendor == "postgresql"
    marks = [f"CAST(%s AS {kind})" if is_postgresql else "%s" for kind in POSTGRESQL_TYPES]
    values: list[Any] = []
    for video, pause_seconds in polled:
        due = db_value("next_step_at", now + timedelta(seconds=pause_seconds))
        row = (db_value("id", video.pk), db_value("lease", video.lease))
        values += [*row, video.progress, video.sequence, due]
    rows = ", ".join([f"({', '.join(marks)})"] * len(polled))
    at_once = db_value("next_step_at", now)
    with connection.cursor() as cursor:
        cursor.execute(POLLS_UPDATE.format(rows=rows, now=marks[-1]), [*values, at_once, at_once])
        return {UUID(str(found)) for (found,) in cursor.fetchall()}


def db_value(column: str, value: object) -> Any:
    """A value of this column as raw SQL takes it."""
    field: Any = Video._meta.get_field(column)
    return field.get_db_prep_value(value, connection)
