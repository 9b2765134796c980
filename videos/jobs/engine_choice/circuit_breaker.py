"""The circuit breaker of each engine: while an engine keeps failing it gets no orders.

    CLOSED ──CIRCUIT_FAILURES in a row──► OPEN ──the pause is over──► HALF-OPEN: one trial order
      ▲                                    ▲                              │
      │                                    └────── fails: longer pause ───┤
      └───────────────────────── accepted ────────────────────────────────┘

Only submits count: an engine that answers polls but accepts no orders is useless, and one failed
poll says nothing about the next order. The state is one row that all workers share; when a worker
dies with the trial order, the circuit becomes half-open again after TRIAL_TIME.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, QuerySet

from config.lib import clock
from config.lib.prepared_queries import PreparedRows
from config.lib.queues import wakeups
from videos.engines.errors import AuthFailed, BadAnswer, EngineError, OutOfCredit, Unavailable
from videos.models import EngineCircuit, Video

log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(minutes=10)
# How long a trial order may take before another one is sent.
TRIAL_TIME = timedelta(minutes=1)
PAUSED_ENGINES = PreparedRows(
    lambda now: EngineCircuit.objects.filter(opened_at__isnull=False, retry_at__gt=now).values_list(
        "name"
    ),
    DateTimeField,
)
OPEN_CIRCUITS = PreparedRows(
    lambda: EngineCircuit.objects.filter(opened_at__isnull=False).values_list("name")
)
# The code of a step that failed on our side.
OUR_FAULT = "broken_step"


def is_engine_fault(error: EngineError) -> bool:
    """Whether the engine, not the order, caused an error."""
    at_fault = isinstance(error, Unavailable | BadAnswer | AuthFailed | OutOfCredit)
    return at_fault and error.code != OUR_FAULT


def choose(names: Sequence[str]) -> str:
    """The first of these engines that gets orders now, else the first; "" without any."""
    paused = paused_engines()
    return next((name for name in names if name not in paused), next(iter(names), ""))


def paused_engines() -> set[str]:
    """The names of the engines that get no orders now."""
    return {name for (name,) in PAUSED_ENGINES.all(clock.now())}


def all_paused(names: Sequence[str]) -> bool:
    """Whether none of these engines gets orders now, so that an order would wait."""
    return bool(names) and paused_engines().issuperset(names)


def open_circuits() -> dict[str, EngineCircuit]:
    """Open and half-open circuits of configured engines, by name."""
    return {row.name: row for row in _open_rows()}


def any_open() -> bool:
    """Whether the circuit of any configured engine is open or half-open."""
    return any(name in settings.ENGINES for (name,) in OPEN_CIRCUITS.all())


def circuits() -> QuerySet[EngineCircuit]:
    """The circuits of all configured engines, created where missing."""
    rows = [EngineCircuit(name=name) for name in settings.ENGINES]
    EngineCircuit.objects.bulk_create(rows, ignore_conflicts=True)
    return EngineCircuit.objects.filter(name__in=settings.ENGINES)


def claim_trial(name: str, video_id: UUID, now: datetime) -> bool:
    """Make this order the trial of a half-open circuit; True for exactly one caller."""
    rows = EngineCircuit.objects.filter(name=name, opened_at__isnull=False, retry_at__lte=now)
    return rows.update(retry_at=now + TRIAL_TIME, trial_video_id=video_id) == 1


def record_submit(name: str, video_id: UUID, error: EngineError | None) -> None:
    """Record the result of a submit: its error, or None when the engine answered."""
    if error and is_engine_fault(error):
        _record_failure(name, video_id, error)
    elif not error or error.code != OUR_FAULT:
        _record_answer(name)


def _open_rows() -> QuerySet[EngineCircuit]:
    return EngineCircuit.objects.filter(name__in=settings.ENGINES, opened_at__isnull=False)


def _record_answer(name: str) -> None:
    row = EngineCircuit.objects.filter(pk=name)
    was = row.exclude(failures=0, opened_at=None).first()
    if was is None:  # nearly always, and a read is cheaper than a write
        return
    row.update(failures=0, opened_at=None, retry_at=None, pause_count=0, trial_video_id=None)
    if was.opened_at:
        log.warning("engine %s gets orders again", name)
        waiting = Video.objects.filter(engine=name, status=Video.Status.QUEUED, lease=None)
        waiting.filter(paused_at=None).update(next_step_at=clock.now())
        wakeups.announce(Video)


def _record_failure(name: str, video_id: UUID, error: EngineError) -> None:
    now = clock.now()
    EngineCircuit.objects.bulk_create([EngineCircuit(name=name)], ignore_conflicts=True)
    with transaction.atomic():
        row = EngineCircuit.objects.select_for_update().get(pk=name)
        row.failures += 1
        row.error_code, row.error_detail, row.error_at = error.code, error.detail, now
        if row.opened_at is None and row.failures >= settings.CIRCUIT_FAILURES:
            row.opened_at = now
            _pause(row, now)
        elif row.opened_at and row.trial_video_id == video_id:
            _pause(row, now)
        row.save()


def _pause(row: EngineCircuit, now: datetime) -> None:
    pause = min(settings.CIRCUIT_PAUSE * 2 ** min(row.pause_count, 20), LONGEST_PAUSE)
    row.pause_count, row.retry_at, row.trial_video_id = row.pause_count + 1, now + pause, None
    log.warning("engine %s gets no orders for %s: %s", row.name, pause, row.error_code)
