"""Daily bar charts: the days they show, and the geometry of bars in units of the drawing."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone


def last_days(count: int) -> list[date]:
    """Return the last `count` days in the current time zone, oldest first; today is the last."""
    today = timezone.localdate()
    return [today - timedelta(days=ago) for ago in reversed(range(count))]


def start_of_day(day: date) -> datetime:
    """Return midnight at which a day begins in the current time zone."""
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001


@dataclass(frozen=True)
class Bar:
    """The vertical extent of a bar: its upper edge and its height. SVG counts y downwards."""

    top: int
    height: int


@dataclass(frozen=True)
class Scale:
    """How values become bars: `highest` is drawn `height` tall, on the line y = `ground`.

    A value above zero is drawn at least `shortest` tall, so that it can be seen beside tall ones.
    """

    highest: int
    height: int
    ground: int
    shortest: int = 0

    def bar(self, value: int, *, on: int = 0) -> Bar:
        """Return the bar of a value >= 0; `on` is the height of the bar it is stacked on."""
        height = max(self.shortest, round(self.height * value / self.highest)) if value else 0
        return Bar(self.ground - on - height, height)
