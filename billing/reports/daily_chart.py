"""The chart of the billing page: credits spent and returned per day."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Sum

from billing.models import Entry
from billing.reports.recent_entries import entries_since
from config.lib.charts import Scale, last_days, start_of_day
from config.lib.durations import QuarterHour, day_of

Type = Entry.Type
DAYS = 14
# In units of the drawing; the baseline is where the bars stand.
DAY_WIDTH = 30
BAR_WIDTH = 10
BASELINE = 106
MAX_BAR_HEIGHT = 70
MIN_BAR_HEIGHT = 3


@dataclass(frozen=True)
class Day:
    """Credits spent and returned on one day, and the position of their bars."""

    number: int
    day: date
    spent: int
    returned: int
    scale: Scale

    @property
    def spent_height(self) -> int:
        return self.scale.bar(self.spent).height

    @property
    def spent_top(self) -> int:
        return self.scale.bar(self.spent).top

    @property
    def returned_height(self) -> int:
        return self.scale.bar(self.returned).height

    @property
    def returned_top(self) -> int:
        return self.scale.bar(self.returned).top

    @property
    def x(self) -> int:
        return self.number * DAY_WIDTH + 4

    @property
    def middle(self) -> int:
        return self.number * DAY_WIDTH + DAY_WIDTH // 2

    @property
    def returned_x(self) -> int:
        return self.x + BAR_WIDTH + 1


@dataclass(frozen=True)
class DailyChart:
    """The days of the chart, their sums, and the largest number of credits on a day."""

    days: list[Day]
    spent: int
    returned: int
    highest: int


def daily_chart(user: AbstractBaseUser) -> DailyChart:
    """Return the credits that a user spent and got back on each of the last 14 days."""
    shown = last_days(DAYS)
    rows = (
        entries_since(user, start_of_day(shown[0]), Type.SPENT, Type.REFUNDED)
        .order_by()
        .values_list("type", QuarterHour("created_at"))
        .annotate(sum=Sum("amount"))
    )
    sums: Counter[tuple[str, date]] = Counter()
    for type, quarter, amount in rows:
        sums[type, day_of(quarter)] += abs(amount)
    highest = max(sums.values(), default=0)
    scale = Scale(highest, MAX_BAR_HEIGHT, BASELINE, shortest=MIN_BAR_HEIGHT)
    days = [
        Day(n, day, sums.get((Type.SPENT, day), 0), sums.get((Type.REFUNDED, day), 0), scale)
        for n, day in enumerate(shown)
    ]
    spent, returned = sum(d.spent for d in days), sum(d.returned for d in days)
    return DailyChart(days, spent, returned, highest)
