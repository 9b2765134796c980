"""The figures of staff about videos, on the days of their time zone."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from config.lib.charts import last_days
from tests.videos.library.test_counts import add
from videos.models import Video
from videos.reports import dashboard

Status = Video.Status


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_days_count_the_videos_that_ended_on_them(
    alice: User, zone: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    draw = random.Random(zone)
    now = timezone.now()
    moments = [now - timedelta(minutes=draw.randrange(16 * 1440)) for _ in range(120)]
    with timezone.override(ZoneInfo(zone)):
        today = timezone.localdate()
        midnight = timezone.make_aware(datetime(today.year, today.month, today.day))
        edges = [midnight, midnight - timedelta(microseconds=1)]
        for moment in [*moments, *edges, None]:
            add(alice, draw.choice(list(Status)), completed_at=moment)
        ended = [
            (timezone.localdate(row.completed_at), row.status)
            for row in Video.objects.filter(completed_at__isnull=False)
        ]
        with django_assert_num_queries(1):
            days = dashboard.ended_by_day()
        expected = [
            (
                ended.count((day, Status.SUCCEEDED)),
                sum(d == day and s not in {"succeeded", "cancelled"} for d, s in ended),
            )
            for day in last_days(dashboard.DAYS)
        ]
    assert [(day.succeeded, day.failed) for day in days] == expected
    assert sum(map(sum, expected)) > 50


def test_median_wait_is_that_of_the_videos_of_today(alice: User) -> None:
    now = timezone.now()
    assert dashboard.todays_figures().median_wait is None
    for seconds in (1, 2.5, 9):
        add(alice, Status.SUCCEEDED, completed_at=now)
        Video.objects.filter(created_at__gt=now).update(created_at=now - timedelta(seconds=seconds))
    assert dashboard.todays_figures().median_wait == 2.5
