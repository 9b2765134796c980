"""Days and durations that the database computes are those that Python computes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from config.lib.durations import MicrosecondsBetween, QuarterHour, UtcDay, day_of

MOMENTS = (
    datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 29, 18, 14, 59, 999_000, tzinfo=UTC),
    datetime(2026, 3, 29, 18, 15, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_day_is_that_of_the_time_zone(alice: User, moment: datetime, zone: str) -> None:
    User.objects.filter(pk=alice.pk).update(date_joined=moment)
    quarter = User.objects.values_list(QuarterHour("date_joined"), flat=True).get()
    with timezone.override(ZoneInfo(zone)):
        found: date = day_of(quarter)
        assert found == timezone.localdate(moment)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_day_of_utc_is_the_same_in_every_time_zone(
    alice: User, moment: datetime, zone: str
) -> None:
    User.objects.filter(pk=alice.pk).update(date_joined=moment)
    with timezone.override(ZoneInfo(zone)):
        found = User.objects.values_list(UtcDay("date_joined"), flat=True).get()
    assert found == moment.date()


@pytest.mark.parametrize("seconds", [0, 0.001, 20, 86_400.5, 400 * 86_400])
def test_microseconds_between_two_moments(alice: User, seconds: float) -> None:
    between = MicrosecondsBetween("date_joined", "last_login")
    for moment in MOMENTS:
        later = moment + timedelta(seconds=seconds)
        User.objects.filter(pk=alice.pk).update(date_joined=moment, last_login=later)
        assert User.objects.values_list(between, flat=True).get() == round(seconds * 1_000_000)
