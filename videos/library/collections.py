"""Favourites and collections: what a user marks or groups in the library."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from videos import feed
from videos.models import Collection, Video

Status = Video.Status


class NameTaken(Exception):
    """The user has another collection with this name; nothing was written."""


def toggle_favourite(video: Video) -> bool:
    """Add a video to the favourites or remove it; return whether it is one now."""
    is_favourite = video.favourited_at is None
    at = timezone.now() if is_favourite else None
    # The feed is held first, as by whoever else changes the kept counts of a library.
    with feed.lock(video.user_id):
        Video.objects.filter(pk=video.pk).update(favourited_at=at)
    return is_favourite


def collections_of(user: AbstractBaseUser) -> QuerySet[Collection]:
    """Return a user's collections by name, with `size` and the newest finished video as `cover`."""
    living = Q(videos__deleted_at=None)
    cover = Video.objects.filter(
        collections=OuterRef("pk"), deleted_at=None, status=Status.SUCCEEDED
    ).newest()
    return Collection.objects.filter(user_id=user.pk).annotate(
        size=Count("videos", filter=living), cover=Subquery(cover.values("pk")[:1])
    )


def create_collection(user: AbstractBaseUser, name: str) -> Collection:
    """Create a collection. Raises NameTaken."""
    return rename_collection(Collection(user_id=user.pk), name)


def rename_collection(collection: Collection, name: str) -> Collection:
    """Give a collection a name and save it. Raises NameTaken."""
    collection.name = name
    try:
        with transaction.atomic():
            collection.save()
    except IntegrityError as error:
        raise NameTaken(name) from error
    return collection


def add_videos(collection: Collection, videos: QuerySet[Video]) -> int:
    """Add videos to a collection; return how many were not in it before. Safe to repeat."""
    new = list(videos.exclude(pk__in=collection.videos.values("pk")))
    collection.videos.add(*new)
    return len(new)


def remove_videos(collection: Collection, videos: QuerySet[Video]) -> int:
    """Remove videos from a collection, not from the library; return how many. Safe to repeat."""
    removed = list(videos.filter(collections=collection))
    collection.videos.remove(*removed)
    return len(removed)
