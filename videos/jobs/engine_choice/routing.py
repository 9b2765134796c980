"""Route orders to engines: submit, move to another engine, or wait.

An order moves only while its engine has certainly not accepted it: after an unanswered submit it
stays. A remix stays at the engine of its source.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import F, QuerySet

from videos.catalog import offers
from videos.engines.base import is_sandbox
from videos.engines.errors import EngineError
from videos.jobs import state_machine
from videos.jobs.engine_choice import circuit_breaker, engine_limits
from videos.models import EngineCircuit, Video

Status = Video.Status


def route_orders(claimed: QuerySet[Video], now: datetime) -> None:
    """Move claimed orders to SUBMITTING; those of a paused engine change engine or wait.

    An order that changes to an engine with limits returns to the queue, where they are checked.
    """
    orders = list(claimed)
    if not orders:
        return
    submitted = []
    paused = circuit_breaker.open_circuits()
    ready = [video.pk for video in orders if video.engine in settings.ENGINES.keys() - paused]
    if ready:
        _start(claimed.filter(pk__in=ready), now)
        submitted = [video.engine for video in orders if video.pk in ready]
    for video in orders:
        if video.pk in ready:
            continue
        row = claimed.filter(pk=video.pk)
        if circuit_breaker.claim_trial(video.engine, video.pk, now):
            _start(row, now)
            submitted.append(video.engine)
        elif other := find_other_engine(video):
            note = f"moved from {video.engine}, which gets no orders at the moment"
            if engine_limits.is_limited(other):
                back = {"engine": other, "lease": None, "next_step_at": now}
                state_machine.start(row, Status.QUEUED, now, note=note, **back)
            else:
                _start(row, now, note=note, engine=other)
        else:
            _postpone(row, video, now)
    engine_limits.record_submits(submitted, now)


def find_other_engine(video: Video) -> str:
    """Another engine that gets orders and makes such videos; "" if the order must stay."""
    submits_before = video.submit_count - (video.status == Status.SUBMITTING)
    if submits_before or video.is_remix:
        return ""
    choices = offers.choices_of(video)
    offered = offers.engines_for(
        video.model, video.operation, video.size, video.seconds, choices=choices
    )
    if video.engine in settings.ENGINES:
        # The settings may list another engine first than when this one was chosen.
        own = is_sandbox(video.engine)
        offered = [name for name in offered if is_sandbox(name) == own]
    opened = circuit_breaker.open_circuits()
    others = (name for name in offered if name not in opened and name != video.engine)
    return next(others, "")


def move_to_other_engine(video: Video, error: EngineError) -> bool:
    """Requeue an order at another engine when its own failed; each engine is tried once."""
    tried_all = video.attempts >= len(settings.ENGINES) - 1
    if (
        tried_all
        or not circuit_breaker.is_engine_fault(error)
        or not (other := find_other_engine(video))
    ):
        return False
    state_machine.move(
        video,
        Status.QUEUED,
        note=f"moved from {video.engine}: {error}",
        engine=other,
        attempts=video.attempts + 1,
        submit_count=F("submit_count") - 1,
        **state_machine.due_in(0),
    )
    return True


def _start(rows: QuerySet[Video], now: datetime, *, note: str = "", **fields: object) -> None:
    state_machine.start(
        rows,
        Status.SUBMITTING,
        now,
        note=note,
        submitted_at=now,
        submit_count=F("submit_count") + 1,
        **fields,
    )


def _postpone(row: QuerySet[Video], video: Video, now: datetime) -> None:
    """Make the order wait until its engine may be tried again, or until its deadline."""
    paused = EngineCircuit.objects.filter(pk=video.engine).first()
    retry_at = (paused and paused.retry_at) or now + settings.CIRCUIT_PAUSE
    row.update(lease=None, next_step_at=min(retry_at, video.deadline_at))
