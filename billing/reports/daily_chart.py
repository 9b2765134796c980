"""The chart of the billing page: credits spent and returned per day."""

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.base_user import AbstractBaseUser

from billing.reports.daily_sums import spent_and_returned
from config.lib.charts import Scale, last_days

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
    spent, returned = spent_and_returned(user, shown)
    highest = max([*spent.values(), *returned.values()], default=0)
    scale = Scale(highest, MAX_BAR_HEIGHT, BASELINE, shortest=MIN_BAR_HEIGHT)
    days = [Day(n, day, spent[day], returned[day], scale) for n, day in enumerate(shown)]
    return DailyChart(days, spent.total(), returned.total(), highest)
