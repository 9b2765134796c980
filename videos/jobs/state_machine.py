"""The life of a video: the only writer of Video.status.

    QUEUED ──► SUBMITTING ──► RUNNING ──► DOWNLOADING ──► SUCCEEDED
      ▲  ▲         │ answer lost   │            │
      │  └───── SUBMIT_UNKNOWN ────┘            │
      │  not there   found there                │
      └── certainly not accepted                │
    from every state left of SUCCEEDED: FAILED · CANCELLED · TIMEOUT, with the credits back

Lock order: the user's feed, the video, the user's credits.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import catalog, feed
from videos.jobs import circuit_breaker, moderation
from videos.models import Price, Upload, Video, VideoEvent
from videos.webhooks import deliveries

log = logging.getLogger(__name__)

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

LOOK_UPDATE = """
UPDATE videos_video SET progress = %s, sequence = %s, updated_at = %s,
    poll_count = poll_count + 1, attempts = 0, missing_since = NULL, lease = NULL,
    next_step_at = CASE WHEN woken_at > claimed_at THEN %s ELSE %s END
WHERE id = %s AND lease = %s AND status = 'running'
"""


class NotPossible(Exception):
    """The video is not in a state that allows this; nothing was changed."""


class TooLate(Exception):
    """The files of a deleted video are going already; nothing was changed."""


@dataclass(frozen=True)
class Wish:
    """What a person asks for, in the catalog's words."""

    prompt: str
    model: str = catalog.DEFAULT_MODEL.name
    size: str = catalog.LANDSCAPE
    seconds: int = catalog.DEFAULT_SECONDS
    reference: Upload | None = None
    webhook_url: str = ""
    api_key_id: UUID | None = None


# ---- what people ask for ----


def submit(user: AbstractBaseUser, wish: Wish, request_key: RequestKey | None = None) -> Video:
    """Order a video: its row and its price are written together, the rest happens by itself.

    Raises catalog.NotOffered or ledger.NotEnoughCredits; then nothing is written. With a
    `request_key` this and the two below also raise AlreadyDone and IdempotencyMismatch.
    """
    return _order(user, _drafted(user, wish), request_key)


def submit_all(
    user: AbstractBaseUser, wish: Wish, takes: int, request_key: RequestKey | None = None
) -> list[Video]:
    """Order the same video `takes` times: all of them, or none.

    Raises what submit raises; ledger.NotEnoughCredits with the price of all.
    """
    drafts = [_drafted(user, wish) for _ in range(takes)]
    _allow(user, drafts[0])
    try:
        with transaction.atomic():
            first = _place(user, drafts[0], request_key)
            return [first, *(_place(user, draft, None) for draft in drafts[1:])]
    except credits.NotEnoughCredits as error:
        raise credits.NotEnoughCredits(error.needed * takes, credits.available(user)) from error


def remix(
    video: Video,
    prompt: str,
    request_key: RequestKey | None = None,
    api_key_id: UUID | None = None,
) -> Video:
    """Order a new version of a finished video, at the text price of its model.

    Raises NotPossible, catalog.NotOffered or ledger.NotEnoughCredits; then nothing is written.
    """
    if video.status != Status.SUCCEEDED:
        raise NotPossible(_("Only a completed video can be remixed."))
    draft = _again(video, prompt, Video.Operation.REMIX, source=video)
    draft.api_key_id = api_key_id
    return _order(video.user, draft, request_key)


def retry(
    video: Video, request_key: RequestKey | None = None, api_key_id: UUID | None = None
) -> Video:
    """Order the same video once more, after it failed, was cancelled or timed out.

    Raises NotPossible, catalog.NotOffered or ledger.NotEnoughCredits; then nothing is written.
    """
    if not video.is_lost:
        raise NotPossible(_("Only a video that failed or was cancelled can be retried."))
    draft = _again(video, video.prompt, Video.Operation(video.operation), source=video.source)
    draft.reference, draft.retry_of = video.reference, video
    draft.webhook_url, draft.api_key_id = video.webhook_url, api_key_id
    return _order(video.user, draft, request_key)


def cancel(video: Video) -> None:
    """Stop a video that has not ended; its credits come back. Raises NotPossible."""
    if not end(video, Status.CANCELLED, fenced=False):
        raise NotPossible(_("Only a video that is waiting or rendering can be cancelled."))


