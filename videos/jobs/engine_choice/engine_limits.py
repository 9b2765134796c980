"""Limits of engines: how many jobs an engine has at once, and how many submits it gets a minute.

They are options of the engine in the settings and hold across all processes: the workers hand out
the free places while they hold the engine's row. An order of an engine without a free place waits
in our queue. Engines without limits cost nothing here.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.db.models import Count

from videos.models import EngineUsage, Video

Status = Video.Status

# What an engine renders, or may render; a finished job whose file is fetched occupies it no more.
AT_ENGINE = (Status.SUBMITTING, Status.SUBMIT_UNKNOWN, Status.RUNNING)
WINDOW_SECONDS = 60

Option = Literal["max_jobs", "max_per_minute"]


def limit_of(engine: str, option: Option) -> int:
    """The limit of an engine; 0 when it has none."""
    return int(settings.ENGINES.get(engine, {}).get(option) or 0)


def is_limited(engine: str) -> bool:
    """Whether an engine has any limit."""
    return bool(limit_of(engine, "max_jobs") or limit_of(engine, "max_per_minute"))


def full_engines(now: datetime) -> list[str]:
    """The engines that have no free place now; locks nothing."""
    names = list(filter(is_limited, settings.ENGINES))
    if not names:
        return []
    rooms = _rooms(names, now, lock=False)
    return [name for name in names if rooms[name] <= 0]


def lock_rooms(engines: Iterable[str], now: datetime) -> dict[str, int]:
    """Lock those of the engines that have limits, and return how many orders each may get.

    Must be called in a transaction, which then holds the rows of these engines.
    """
    names = sorted(set(filter(is_limited, engines)))
    if not names:
        return {}
    rows = [EngineUsage(name=name) for name in names]
    EngineUsage.objects.bulk_create(rows, ignore_conflicts=True)
    return _rooms(names, now, lock=True)


def record_submits(engines: Iterable[str], now: datetime) -> None:
    """Record orders that go to engines now; the caller's transaction holds the engines' rows."""
    for name, count in Counter(engines).items():
        if limit_of(name, "max_per_minute"):
            row = EngineUsage.objects.get(pk=name)
            row.submits = [*_recent(row, now), *[now.timestamp()] * count]
            row.save()


def _rooms(names: list[str], now: datetime, *, lock: bool) -> dict[str, int]:
    usage = EngineUsage.objects.filter(pk__in=names).order_by("pk")
    rows = {row.name: row for row in (usage.select_for_update() if lock else usage)}
    active = Video.objects.filter(
        engine__in=names, status__in=AT_ENGINE, next_step_at__isnull=False
    )  # the time of the next step has an index
    busy = dict(active.order_by().values_list("engine").annotate(n=Count("pk")))
    rooms = {}
    for name in names:
        most = limit_of(name, "max_jobs") or sys.maxsize
        a_minute = limit_of(name, "max_per_minute") or sys.maxsize
        recent = len(_recent(rows[name], now)) if name in rows else 0
        rooms[name] = min(most - busy.get(name, 0), a_minute - recent)
    return rooms


def _recent(row: EngineUsage, now: datetime) -> list[float]:
    since = now.timestamp() - WINDOW_SECONDS
    return [at for at in row.submits if at > since]
