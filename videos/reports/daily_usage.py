"""A user's videos of a period, added up by model, kind, API key and state; and a check of the sums.

Ended videos are added up by days of UTC already (`DailyUsage`). A period begins at a midnight of
the user, so the videos of its first hours are added up here, and so are those that have not ended.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import ApiKey
from config.lib.durations import MicrosecondsBetween, UtcDay
from videos import feed
from videos.models import DailyUsage, Video
from videos.models.daily_usage import NO_KEY

ENDED = (Video.Status.SUCCEEDED, *Video.LOST)
KEY = ("model", "operation", "api_key", "status")
BATCH = 1000


class Group(NamedTuple):
    """The videos of one model, kind, API key and state; `waited` is in microseconds."""

    model: str
    operation: str
    api_key: UUID | None
    api_key_name: str | None
    status: str
    videos: int
    seconds: int
    credits: int
    waited: int


def groups_since(user: AbstractBaseUser, first: datetime) -> list[Group]:
    """Return the groups of the videos that a user has ordered since a time; one query.

    A group may be divided into several.
    """
    own = Video.objects.filter(user_id=user.pk, created_at__gte=first)
    midnight = _midnight_after(first)
    rolled = _of_days(DailyUsage.objects.filter(user_id=user.pk, day__gte=midnight.date()))
    counted = [own.filter(status__in=Video.ACTIVE, completed_at=None)]
    if midnight > first:
        counted.append(own.filter(status__in=ENDED, created_at__lt=midnight))
    rows = rolled.union(*map(_of_videos, counted), all=True)
    groups = (Group(*row) for row in rows)
    return [group for group in groups if group.videos]


def _midnight_after(moment: datetime) -> datetime:
    """Return the first midnight of UTC that is not before a moment."""
    start = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return start if start == moment else start + timedelta(days=1)


def _of_days(days: QuerySet[DailyUsage]) -> QuerySet[DailyUsage, Any]:
    name = Subquery(ApiKey.objects.filter(pk=OuterRef("api_key")).values("name")[:1])
    named = days.order_by().annotate(key_name=name)
    groups = named.values_list("model", "operation", "api_key", "key_name", "status")
    return groups.annotate(*map(Sum, ("videos", "seconds", "credits", "waited")))


def _of_videos(videos: QuerySet[Video]) -> QuerySet[Video, Any]:
    rows = videos.order_by()
    groups = rows.values_list("model", "operation", "api_key", "api_key__name", "status")
    waited = Coalesce(Sum(MicrosecondsBetween("created_at", "completed_at")), 0)
    return groups.annotate(Count("pk"), Sum("seconds"), Sum("credits"), waited=waited)


def wrong_users() -> Iterator[UUID]:
    """Yield the users whose stored sums are not those of their videos.

    Two queries for BATCH users, and two more for each whom they seem to be wrong for: then nobody
    changes the videos meanwhile.
    """
    users = get_user_model().objects.order_by("pk").values_list("pk", flat=True)
    last = None
    while batch := list((users.filter(pk__gt=last) if last else users)[:BATCH]):
        stored, counted = _stored(batch), _counted(batch)
        found = {row[0] for row in stored ^ counted}
        yield from (user_id for user_id in batch if user_id in found and _is_wrong(user_id))
        last = batch[-1]


def repair(user_id: UUID) -> None:
    """Store what the videos add up to; nobody changes them meanwhile."""
    with feed.lock(user_id):
        DailyUsage.objects.filter(user_id=user_id).delete()
        names = ("user_id", "day", *KEY, "videos", "seconds", "credits", "waited")
        rows = (DailyUsage(**dict(zip(names, row, strict=True))) for row in _counted([user_id]))
        DailyUsage.objects.bulk_create(rows, batch_size=BATCH)


def _is_wrong(user_id: UUID) -> bool:
    with feed.lock(user_id):
        return _stored([user_id]) != _counted([user_id])


def _stored(users: list[UUID]) -> set[tuple[Any, ...]]:
    rows = DailyUsage.objects.filter(user_id__in=users).exclude(videos=0)
    return set(rows.values_list("user_id", "day", *KEY, "videos", "seconds", "credits", "waited"))


def _counted(users: list[UUID]) -> set[tuple[Any, ...]]:
    """Add up the ended videos of these users."""
    rows = Video.objects.filter(user_id__in=users, status__in=ENDED).order_by()
    days = rows.annotate(day=UtcDay("created_at"), key=Coalesce("api_key_id", NO_KEY))
    groups = days.values_list("user_id", "day", "model", "operation", "key", "status")
    waited = Coalesce(Sum(MicrosecondsBetween("created_at", "completed_at")), 0)
    return set(groups.annotate(Count("pk"), Sum("seconds"), Sum("credits"), waited=waited))
