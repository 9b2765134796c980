"""The circuit of each engine: one that keeps failing gets no orders until one gets through.

    CLOSED ──so many failures in a row──► OPEN ──its pause is over──► HALF-OPEN: one order tries it
      ▲                                    ▲                              │
      │                                    └────── fails: longer pause ───┤
      └───────────────────────── it answered ─────────────────────────────┘

Only what came of submits counts: an engine that shows jobs but takes no orders is of no use, and
a single job that cannot be looked at says nothing about the next order. The state is one row that
all workers share; a worker that dies with the trial order leaves the circuit half-open again.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from videos.engines.errors import AuthFailed, BadAnswer, EngineError, OutOfCredit, Unavailable
from videos.models import EngineCircuit, Video

log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(minutes=10)
# How long the trial order may take before another may try.
TRIAL = timedelta(minutes=1)
# The code of a step that broke on our side, which no engine is to blame for.
OUR_FAULT = "broken_step"


def is_engine_fault(error: EngineError) -> bool:
    """Whether an error speaks against the engine, and not against the order."""
    at_fault = isinstance(error, Unavailable | BadAnswer | AuthFailed | OutOfCredit)
    return at_fault and error.code != OUR_FAULT


def choose(names: Sequence[str]) -> str:
    """The first of these engines that takes orders now, else the first, "" if there is none."""
    paused = set(_opened().filter(retry_at__gt=timezone.now()).values_list("name", flat=True))
    return next((name for name in names if name not in paused), next(iter(names), ""))


def all_paused(names: Sequence[str]) -> bool:
    """Whether none of these engines takes orders now, so that an order would wait."""
    paused = _opened().filter(retry_at__gt=timezone.now(), name__in=names)
    return bool(names) and paused.count() == len(names)


def opened() -> dict[str, EngineCircuit]:
    """The engines whose circuit is open or half-open, by name."""
    return {row.name: row for row in _opened()}


def is_troubled() -> bool:
    """Whether a configured engine gets no orders at the moment."""
    return _opened().exists()


def known() -> QuerySet[EngineCircuit]:
    """A row for every configured engine, made where it never failed."""
    rows = [EngineCircuit(name=name) for name in settings.ENGINES]
    EngineCircuit.objects.bulk_create(rows, ignore_conflicts=True)
    return EngineCircuit.objects.filter(name__in=settings.ENGINES)


def may_try(name: str, video_id: UUID, now: datetime) -> bool:
    """Whether this order is the one that tries a half-open engine; one caller gets True."""
    rows = EngineCircuit.objects.filter(name=name, opened_at__isnull=False, retry_at__lte=now)
    return rows.update(retry_at=now + TRIAL, trial_video_id=video_id) == 1


def report(name: str, video_id: UUID, error: EngineError | None) -> None:
    """What came of sending an order there; None for an answer."""
    if error and is_engine_fault(error):
        _failed(name, video_id, error)
    elif not error or error.code != OUR_FAULT:
        _answered(name)


def _opened() -> QuerySet[EngineCircuit]:
    return EngineCircuit.objects.filter(name__in=settings.ENGINES, opened_at__isnull=False)


def _answered(name: str) -> None:
    row = EngineCircuit.objects.filter(pk=name)
    was = row.exclude(failures=0, opened_at=None).first()
    if was is None:  # nearly always: a look instead of a write
        return
    row.update(failures=0, opened_at=None, retry_at=None, pause_count=0, trial_video_id=None)
    if was.opened_at:
        log.warning("engine %s takes orders again", name)
        waiting = Video.objects.filter(engine=name, status=Video.Status.QUEUED, lease=None)
        waiting.update(next_step_at=timezone.now())


def _failed(name: str, video_id: UUID, error: EngineError) -> None:
    now = timezone.now()
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
