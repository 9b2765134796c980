"""Figures about videos for the dashboard of staff, read with a fixed number of queries."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from django.db.models import Count, Q
from django.utils import timezone

from billing.reports.dashboard import start_of_today
from config.lib import clock
from config.lib.charts import Bar, Scale, last_days
from config.lib.durations import QuarterHour, day_of
from videos.catalog import staff_warnings
from videos.models import RejectedPrompt, Video, WebhookDelivery
from videos.reports import engines, margins
from videos.reports.engines import EngineFigures
from videos.reports.margins import Margin

Status = Video.Status

# A video that no worker has claimed for this long is stuck.
STUCK_AFTER = timedelta(minutes=2)
DAYS = 14
# The chart of the days, in units of the drawing.
DAY_WIDTH, CHART_HEIGHT = 22, 100
# The median wait is taken over at most this many videos.
MEDIAN_SAMPLE = 2000


@dataclass(frozen=True)
class Day:
    """How many videos of one day succeeded and failed, and their stacked bars in the chart."""

    day: date
    succeeded: int
    failed: int
    x: int
    succeeded_bar: Bar
    failed_bar: Bar


def video_filters() -> dict[str, Q]:
    """Return conditions for videos that ended today and for videos no worker claims."""
    ended = Q(completed_at__gte=start_of_today())
    now = clock.now()
    # An order may wait for its turn as long as its deadline lasts.
    waits = Q(status=Status.QUEUED, deadline_at__gt=now)
    late = Q(next_step_at__lt=now - STUCK_AFTER) & ~waits | Q(next_step_at=None, lease=None)
    return {
        "succeeded": ended & Q(status=Status.SUCCEEDED),
        "failed": ended & Q(status__in=(Status.FAILED, Status.TIMEOUT)),
        "stuck": Q(status__in=Video.ACTIVE, completed_at=None) & late,
    }


def delivery_filters() -> dict[str, Q]:
    """Return the condition for webhooks of today that we no longer retry."""
    failing = (WebhookDelivery.State.FAILED, WebhookDelivery.State.BLOCKED)
    return {"given_up": Q(state__in=failing, created_at__gte=start_of_today())}


def rejected_prompt_filters() -> dict[str, Q]:
    """Return the condition for prompts rejected today and not overruled."""
    return {"today": Q(created_at__gte=start_of_today(), overruled=False)}


@dataclass(frozen=True)
class DashboardFigures:
    """Figures of today and of this moment."""

    states: dict[str, int]
    succeeded: int
    failed: int
    median_wait: float | None
    stuck: int
    deliveries: int
    rejected_prompts: int
    engines: list[EngineFigures]
    days: list[Day]
    margins: list[Margin]
    daily_margins: list[Margin]
    warnings: list[str]

    @property
    def success_rate(self) -> int | None:
        """Succeeded videos in percent of those that ended without being cancelled."""
        ended = self.succeeded + self.failed
        return round(100 * self.succeeded / ended) if ended else None


def todays_figures() -> DashboardFigures:
    """Count everything the dashboard shows."""
    videos = video_filters()
    active = Video.objects.active()
    states = dict(active.order_by().values_list("status").annotate(n=Count("pk")))
    counts = Video.objects.filter(completed_at__gte=start_of_today()).aggregate(
        **{name: Count("pk", filter=videos[name]) for name in ("succeeded", "failed")}
    )
    by_model, by_day = margins.by_model_and_day()
    return DashboardFigures(
        states={status.value: states.get(status, 0) for status in Video.ACTIVE},
        **counts,
        median_wait=_median_wait(videos["succeeded"]),
        stuck=Video.objects.filter(videos["stuck"]).count(),
        deliveries=WebhookDelivery.objects.filter(delivery_filters()["given_up"]).count(),
        rejected_prompts=RejectedPrompt.objects.filter(rejected_prompt_filters()["today"]).count(),
        engines=list(engines.current().values()),
        days=_days(timezone.now()),
        margins=by_model,
        daily_margins=by_day,
        warnings=staff_warnings.find_warnings(),
    )


def _median_wait(succeeded: Q) -> float | None:
    """Return the median seconds from order to file."""
    rows = Video.objects.filter(succeeded)
    times = rows.order_by("-completed_at").values_list("created_at", "completed_at")[:MEDIAN_SAMPLE]
    waits = [(end - start).total_seconds() for start, end in times if end]
    return median(waits) if waits else None


def _days(now: datetime) -> list[Day]:
    """Count the videos that ended on each of the last DAYS days."""
    days = last_days(DAYS)
    rows = (
        Video.objects.filter(completed_at__gte=now - timedelta(days=DAYS))
        .exclude(status=Status.CANCELLED)
        .order_by()
        .values_list(QuarterHour("completed_at"), "status")
        .annotate(n=Count("pk"))
    )
    succeeded: Counter[date] = Counter()
    failed: Counter[date] = Counter()
    for quarter, status, n in rows:
        (succeeded if status == Status.SUCCEEDED else failed)[day_of(quarter)] += n
    scale = Scale(
        max((succeeded[day] + failed[day] for day in days), default=0), CHART_HEIGHT, CHART_HEIGHT
    )
    return [_day(day, n, succeeded[day], failed[day], scale) for n, day in enumerate(days)]


def _day(day: date, n: int, succeeded: int, failed: int, scale: Scale) -> Day:
    bar = scale.bar(succeeded)
    return Day(day, succeeded, failed, n * DAY_WIDTH, bar, scale.bar(failed, on=bar.height))
