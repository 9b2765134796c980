"""The queue of orders: users take turns, and a user has JOBS_PER_USER videos at engines at most.

An order whose engine has no free place is passed over. Without turns, one user's 500 orders would
make everybody else wait.
"""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from videos.jobs import ranking
from videos.jobs.engine_choice import engine_limits
from videos.jobs.engine_choice.engine_limits import AT_ENGINE
from videos.models import Feed, Video

Status = Video.Status


def next_orders(now: datetime, limit: int) -> list[UUID]:
    """Return the ids of up to `limit` due orders, users taking turns; locks nothing.

    Whoever has the fewest videos at engines is first; a user who has JOBS_PER_USER waits, and so do
    the orders of an engine without a free place.
    """
    waiting = Video.objects.due(now).filter(status=Status.QUEUED, deadline_at__gt=now)
    if full_engines := engine_limits.full_engines(now):
        waiting = waiting.exclude(engine__in=full_engines)
    users = set(waiting.order_by().values_list("user_id", flat=True).distinct())
    if not users:
        return []
    busy = at_engines(users)
    full = [user_id for user_id in users if _room(busy, user_id) <= 0]
    if len(full) == len(users):
        return []
    own_order = (F("front_at").desc(nulls_last=True), "created_at", "id")
    numbered = Window(RowNumber(), partition_by="user_id", order_by=own_order)
    rows = waiting.exclude(user_id__in=full).annotate(turn=numbered).order_by("turn", "created_at")
    found = [
        (busy.get(user_id, 0) + turn, pk)
        for pk, user_id, turn in rows.values_list("pk", "user_id", "turn")[: 2 * limit]
        if turn <= _room(busy, user_id)
    ]
    found.sort(key=itemgetter(0))  # stable: the rows are in the order of their turns and times
    return [pk for _turn, pk in found[:limit]]


def lock_allowed(ids: Iterable[UUID], now: datetime) -> QuerySet[Video]:
    """Return those of these orders that are due and that the limits of users and engines allow.

    Must be called in a transaction, which then holds the feeds of the users and the rows of the
    engines that have limits: two workers cannot both give the last free place.
    """
    rows = Video.objects.due(now).filter(pk__in=list(ids), status=Status.QUEUED)
    orders = {
        pk: (owner, engine) for pk, owner, engine in rows.values_list("pk", "user_id", "engine")
    }
    users = sorted({owner for owner, _engine in orders.values()}) if settings.JOBS_PER_USER else []
    list(Feed.objects.select_for_update().filter(pk__in=users).order_by("pk"))
    rooms = engine_limits.lock_rooms((engine for _owner, engine in orders.values()), now)
    if not users and not rooms:
        return rows
    busy = at_engines(users)
    allowed = []
    for pk in ids:
        if pk not in orders:
            continue
        owner, engine = orders[pk]
        if _room(busy, owner) > 0 and rooms.get(engine, 1) > 0:
            busy[owner] = busy.get(owner, 0) + 1
            if engine in rooms:
                rooms[engine] -= 1
            allowed.append(pk)
    return rows.filter(pk__in=allowed)


def at_engines(users: Iterable[UUID]) -> dict[UUID, int]:
    """Count the videos that engines have, or may have, by user."""
    rows = Video.objects.filter(user_id__in=users, status__in=AT_ENGINE).order_by()
    return dict(rows.values_list("user_id").annotate(n=Count("pk")))


def add_positions(videos: Iterable[Video]) -> None:
    """Set `queue_position`, from 1, on those of these videos that wait in our queue."""
    waiting = {video.pk: video for video in videos if video.status == Status.QUEUED}
    if not waiting:
        return
    for pk, position in ranking.positions_of(waiting).items():
        waiting[pk].queue_position = position


def _room(busy: dict[UUID, int], user_id: UUID) -> int:
    """How many more videos of this user engines may have; with JOBS_PER_USER 0 any number."""
    most: int = settings.JOBS_PER_USER or 2**31
    return most - busy.get(user_id, 0)
