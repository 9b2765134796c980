"""How many videos a library has of each kind, without counting them; and a check that it is so."""

from collections.abc import Collection, Iterator
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, Q, UUIDField

from config.lib.prepared_queries import PreparedQuery
from videos import feed
from videos.library import search
from videos.models import LibraryCounts, Video

Status = Video.Status

# What each count counts, among videos that are not deleted.
COUNTED = {
    "active": Q(status__in=Video.ACTIVE),
    "succeeded": Q(status=Status.SUCCEEDED),
    "failed": Q(status=Status.FAILED),
    "cancelled": Q(status=Status.CANCELLED),
    "timeout": Q(status=Status.TIMEOUT),
    "attention": search.needs_attention(),
    "favourites": Q(favourited_at__isnull=False),
}
COUNTS_OF_USER = PreparedQuery(
    lambda user_id: LibraryCounts.objects.filter(user_id=user_id), UUIDField
)
NONE = (0,) * len(COUNTED)
BATCH = 1000


def counts_of(user: AbstractBaseUser) -> LibraryCounts:
    """Return the kept counts of a user's library, with one query."""
    return COUNTS_OF_USER.first(user.pk) or LibraryCounts(user_id=user.pk)


def number_with(user: AbstractBaseUser, statuses: Collection[str] = ()) -> int:
    """Return how many videos of the library have one of these statuses; all of them for none.

    One query. Only active videos are counted, if single statuses of theirs are asked for.
    """
    asked = set(statuses)
    active = asked & set(Video.ACTIVE)
    if active and active != set(Video.ACTIVE):
        return Video.objects.of(user).filter(status__in=asked).order_by().count()
    kept = counts_of(user)
    if not asked:
        return kept.total
    names = {str(Status(status)) for status in asked - active} | ({"active"} if active else set())
    return sum(int(getattr(kept, name)) for name in names)


def wrong_counts() -> Iterator[UUID]:
    """Yield the users whose kept counts are not those of their videos.

    Two queries for BATCH users, and two more for each whom they seem to be wrong for: then nobody
    changes the library meanwhile.
    """
    users = get_user_model().objects.order_by("pk").values_list("pk", flat=True)
    last = None
    while batch := list((users.filter(pk__gt=last) if last else users)[:BATCH]):
        kept, counted = _kept(batch), _count(batch)
        for user_id in batch:
            if kept.get(user_id, NONE) != counted.get(user_id, NONE) and _is_wrong(user_id):
                yield user_id
        last = batch[-1]


def repair(user_id: UUID) -> None:
    """Store what is counted; nobody changes the library meanwhile."""
    with feed.lock(user_id):
        counted = _count([user_id]).get(user_id, NONE)
        LibraryCounts.objects.update_or_create(
            user_id=user_id, defaults=dict(zip(COUNTED, counted, strict=True))
        )


def _is_wrong(user_id: UUID) -> bool:
    with feed.lock(user_id):
        return _kept([user_id]).get(user_id, NONE) != _count([user_id]).get(user_id, NONE)


def _kept(users: list[UUID]) -> dict[UUID, tuple[int, ...]]:
    rows = LibraryCounts.objects.filter(user_id__in=users).values_list("user_id", *COUNTED)
    return {user_id: tuple(counts) for user_id, *counts in rows}


def _count(users: list[UUID]) -> dict[UUID, tuple[int, ...]]:
    """Count the libraries of these users."""
    each = {name: Count("pk", filter=condition) for name, condition in COUNTED.items()}
    living = Video.objects.filter(user_id__in=users, deleted_at=None).order_by()
    rows = living.values_list("user_id").annotate(**each)
    return {user_id: tuple(counts) for user_id, *counts in rows}
