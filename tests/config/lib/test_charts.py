"""Daily bar charts: which days they show, and how tall their bars are."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from config.lib import charts


@time_machine.travel(datetime(2026, 3, 1, 20, tzinfo=UTC), tick=False)
def test_last_days_end_today_when_the_time_zone_is_ahead_of_utc() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert charts.last_days(3) == [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]


def test_day_starts_at_midnight_when_the_time_zone_is_ahead_of_utc() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        start = charts.start_of_day(date(2026, 3, 2))
    assert start == datetime(2026, 3, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "bar"),
    [
        (200, charts.Bar(36, 70)),
        (100, charts.Bar(71, 35)),
        (1, charts.Bar(103, 3)),
        (0, charts.Bar(106, 0)),
    ],
)
def test_bar_is_as_tall_as_its_value_when_scaled(value: int, bar: charts.Bar) -> None:
    assert charts.Scale(200, 70, 106, shortest=3).bar(value) == bar


def test_bar_stands_on_another_when_stacked() -> None:
    scale = charts.Scale(highest=4, height=100, ground=100)
    assert scale.bar(1, on=scale.bar(3).height) == charts.Bar(0, 25)


def test_bars_are_flat_when_there_are_no_values() -> None:
    assert charts.Scale(highest=0, height=100, ground=100).bar(0) == charts.Bar(100, 0)
