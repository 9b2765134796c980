"""What the orders of an API key made and cost, by day.

Days are those of UTC, as for the limit of credits per day. Credits that a failed or cancelled video
returned do not count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.models import ApiKey
from config.lib import clock
from videos.jobs.key_limits import REFUNDED
from videos.models import Video
from videos.reports.usage import FAILED

DAYS = 30


@dataclass(frozen=True)
class KeyDay:
    """The orders of a key on a day of UTC: how many, how many failed, and the credits they cost."""

    date: date
    videos: int = 0
    failed: int = 0
    credits: int = 0


@dataclass(frozen=True)
class KeyUsage:
    """The last DAYS days of a key, oldest first; the last one is today."""

    days: tuple[KeyDay, ...]

    @property
    def videos(self) -> int:
        return sum(day.videos for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    @property
    def credits(self) -> int:
        return sum(day.credits for day in self.days)

    @property
    def today(self) -> KeyDay:
        return self.days[-1]

    @property
    def used_days(self) -> list[KeyDay]:
        """The days with orders, newest first."""
        return [day for day in reversed(self.days) if day.videos]


def usage_of(key: ApiKey) -> KeyUsage:
    """Return the usage of a key, with one query."""
    return _usage(_days(Video.objects.filter(api_key=key)))


def usage_by_key(user: AbstractBaseUser) -> dict[UUID, KeyUsage]:
    """Return the usage of every key of a user that ordered something lately, with one query."""
    rows: dict[UUID, list[dict[str, Any]]] = {}
    for row in _days(Video.objects.filter(user_id=user.pk, api_key__isnull=False), "api_key"):
        rows.setdefault(row["api_key"], []).append(row)
    return {key: _usage(days) for key, days in rows.items()}


def no_usage() -> KeyUsage:
    """Return the usage of a key that ordered nothing."""
    return _usage([])


def _days(videos: "QuerySet[Video]", *by: str) -> Iterable[dict[str, Any]]:
    first = datetime.combine(_dates()[0], time(), UTC)
    lately = videos.filter(created_at__gte=first).order_by()
    rows: Iterable[Any] = lately.values(*by, day=TruncDate("created_at", tzinfo=UTC)).annotate(
        videos=Count("pk"),
        failed=Count("pk", filter=Q(status__in=FAILED)),
        spent=Sum("credits", filter=~REFUNDED, default=0),
    )
    return rows


def _dates() -> list[date]:
    today = clock.now().astimezone(UTC).date()
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]


def _usage(rows: Iterable[dict[str, Any]]) -> KeyUsage:
    found = {row["day"]: row for row in rows}
    return KeyUsage(
        tuple(
            KeyDay(day, row["videos"], row["failed"], row["spent"])
            if (row := found.get(day))
            else KeyDay(day)
            for day in _dates()
        )
    )
