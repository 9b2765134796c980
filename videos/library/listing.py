"""The lists of the API: a user's videos by status and by words, and how many there are."""

from collections.abc import Collection
from functools import cache

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet, UUIDField

from config.lib.prepared_queries import PreparedQuery
from videos.library import counts, search
from videos.models import Video, VideoQuerySet


def listed(
    user: AbstractBaseUser, statuses: Collection[str] = (), words: str = "", tag: str = ""
) -> VideoQuerySet:
    """Return a user's videos that have one of these statuses, if any, these words and this tag."""
    if tag:
        return listed(user, statuses, words).filter(search.tagged(user, tag))
    if words:
        is_large = counts.counts_of(user).total > search.LARGE
        videos = search.matching(user, words, is_large=is_large)
        return videos.filter(status__in=statuses) if statuses else videos
    if not statuses:
        return Video.objects.of(user)
    if set(statuses) <= set(Video.ACTIVE):
        active = Video.objects.active().filter(user_id=user.pk, status__in=statuses)
        return Video.objects.among(user, active.values("pk"))
    return Video.objects.of(user).filter(status__in=statuses)


def newest(user: AbstractBaseUser, limit: int) -> list[Video]:
    """Return the first videos of the whole list, newest first; `limit` has few values."""
    return _newest_of(limit).all(user.pk)


@cache
def _newest_of(limit: int) -> PreparedQuery[Video]:
    return PreparedQuery(
        lambda owner: Video.objects.of_id(owner).order_by("-created_at", "-id")[:limit], UUIDField
    )


def number_listed(
    rows: QuerySet[Video],
    user: AbstractBaseUser,
    statuses: Collection[str] = (),
    words: str = "",
    tag: str = "",
) -> int:
    """Return how many videos this list (`rows`) has, which `listed` returned for the same filters.

    With words or a tag at most search.MOST_COUNTED.
    """
    if words or tag:
        return rows.order_by()[: search.MOST_COUNTED].count()
    return counts.number_with(user, statuses)
