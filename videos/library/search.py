"""Find videos in a library: filters, sort orders and counts by status."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils import timezone

from config.lib import texts
from videos.library import prompt_index
from videos.models import Video, VideoQuerySet
from videos.models.tag import MAX_TAG

TALL, WIDE = "tall", "wide"
# Years that both databases and every time zone can hold.
DAY = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}")
# Videos that a search finds are counted up to this number.
MOST_COUNTED = 1000
# A library with more videos is searched by the index of prompts; others are read faster.
LARGE = 5000

# One step in the index for each model, instead of one for each video.
MODELS_SQL = """
WITH RECURSIVE found(model) AS (
    SELECT (SELECT MIN(model) FROM videos_video WHERE user_id = %s AND deleted_at IS NULL)
    UNION ALL
    SELECT (
        SELECT MIN(model) FROM videos_video
        WHERE user_id = %s AND deleted_at IS NULL AND model > found.model
    ) FROM found WHERE found.model IS NOT NULL
)
SELECT model FROM found WHERE model IS NOT NULL
"""


@dataclass(frozen=True)
class LibraryFilter:
    """What to show of a library; values that are not understood are ignored."""

    q: str = ""
    status: str = ""
    model: str = ""
    shape: str = ""
    sort: str = ""
    collection: int = 0
    tag: str = ""
    since: date | None = None
    until: date | None = None

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
        q, model, tag = (query.get(name, "").replace("\0", "") for name in ("q", "model", "tag"))
        return cls(
            q=q.strip()[:200],
            status=status if status in cls.STATUSES else "",
            model=model[:64],
            shape=shape if shape in {TALL, WIDE} else "",
            sort=sort if sort in cls.SORTS else "",
            collection=int(collection) if collection.isdecimal() and len(collection) < 10 else 0,
            tag=tag.strip()[:MAX_TAG],
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether a search, a model, a shape, a tag or a day is set."""
        narrowing = (self.q, self.model, self.shape, self.tag, self.since, self.until)
        return any(map(bool, narrowing))

    @property
    def tag_key(self) -> str:
        """What tells the tag from others."""
        return texts.search_key(self.tag)

    @property
    def filters(self) -> int:
        """How many of the filters are set that a phone shows in a sheet of their own."""
        chosen = (self.model, self.shape, self.collection, self.tag, self.since, self.until)
        return sum(map(bool, chosen))

    @property
    def is_whole_library(self) -> bool:
        """Whether only the status is chosen, if anything."""
        return not self.is_narrowed and not self.collection

    def apply(self, user: AbstractBaseUser, *, is_large: bool = False) -> VideoQuerySet:
        """Return a user's matching videos in order, of every status."""
        found = matching(user, self.q, is_large=is_large)
        if self.model:
            found = found.filter(model=self.model)
        if self.shape:
            found = found.filter(size__in=_sizes(found, self.shape))
        if self.collection:
            found = found.filter(collections=self.collection)
        if self.tag:
            found = found.filter(tagged(user, self.tag))
        if self.since:
            found = found.filter(created_at__gte=_midnight(self.since))
        if self.until:
            found = found.filter(created_at__lt=_midnight(self.until + timedelta(days=1)))
        return found.order_by(*self.SORTS[self.sort]) if self.sort else found.newest()

    def apply_status(self, videos: VideoQuerySet) -> VideoQuerySet:
        """Return the videos that have the chosen status; all of them when none is chosen."""
        return videos.filter(STATUS_FILTERS[self.status]()) if self.status else videos


def _day(text: str) -> date | None:
    """The day of a date field, such as 2026-11-30; None for anything else."""
    try:
        return date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    """When a day begins for the user whose time zone is active."""
    return timezone.make_aware(datetime.combine(day, time.min))


def matching(user: AbstractBaseUser, words: str, *, is_large: bool) -> VideoQuerySet:
    """Return a user's videos whose prompts contain each of these words.

    Where the library is large, the index of prompts says which ones need be read.
    """
    found = prompt_index.candidates(words) if is_large and words else None
    if found is None:
        return Video.objects.of(user).matching(words)
    return Video.objects.among(user, found).matching(words)


def tagged(user: AbstractBaseUser, name: str) -> Q:
    """Return the condition for the videos on which a user has put this tag."""
    return Q(tags__user_id=user.pk, tags__key=texts.search_key(name))


def models_of(user: AbstractBaseUser) -> set[str]:
    """Return the ids of the models that a user has made videos with."""
    owner = Video._meta.get_field("user").get_db_prep_value(user.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(MODELS_SQL, [owner, owner])
        return {model for (model,) in cursor.fetchall()}


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


@dataclass(frozen=True)
class FoundCounts:
    """How many videos a search found; None where there are too many to count each kind."""

    total: int
    ready: int | None = None
    rendering: int | None = None
    attention: int | None = None
    favourites: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether `total` is only the least that there are."""
        return self.ready is None


def found_counts(videos: VideoQuerySet) -> FoundCounts:
    """Count what a search found, in total and of each kind, up to MOST_COUNTED; one query."""
    attention = Case(When(needs_attention(), then=True), default=False)
    found = videos.order_by().annotate(attention=attention)
    rows = list(found.values_list("status", "favourited_at", "attention")[: MOST_COUNTED + 1])
    if len(rows) > MOST_COUNTED:
        return FoundCounts(MOST_COUNTED)
    return FoundCounts(
        len(rows),
        ready=sum(status == Video.Status.SUCCEEDED for status, _at, _attention in rows),
        rendering=sum(status in Video.ACTIVE for status, _at, _attention in rows),
        attention=sum(attention for _status, _at, attention in rows),
        favourites=sum(at is not None for _status, at, _attention in rows),
    )