def delete(video: Video, *, undo: bool = False) -> None:
    """Remove a video from its owner's library, and its files and its engine job soon after.

    One that has not ended is cancelled first. With `undo` nothing is removed for Video.UNDO, so
    that `restore` can bring it back. Safe to repeat.
    """
    with transaction.atomic():
        end(video, Status.CANCELLED, fenced=False)
        sequence = feed.allocate_sequence(video.user_id)
        now = timezone.now()
        gone = Video.objects.filter(pk=video.pk, deleted_at=None).update(
            deleted_at=now,
            updated_at=now,
            sequence=sequence,
            needs_cleanup=True,
            attempts=0,
            next_step_at=now + Video.UNDO if undo else now,
        )
        if gone:
            feed.publish_change(Video.objects.get(pk=video.pk))


def restore(video: Video) -> None:
    """Bring a deleted video back as it was; one that was rendering comes back cancelled.

    Safe to repeat. Raises TooLate once a worker has begun to remove its files, or might have.
    """
    now = timezone.now()
    untouched = Q(status=Status.SUCCEEDED, lease=None, attempts=0, next_step_at__gt=now)
    lost = Q(status__in=Video.LOST, deleted_at__gt=now - Video.UNDO)
    with transaction.atomic():
        sequence = feed.allocate_sequence(video.user_id)
        rows = Video.objects.filter(untouched | lost, pk=video.pk, deleted_at__isnull=False)
        whole = When(status=Status.SUCCEEDED, then=None)
        back = rows.update(
            deleted_at=None,
            updated_at=now,
            sequence=sequence,
            needs_cleanup=Case(
                When(status=Status.SUCCEEDED, then=Value(False)), default=F("needs_cleanup")
            ),
            next_step_at=Case(whole, When(needs_cleanup=True, then=Value(now)), default=None),
        )
        if back:
            feed.publish_change(Video.objects.get(pk=video.pk))
        elif Video.objects.filter(pk=video.pk, deleted_at__isnull=False).exists():
            raise TooLate


def ring(video: Video) -> None:
    """Have a video looked at, or looked for, at once; at most once a second."""
    now = timezone.now()
    at_once = Case(When(lease=None, then=Value(now)), default=F("next_step_at"))
    rows = Video.objects.filter(pk=video.pk, status__in=(Status.RUNNING, Status.SUBMIT_UNKNOWN))
    rows.filter(Q(woken_at=None) | Q(woken_at__lt=now - timedelta(seconds=1))).update(
        woken_at=now, next_step_at=at_once
    )


def look_now(video: Video) -> None:
    """Somebody watches: have a rendering video looked at. A lost one is looked for at its pace."""
    if video.status == Status.RUNNING:
        ring(video)


def spend_key(video: Video) -> str:
    return f"video:{video.pk}:spend"


def refund_key(video: Video) -> str:
    return f"video:{video.pk}:refund"


def _drafted(user: AbstractBaseUser, wish: Wish) -> Video:
    catalog.check(wish.model, wish.size, wish.seconds)
    kind = Price.Kind.IMAGE if wish.reference else Price.Kind.TEXT
    return Video(
        user_id=user.pk,
        operation=Video.Operation(kind.value),
        prompt=wish.prompt,
        model=wish.model,
        size=wish.size,
        seconds=wish.seconds,
        reference=wish.reference,
        webhook_url=wish.webhook_url,
        api_key_id=wish.api_key_id,
        credits=catalog.price(kind, wish.model, wish.seconds),
        engine=circuit_breaker.choose(catalog.engines_for(wish.model, kind.value, wish.seconds)),
    )


def _again(video: Video, prompt: str, operation: Video.Operation, *, source: Video | None) -> Video:
    catalog.check(video.model, video.size, video.seconds)
    kind = Price.Kind.IMAGE if operation == Video.Operation.IMAGE else Price.Kind.TEXT
    at = source.engine if source else ""  # a remix is made where its source is
    offered = catalog.engines_for(video.model, operation, video.seconds, at)
    return Video(
        user_id=video.user_id,
        operation=operation,
        prompt=prompt,
        model=video.model,
        size=video.size,
        seconds=video.seconds,
        source=source,
        credits=catalog.price(kind, video.model, video.seconds),
        engine=circuit_breaker.choose(offered),
    )


def _order(user: AbstractBaseUser, draft: Video, request_key: RequestKey | None) -> Video:
    _allow(user, draft)
    return _place(user, draft, request_key)


def _allow(user: AbstractBaseUser, draft: Video) -> None:
    """Whether it can be made and may be; asks the network, so never within a transaction."""
    if not draft.engine:
        gone = _("The engine that made this video is not available.")
        raise catalog.NotOffered(
            "model", gone if draft.source else _("No engine makes such a video.")
        )
    moderation.check(user, draft.prompt, draft.reference)


