"""How engines are used at this moment: jobs that run and wait there, and what they spend today."""

from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count

from videos.jobs.engine_choice import circuit_breaker, engine_limits
from videos.models import EngineCircuit, Video
from videos.reports import margins
from videos.reports.margins import Spend


@dataclass(frozen=True)
class EngineFigures:
    """`running` jobs are, or may be, at the engine; `waiting` ones stand in our queue for it.

    `circuit` is the engine's circuit while it is open, `spend` None for a sandbox.
    """

    name: str
    circuit: EngineCircuit | None
    running: int
    waiting: int
    spend: Spend | None


def current() -> dict[str, EngineFigures]:
    """The figures of every configured engine by name, with three queries."""
    counted = (*engine_limits.AT_ENGINE, Video.Status.QUEUED)
    active = Video.objects.active().filter(status__in=counted).order_by()
    running: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for engine, status, n in active.values_list("engine", "status").annotate(n=Count("pk")):
        (waiting if status == Video.Status.QUEUED else running)[engine] += n
    opened, spend = circuit_breaker.open_circuits(), margins.spend_today()
    return {
        name: EngineFigures(name, opened.get(name), running[name], waiting[name], spend.get(name))
        for name in settings.ENGINES
    }
