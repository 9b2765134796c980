"""Figures about videos for the dashboard of staff, read with a fixed number of queries."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from django.db import connection
from django.db.models import Count, Min, Q

from billing.reports.dashboard import start_of_today
from config.lib import clock
from config.lib.charts import Bar, Scale, last_days, start_of_day
from config.lib.durations import MicrosecondsBetween
from videos.catalog import staff_warnings
from videos.credentials import records
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

# Each day is counted in the index of ended videos; grouping all videos by their days took longer.
ENDED_SQL = """
WITH days(n, since, until) AS (VALUES {days})
SELECT
    n,
    (
        SELECT COUNT(*) FROM videos_video
        WHERE completed_at >= since AND completed_at < until AND status = 'succeeded'
    ),
    (
        SELECT COUNT(*) FROM videos_video
        WHERE completed_at >= since AND completed_at < until
            AND status NOT IN ('succeeded', 'cancelled')
    )
FROM days ORDER BY n
"""


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
        "stuck": Q(status__in=Video.ACTIVE, completed_at=None, paused_at=None) & late,
        # By the index of the few that failed, not by a join over all videos.
        "unsigned": Q(pk__in=records.failed().values("video_id")),
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
    # When the order was placed that has waited for an engine for the longest time.
    oldest_waiting: datetime | None
    stuck: int
    # Stored without the content credentials that they should have.
    unsigned: int
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

    @property
    def succeeded_yesterday(self) -> int:
        return self.days[-2].succeeded

    @property
    def succeeded_usually(self) -> int:
        """The average of the days before today."""
        before = self.days[:-1]
        return round(sum(day.succeeded for day in before) / len(before))


def todays_figures() -> DashboardFigures:
    """Count everything the dashboard shows."""
    videos = video_filters()
    active = Video.objects.active()
    # What a user has paused does not wait.
    oldest = Min("created_at", filter=Q(paused_at=None))
    rows = active.order_by().values_list("status").annotate(n=Count("pk"), oldest=oldest)
    states = {status: (n, at) for status, n, at in rows}
    counts = Video.objects.filter(completed_at__gte=start_of_today()).aggregate(
        **{name: Count("pk", filter=videos[name]) for name in ("succeeded", "failed")}
    )
    by_model, by_day = margins.by_model_and_day()
    return DashboardFigures(
        states={status.value: states.get(status, (0, None))[0] for status in Video.ACTIVE},
        **counts,
        median_wait=_median_wait(videos["succeeded"]),
        oldest_waiting=states.get(Status.QUEUED, (0, None))[1],
        stuck=Video.objects.filter(videos["stuck"]).count(),
        unsigned=records.failed().count(),
        deliveries=WebhookDelivery.objects.filter(delivery_filters()["given_up"]).count(),
        rejected_prompts=RejectedPrompt.objects.filter(rejected_prompt_filters()["today"]).count(),
        engines=list(engines.current().values()),
        days=ended_by_day(),
        margins=by_model,
        daily_margins=by_day,
        warnings=staff_warnings.find_warnings(),
    )


def _median_wait(succeeded: Q) -> float | None:
    """Return the median seconds from order to file; an edit is no order of an engine."""
    rendered = Video.objects.exclude(operation=Video.Operation.EDIT)
    rows = rendered.filter(succeeded).order_by("-completed_at")
    times = rows.values_list(MicrosecondsBetween("created_at", "completed_at"), flat=True)
    waits = list(times[:MEDIAN_SAMPLE])
    return median(waits) / 1_000_000 if waits else None


def ended_by_day() -> list[Day]:
    """Return how many videos ended on each of the last DAYS days, with their bars; one query."""
    days = last_days(DAYS)
    counts = _ended_on(days)
    scale = Scale(max(map(sum, counts)), CHART_HEIGHT, CHART_HEIGHT)
    numbered = enumerate(zip(days, counts, strict=True))
    return [_day(day, n, *each, scale) for n, (day, each) in numbered]


def _ended_on(days: list[date]) -> list[tuple[int, int]]:
    """Count the videos that succeeded and failed on each of some consecutive days; one query."""
    midnights = map(start_of_day, (*days, days[-1] + timedelta(days=1)))
    time = Video._meta.get_field("completed_at")
    bounds = pairwise(time.get_db_prep_value(moment, connection) for moment in midnights)
    values = [value for n, bound in enumerate(bounds) for value in (n, *bound)]
    with connection.cursor() as cursor:
        cursor.execute(ENDED_SQL.format(days=", ".join(["(%s, %s, %s)"] * len(days))), values)
        return [(succeeded, failed) for _n, succeeded, failed in cursor.fetchall()]


def _day(day: date, n: int, succeeded: int, failed: int, scale: Scale) -> Day:
    bar = scale.bar(succeeded)
    return Day(day, succeeded, failed, n * DAY_WIDTH, bar, scale.bar(failed, on=bar.height))
