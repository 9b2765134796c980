"""Find videos in a library: filters, sort orders and counts by status."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, Exists, OuterRef, Q

from videos.models import Video, VideoQuerySet

TALL, WIDE = "tall", "wide"


@dataclass(frozen=True)
class LibraryFilter:
    """What to show of a library; values that are not understood are ignored."""

    q: str = ""
    status: str = ""
    model: str = ""
    shape: str = ""
    sort: str = ""
    collection: int = 0

    STATUSES: ClassVar = ("ready", "rendering", "attention", "favourites")
    # Without a sort order the newest videos come first.
    SORTS: ClassVar = {
        "oldest": ("created_at", "id"),
        "longest": ("-seconds", "-created_at", "-id"),
        "title": ("prompt", "id"),
    }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "LibraryFilter":
        """Read the filter from the parameters of a URL."""
        status, sort, shape = (query.get(name, "") for name in ("status", "sort", "shape"))
        collection = query.get("collection", "")
        # PostgreSQL cannot store a text that contains NUL.
        q, model = (query.get(name, "").replace("\0", "") for name in ("q", "model"))
        return cls(
            q=q.strip()[:200],
            status=status if status in cls.STATUSES else "",
            model=model[:64],
            shape=shape if shape in {TALL, WIDE} else "",
            sort=sort if sort in cls.SORTS else "",
            collection=int(collection) if collection.isdecimal() and len(collection) < 10 else 0,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether a search, a model or a shape is set."""
        return bool(self.q or self.model or self.shape)

    def apply(self, videos: VideoQuerySet) -> VideoQuerySet:
        """Return the matching videos in order, of every status."""
        found = videos.matching(self.q)
        if self.model:
            found = found.filter(model=self.model)
        if self.shape:
            found = found.filter(size__in=_sizes(found, self.shape))
        if self.collection:
            found = found.filter(collections=self.collection)
        return found.order_by(*self.SORTS[self.sort]) if self.sort else found.newest()

    def apply_status(self, videos: VideoQuerySet) -> VideoQuerySet:
        """Return the videos that have the chosen status; all of them when none is chosen."""
        return videos.filter(STATUS_FILTERS[self.status]()) if self.status else videos


def models_of(user: AbstractBaseUser) -> set[str]:
    """Return the ids of the models that a user has made videos with."""
    return set(Video.objects.of(user).order_by().values_list("model", flat=True).distinct())


def _sizes(videos: VideoQuerySet, shape: str) -> list[str]:
    sizes = set(videos.order_by().values_list("size", flat=True).distinct())
    return [size for size in sizes if (TALL if _is_tall(size) else WIDE) == shape]


def _is_tall(size: str) -> bool:
    width, _x, height = size.partition("x")
    return int(height) > int(width)


def needs_attention() -> Q:
    """Return the condition for videos that failed and were not retried."""
    retried = Exists(Video.objects.filter(retry_of=OuterRef("pk")))
    return Q(status__in=(Video.Status.FAILED, Video.Status.TIMEOUT)) & ~Q(retried)


STATUS_FILTERS: dict[str, Callable[[], Q]] = {
    "ready": lambda: Q(status=Video.Status.SUCCEEDED),
    "rendering": lambda: Q(status__in=Video.ACTIVE),
    "attention": needs_attention,
    "favourites": lambda: Q(favourited_at__isnull=False),
}


def status_counts(videos: VideoQuerySet) -> dict[str, int]:
    """Return the number of videos in total and with each status."""
    of_each = {word: Count("pk", filter=condition()) for word, condition in STATUS_FILTERS.items()}
    return videos.order_by().aggregate(total=Count("pk"), **of_each)
