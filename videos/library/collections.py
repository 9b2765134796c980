"""What a person keeps of their videos: favourites and collections, and how they find them again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from videos.models import Collection, Video, VideoQuerySet

Status = Video.Status

TALL, WIDE = "tall", "wide"


class NameTaken(Exception):
    """Another collection of this person has the name; nothing was written."""


@dataclass(frozen=True)
class Search:
    """What to show of a library; whatever cannot be read is as if it were not asked for."""

    q: str = ""
    status: str = ""
    model: str = ""
    shape: str = ""
    sort: str = ""
    collection: int = 0

    STATUSES: ClassVar = ("ready", "rendering", "attention", "favourites")
    # The newest stand first when nothing else is asked for.
    SORTS: ClassVar = {
        "oldest": ("created_at", "id"),
        "longest": ("-seconds", "-created_at", "-id"),
        "title": ("prompt", "id"),
    }

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "Search":
        status, sort, shape = (asked.get(name, "") for name in ("status", "sort", "shape"))
        collection = asked.get("collection", "")
        # PostgreSQL knows no text with a NUL in it.
        q, model = (asked.get(name, "").replace("\0", "") for name in ("q", "model"))
        return cls(
            q=q.strip()[:200],
            status=status if status in cls.STATUSES else "",
            model=model[:64],
            shape=shape if shape in {TALL, WIDE} else "",
            sort=sort if sort in cls.SORTS else "",
            collection=int(collection) if collection.isdecimal() and len(collection) < 10 else 0,
        )

    @property
    def narrows(self) -> bool:
        return bool(self.q or self.model or self.shape)

    def of(self, videos: VideoQuerySet) -> VideoQuerySet:
        """All that matches but for the status, in order."""
        found = videos.matching(self.q)
        if self.model:
            found = found.filter(model=self.model)
        if self.shape:
            found = found.filter(size__in=_sizes(found, self.shape))
        if self.collection:
            found = found.filter(collections=self.collection)
        return found.order_by(*self.SORTS[self.sort]) if self.sort else found.newest()

    def only(self, videos: VideoQuerySet) -> VideoQuerySet:
        """Those of the asked-for status."""
        return videos.filter(STATUS_IS[self.status]()) if self.status else videos


def _sizes(videos: VideoQuerySet, shape: str) -> list[str]:
    sizes = set(videos.order_by().values_list("size", flat=True).distinct())
    return [size for size in sizes if (TALL if _is_tall(size) else WIDE) == shape]


def _is_tall(size: str) -> bool:
    width, _x, height = size.partition("x")
    return int(height) > int(width)


def attention() -> Q:
    """Videos that failed and were not tried again."""
    again = Exists(Video.objects.filter(retry_of=OuterRef("pk")))
    return Q(status__in=(Status.FAILED, Status.TIMEOUT)) & ~Q(again)


STATUS_IS: dict[str, Callable[[], Q]] = {
    "ready": lambda: Q(status=Status.SUCCEEDED),
    "rendering": lambda: Q(status__in=Video.ACTIVE),
    "attention": attention,
    "favourites": lambda: Q(favourited_at__isnull=False),
}


def counts(videos: VideoQuerySet) -> dict[str, int]:
    """How many there are in all, and of each status."""
    of_each = {word: Count("pk", filter=condition()) for word, condition in STATUS_IS.items()}
    return videos.order_by().aggregate(total=Count("pk"), **of_each)


# ---- favourites ----


def toggle_favourite(video: Video) -> bool:
    """Mark a video as a favourite, or take the mark away; whether it is one now."""
    marked = video.favourited_at is None
    at = timezone.now() if marked else None
    Video.objects.filter(pk=video.pk).update(favourited_at=at)
    return marked


# ---- collections ----


def collections_of(user: AbstractBaseUser) -> QuerySet[Collection]:
    """A person's collections by name, with `size` and the newest finished video as `cover`."""
    living = Q(videos__deleted_at=None)
    cover = Video.objects.filter(
        collections=OuterRef("pk"), deleted_at=None, status=Status.SUCCEEDED
    ).newest()
    return Collection.objects.filter(user_id=user.pk).annotate(
        size=Count("videos", filter=living), cover=Subquery(cover.values("pk")[:1])
    )


def name_collection(user: AbstractBaseUser, name: str, collection: Collection | None) -> Collection:
    """Begin a collection, or give one another name. Raises NameTaken."""
    named = collection or Collection(user_id=user.pk)
    named.name = name
    try:
        with transaction.atomic():
            named.save()
    except IntegrityError as error:
        raise NameTaken(name) from error
    return named


def keep(collection: Collection, videos: QuerySet[Video]) -> int:
    """Put videos into a collection; how many were not in it before. Safe to repeat."""
    new = list(videos.exclude(pk__in=collection.videos.values("pk")))
    collection.videos.add(*new)
    return len(new)


def take_out(collection: Collection, videos: QuerySet[Video]) -> int:
    """Take videos out of a collection; they stay in the library. Safe to repeat."""
    going = list(videos.filter(collections=collection))
    collection.videos.remove(*going)
    return len(going)