def _place(user: AbstractBaseUser, draft: Video, request_key: RequestKey | None) -> Video:
    now = timezone.now()
    draft.created_at = draft.next_step_at = now
    draft.deadline_at = now + settings.VIDEO_DEADLINE
    purpose = credits.Purpose(credits.VIDEO_REFERENCE, str(draft.pk), _line(draft))
    with transaction.atomic():
        draft.sequence = feed.allocate_sequence(draft.user_id)
        idempotency.record(request_key, draft)
        _hold_reference(draft)
        draft.save(force_insert=True)
        credits.spend(user, draft.credits, spend_key(draft), purpose)
        VideoEvent.objects.create(video=draft, status=Status.QUEUED, at=now)
        feed.publish_change(draft)
    return draft


def _hold_reference(draft: Video) -> None:
    """Keep the sweeping of unused uploads off the image until the order is written."""
    if draft.reference_id is None:
        return
    rows = Upload.objects.select_for_update(no_key=True).filter(pk=draft.reference_id, stored=True)
    if not rows.values_list("pk").first():
        raise catalog.NotOffered(
            "input_reference", _("The image is no longer there. Send it again.")
        )


def _line(video: Video) -> str:
    """The history's words for a spend. Source: C33."""
    quality = catalog.MODELS[video.model].quality
    what = "remix" if video.operation == Video.Operation.REMIX else f"{video.operation}-to-video"
    return f"Sora {what} ({quality}): {Truncator(video.prompt).chars(60)}"


# ---- transitions ----


def start(
    rows: QuerySet[Video], to: Status, now: datetime, *, note: str = "", **fields: object
) -> None:
    """Move rows a worker has just claimed and locked; its caller's transaction guards them."""
    ids = list(rows.values_list("pk", flat=True))
    if ids:
        Video.objects.filter(pk__in=ids).update(status=to, updated_at=now, **fields)
        VideoEvent.objects.bulk_create(
            VideoEvent(video_id=pk, status=to, at=now, note=note) for pk in ids
        )


def end(video: Video, to: Status, *, code: str = "", detail: str = "", fenced: bool = True) -> bool:
    """Move to FAILED, CANCELLED or TIMEOUT and give the credits back, in one transaction."""
    with transaction.atomic():
        ended = move(
            video,
            to,
            fenced=fenced,
            note=detail,
            failure_code=code,
            failure_detail=detail,
            completed_at=timezone.now(),
            needs_cleanup=Case(When(engine_job_id="", then=Value(False)), default=Value(True)),
            attempts=0,
            next_step_at=Case(When(engine_job_id="", then=None), default=Value(timezone.now())),
        )
        if ended:
            # Credits whose lot died meanwhile live on when we failed, not when a user changed
            # their mind.
            credits.refund(
                spend_key(video),
                refund_key(video),
                grace=to != Status.CANCELLED,
                description=f"Returned: {_line(video)}",
            )
    return ended


def move(
    video: Video,
    to: Status,
    *,
    fenced: bool = True,
    keep_lease: bool = False,
    note: str = "",
    **fields: Any,
) -> bool:
    """One guarded UPDATE; False when somebody was first, and then nothing else happens."""
    now = timezone.now()
    rows = Video.objects.filter(pk=video.pk, status__in=MAY_COME_FROM[to])
    if fenced:
        rows = rows.filter(lease=video.lease)
    if not keep_lease:
        fields["lease"] = None
    with transaction.atomic():
        sequence = feed.allocate_sequence(video.user_id)
        if not rows.update(status=to, sequence=sequence, updated_at=now, **fields):
            return False
        VideoEvent.objects.create(video=video, status=to, at=now, note=note)
        moved = Video.objects.get(pk=video.pk)
        deliveries.announce(moved)
        feed.publish_change(moved)
    return True


def due_in(seconds: float) -> dict[str, Any]:
    """Give the row back, due again after `seconds`, or at once when the bell rang meanwhile."""
    now = timezone.now()
    rung = When(woken_at__gt=F("claimed_at"), then=Value(now))
    later = Value(now + timedelta(seconds=seconds))
    return {"lease": None, "next_step_at": Case(rung, default=later)}


def looked(cursor: CursorWrapper, video: Video, pause_seconds: float) -> bool:
    """Give a rendering video back until its next poll and store its `progress` and `sequence`.

    Written by hand: at hundreds of looks a second the ORM's own cost would be the limit. False when
    the lease was lost, and then nothing is written.
    """
    now = timezone.now()
    due = _ready("next_step_at", now + timedelta(seconds=pause_seconds))
    at_once = _ready("next_step_at", now)
    row = (_ready("id", video.pk), _ready("lease", video.lease))
    cursor.execute(LOOK_UPDATE, [video.progress, video.sequence, at_once, at_once, due, *row])
    return bool(cursor.rowcount)


def _ready(column: str, value: object) -> Any:
    field: Any = Video._meta.get_field(column)
    return field.get_db_prep_value(value, connection)
