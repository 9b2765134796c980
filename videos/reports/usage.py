"""A user's usage in a period: credits by day, model, kind and API key, and the success rate.

Videos and their seconds count with and without billing. Deleted videos count, because they were
made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.ledger import credits as ledger_credits
from billing.reports import daily_sums
from config.lib.charts import Bar, Scale, last_days, start_of_day
from videos.catalog.reading import catalog
from videos.models import Video, VideoQuerySet
from videos.reports import daily_usage
from videos.reports.daily_usage import Group

Status = Video.Status
FAILED = (Status.FAILED, Status.TIMEOUT)

KINDS = {
    Video.Operation.TEXT: gettext_lazy("From text"),
    Video.Operation.IMAGE: gettext_lazy("From text and an image"),
    Video.Operation.FIRST_LAST: gettext_lazy("From text and two images"),
    Video.Operation.REFERENCE: gettext_lazy("From text and reference images"),
    Video.Operation.REMIX: gettext_lazy("Remix"),
    Video.Operation.EDIT: gettext_lazy("Edit"),
}
# The chart, in units of the drawing: its width, and how values become bars.
CHART_WIDTH, GROUND, CHART_HEIGHT = 720, 119, 118


@dataclass(frozen=True)
class Day:
    """Credits spent and returned on a day, and their bars in the chart."""

    day: date
    spent: int
    returned: int
    x: float
    width: float
    spent_bar: Bar
    returned_bar: Bar

    @property
    def returned_x(self) -> float:
        return round(self.x + self.width, 1)


@dataclass(frozen=True)
class UsageGroup:
    """Usage of one model, kind or API key; `width` is its bar in percent of the longest one.

    `seconds` is the length of its ready videos. The bar shows credits, or seconds without billing.
    """

    label: str
    videos: int
    ready: int
    failed: int
    seconds: int
    credits: int
    average_wait: timedelta | None
    width: int

    @property
    def success_rate(self) -> int | None:
        return rate_of(self.ready, self.failed)


@dataclass(frozen=True)
class UsageReport:
    """A user's usage of a period."""

    days: list[Day]
    highest: int
    models: list[UsageGroup]
    kinds: list[UsageGroup]
    keys: list[UsageGroup]
    average_wait: timedelta | None
    seconds: int
    ready: int
    failed: int
    cancelled: int
    rendering: int

    @property
    def spent(self) -> int:
        return sum(day.spent for day in self.days)

    @property
    def returned(self) -> int:
        return sum(day.returned for day in self.days)

    @property
    def net_credits(self) -> int:
        """Credits spent and not returned."""
        return self.spent - self.returned

    @property
    def videos(self) -> int:
        return self.ready + self.failed + self.cancelled + self.rendering

    @property
    def success_rate(self) -> int | None:
        """Ready videos in percent of those that ended without being cancelled."""
        return rate_of(self.ready, self.failed)


def rate_of(ready: int, failed: int) -> int | None:
    """Return ready videos in percent of those that ended; None when none has ended."""
    return 100 * ready // (ready + failed) if ready + failed else None


def first_day(days: int) -> datetime:
    """Return the midnight at which a period of `days` days, including today, began."""
    return start_of_day(last_days(days)[0])


def ordered_since(user: AbstractBaseUser, first: datetime) -> VideoQuerySet:
    """Return the videos a user has ordered since a time, deleted ones too."""
    return Video.objects.filter(user_id=user.pk, created_at__gte=first)


def usage_of(user: AbstractBaseUser, days: int) -> UsageReport:
    """Return a user's usage of the last `days` days."""
    first = first_day(days)
    rows = [_row(group) for group in daily_usage.groups_since(user, first)]
    by_day, highest = _days(user, days)
    return UsageReport(
        days=by_day,
        highest=highest,
        # An edit is not made by the model of its source.
        models=_groups(
            [row for row in rows if row["is_ordered"]], lambda row: _model(row["model"])
        ),
        kinds=_groups(rows, lambda row: str(KINDS[row["operation"]])),
        keys=_groups(rows, lambda row: row["key"] or _("Without an API key")),
        average_wait=_average_wait(rows),
        seconds=_sum(rows, "ready_seconds"),
        ready=_sum(rows, "ready"),
        failed=_sum(rows, "failed"),
        cancelled=_sum(rows, "cancelled"),
        rendering=_sum(rows, "rendering"),
    )


def _days(user: AbstractBaseUser, count: int) -> tuple[list[Day], int]:
    """Return the days of the period and the highest number of credits of a day."""
    shown = last_days(count)
    spent, returned = daily_sums.spent_and_returned(user, shown, ledger_credits.VIDEO_REFERENCE)
    highest = max([*spent.values(), *returned.values()], default=0)
    scale = Scale(highest, CHART_HEIGHT, GROUND, shortest=3)
    step = CHART_WIDTH / count
    days = [
        Day(
            day,
            spent.get(day, 0),
            returned.get(day, 0),
            x=round(n * step + step * 0.1, 1),
            width=round(step * 0.4, 1),
            spent_bar=scale.bar(spent.get(day, 0)),
            returned_bar=scale.bar(returned.get(day, 0)),
        )
        for n, day in enumerate(shown)
    ]
    return days, highest


def _row(group: Group) -> dict[str, Any]:
    """Return what a group adds to each figure."""
    is_ready, status = group.status == Status.SUCCEEDED, group.status
    is_ordered = group.operation != Video.Operation.EDIT
    return {
        "model": group.model,
        "operation": group.operation,
        "is_ordered": is_ordered,
        "key": group.api_key_name,
        "videos": group.videos,
        "ready": group.videos if is_ready else 0,
        "failed": group.videos if status in FAILED else 0,
        "ready_seconds": group.seconds if is_ready else 0,
        "net_credits": 0 if status in Video.LOST else group.credits,
        "cancelled": group.videos if status == Status.CANCELLED else 0,
        "rendering": group.videos if status in Video.ACTIVE else 0,
        "rendered": group.videos if is_ready and is_ordered else 0,
        "waited": group.waited if is_ready and is_ordered else 0,
    }


def _groups(rows: list[dict[str, Any]], label: Callable[[dict[str, Any]], str]) -> list[UsageGroup]:
    """Group the rows by their label, the most credits first; without billing the most seconds."""
    measure = "net_credits" if settings.BILLING else "ready_seconds"
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(label(row), []).append(row)
    most = max((_sum(group, measure) for group in groups.values()), default=0)
    found = [
        UsageGroup(
            name,
            _sum(group, "videos"),
            _sum(group, "ready"),
            _sum(group, "failed"),
            _sum(group, "ready_seconds"),
            _sum(group, "net_credits"),
            _average_wait(group),
            100 * _sum(group, measure) // most if most else 0,
        )
        for name, group in groups.items()
    ]
    return sorted(found, key=lambda group: (-group.width, -group.credits, group.label))


def _sum(rows: list[dict[str, Any]], name: str) -> int:
    return sum(row[name] for row in rows)


def _average_wait(rows: list[dict[str, Any]]) -> timedelta | None:
    """Return the average time from order to file of the ready videos that engines made."""
    rendered = _sum(rows, "rendered")
    if not rendered:
        return None
    return timedelta(milliseconds=round(_sum(rows, "waited") / 1000 / rendered))


def _model(name: str) -> str:
    return catalog().label(name)
