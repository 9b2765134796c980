"""The videos at a glance, for staff; it only reads, with a fixed number of queries."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from billing.reports.dashboard import midnight
from videos.jobs import circuit_breaker
from videos.models import EngineCircuit, RejectedPrompt, Video, WebhookDelivery

Status = Video.Status

# What no worker has taken up for so long is stuck.
STUCK_AFTER = timedelta(minutes=2)
DAYS = 14
# The picture of the days, in its own units.
WIDTH, HEIGHT, BAR = 22, 100, 14
# The waits that a median is taken of, at most.
MEDIAN_SAMPLE = 2000


@dataclass(frozen=True)
class Day:
    """How the videos of one day ended, and where that stands in the picture."""

    day: date
    made: int
    lost: int
    n: int
    most: int

    @property
    def x(self) -> int:
        return self.n * WIDTH

    @property
    def made_height(self) -> int:
        return round(self.made * HEIGHT / self.most) if self.most else 0

    @property
    def lost_height(self) -> int:
        return round(self.lost * HEIGHT / self.most) if self.most else 0

    @property
    def made_y(self) -> int:
        return HEIGHT - self.made_height

    @property
    def lost_y(self) -> int:
        return self.made_y - self.lost_height


def video_filters() -> dict[str, Q]:
    """Videos that ended today, and those that no worker takes up."""
    ended = Q(completed_at__gte=midnight())
    late = Q(next_step_at__lt=timezone.now() - STUCK_AFTER) | Q(next_step_at=None, lease=None)
    return {
        "made": ended & Q(status=Status.SUCCEEDED),
        "lost": ended & Q(status__in=(Status.FAILED, Status.TIMEOUT)),
        "stuck": Q(status__in=Video.ACTIVE) & late,
    }


def delivery_filters() -> dict[str, Q]:
    """Webhooks of today that did not arrive and are not tried again."""
    failing = (WebhookDelivery.State.FAILED, WebhookDelivery.State.BLOCKED)
    return {"given_up": Q(state__in=failing, created_at__gte=midnight())}


def rejected_prompt_filters() -> dict[str, Q]:
    """What the content check refused today and nobody overruled."""
    return {"today": Q(created_at__gte=midnight(), overruled=False)}


@dataclass(frozen=True)
class Figures:
    """Today, and now."""

    states: dict[str, int]
    made: int
    lost: int
    wait: float | None
    stuck: int
    deliveries: int
    refusals: int
    engines: list[tuple[str, EngineCircuit | None]]
    days: list[Day]

    @property
    def rate(self) -> int | None:
        """Of the videos that ended and were not cancelled, the per cent that were made."""
        ended = self.made + self.lost
        return round(100 * self.made / ended) if ended else None


def today() -> Figures:
    videos = video_filters()
    active = Video.objects.filter(status__in=Video.ACTIVE)
    states = dict(active.order_by().values_list("status").annotate(n=Count("pk")))
    counts = Video.objects.filter(completed_at__gte=midnight()).aggregate(
        **{name: Count("pk", filter=videos[name]) for name in ("made", "lost")}
    )
    opened = circuit_breaker.opened()
    return Figures(
        states={status.value: states.get(status, 0) for status in Video.ACTIVE},
        **counts,
        wait=_wait(videos["made"]),
        stuck=Video.objects.filter(videos["stuck"]).count(),
        deliveries=WebhookDelivery.objects.filter(delivery_filters()["given_up"]).count(),
        refusals=RejectedPrompt.objects.filter(rejected_prompt_filters()["today"]).count(),
        engines=[(name, opened.get(name)) for name in settings.ENGINES],
        days=_days(timezone.now()),
    )


def _wait(made: Q) -> float | None:
    """The median number of seconds from the order to the file."""
    rows = Video.objects.filter(made)
    times = rows.order_by("-completed_at").values_list("created_at", "completed_at")[:MEDIAN_SAMPLE]
    waits = [(end - start).total_seconds() for start, end in times if end]
    return median(waits) if waits else None


def _days(now: datetime) -> list[Day]:
    first = timezone.localdate(now) - timedelta(days=DAYS - 1)
    rows = (
        Video.objects.filter(completed_at__gte=now - timedelta(days=DAYS))
        .exclude(status=Status.CANCELLED)
        .order_by()
        .annotate(day=TruncDate("completed_at"))
        .values_list("day", "status")
        .annotate(n=Count("pk"))
    )
    made: Counter[Any] = Counter()
    lost: Counter[Any] = Counter()
    for day, status, n in rows:
        (made if status == Status.SUCCEEDED else lost)[day] += n
    wanted = [first + timedelta(days=n) for n in range(DAYS)]
    most = max((made[day] + lost[day] for day in wanted), default=0)
    return [Day(day, made[day], lost[day], n, most) for n, day in enumerate(wanted)]
