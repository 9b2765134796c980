"""A video as its card and its page show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos import failures
from videos.catalog import frames, prices
from videos.catalog.reading import catalog
from videos.engines.base import is_sandbox
from videos.jobs import queue
from videos.jobs.engine_choice import circuit_breaker
from videos.library import takes
from videos.library.lineage import LineageNode
from videos.models import Upload, Video
from videos.web.presenters import waiting_times
from videos.web.presenters.remaining_time import TOO_FEW, is_slow, seconds_left
from videos.web.presenters.repeat_prices import RepeatPrices
from videos.web.presenters.video_urls import VideoUrls
from videos.web.presenters.waiting_times import TypicalSeconds

Status = Video.Status

STATES = {
    Status.QUEUED: "queued",
    Status.SUBMITTING: "queued",
    Status.SUBMIT_UNKNOWN: "queued",
    Status.RUNNING: "rendering",
    Status.DOWNLOADING: "saving",
    Status.SUCCEEDED: "done",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.TIMEOUT: "failed",
}


# Seconds after which a card says why the video does not start.
LONG_WAIT = 60
# The bar of a video without progress never looks finished.
MOST_ESTIMATED_PERCENT = 95
# After so many attempts a card says that the finished file cannot be fetched.
LATE_FILE_ATTEMPTS = 3


@dataclass(frozen=True)
class VideoCard:
    """A video with its title, state, prices and remaining time."""

    video: Video
    typical_seconds: float
    prices: RepeatPrices
    urls: VideoUrls
    is_engine_paused: bool = False
    # The title of the video that it is a remix of; "" for no remix, or when that was deleted.
    source_title: str = ""
    # How many other takes of its order the page leaves out, because this one was picked.
    others: int = 0

    @cached_property
    def state(self) -> str:
        blocked = failures.is_blocked(self.video)
        return "blocked" if blocked else STATES[Status(self.video.status)]

    @cached_property
    def title(self) -> str:
        return self.video.display_title

    @property
    def says_prompt(self) -> bool:
        """Whether the title is the whole prompt."""
        return self.title == " ".join(self.video.prompt.split())

    @property
    def take(self) -> str:
        """Which take of its order it is, such as "Take 2 of 4"; "" for one ordered alone."""
        return takes.label(self.video)

    @property
    def is_of_sandbox(self) -> bool:
        return is_sandbox(self.video.engine)

    @cached_property
    def url(self) -> str:
        return self.urls.of("video", self.video.pk)

    @property
    def delete_url(self) -> str:
        return self.urls.of("video-delete", self.video.pk)

    @property
    def cancel_url(self) -> str:
        return self.urls.of("video-cancel", self.video.pk)

    @property
    def favourite_url(self) -> str:
        return self.urls.of("video-favourite", self.video.pk)

    @property
    def retry_url(self) -> str:
        return self.urls.of("video-retry", self.video.pk)

    @cached_property
    def content_url(self) -> str:
        """The URL of its files, without the name of one."""
        return self.urls.of("api-content", self.video.pk)

    @property
    def delete_label(self) -> str:
        return _("Delete: %(title)s") % {"title": self.title}

    @property
    def cancel_label(self) -> str:
        return _("Cancel: %(title)s") % {"title": self.title}

    @property
    def favourite_label(self) -> str:
        return _("Favourite: %(title)s") % {"title": self.title}

    @property
    def download_label(self) -> str:
        return _("Download: %(title)s") % {"title": self.title}

    @property
    def remix_label(self) -> str:
        return _("Remix: %(title)s") % {"title": self.title}

    @cached_property
    def length(self) -> str:
        return _("%(n)s s") % {"n": self.video.seconds}

    @property
    def model(self) -> str:
        return catalog().label(self.video.model)

    @property
    def shape(self) -> str:
        return frames.frame_of(self.video.size).aspect

    @property
    def images(self) -> list[tuple[str, list[Upload]]]:
        """The images of its order, under the names of their kinds."""
        video = self.video
        kinds = [
            (_("First image"), [video.first_image] if video.first_image else []),
            (_("Last image"), [video.last_image] if video.last_image else []),
            (_("Reference images"), video.reference_images),
        ]
        return [(label, images) for label, images in kinds if images]

    @property
    def sound(self) -> str:
        """What the order says about sound; "" when it left it to the model."""
        return {True: _("On"), False: _("Off"), None: ""}[self.video.audio]

    @property
    def is_portrait(self) -> bool:
        return self.video.height > self.video.width

    @property
    def percent(self) -> int:
        return 100 if self.state == "saving" else int(self.video.progress)

    @property
    def is_progress_known(self) -> bool:
        """Whether there is a number to show; some engines only say that they render."""
        return self.state == "saving" or (self.state == "rendering" and self.percent > 0)

    @property
    def bar(self) -> int:
        """How far the bar reaches, in percent: the progress, else what the time suggests."""
        if self.is_progress_known or self.state != "rendering":
            return self.percent
        return min(int(100 * self._elapsed / self.typical_seconds), MOST_ESTIMATED_PERCENT)

    @property
    def tenths(self) -> int:
        return self.bar // 10

    @property
    def eta(self) -> str:
        if self.state == "saving":
            is_late = self.video.attempts >= LATE_FILE_ATTEMPTS
            return _("the file is not there yet") if is_late else _("saving the file")
        if self.video.paused_at:
            return _("paused")
        if self.state == "queued":
            return self._waiting(_seconds_since_order(self.video))
        if is_slow(self._elapsed, self.typical_seconds) and self._seconds_left is not None:
            return _("slower than usual")
        if self._seconds_left is None:
            return _("finishing")
        words = _("%(time)s left") % {"time": waiting_times.approximate(self._seconds_left)}
        return _("a few seconds left") if self._seconds_left < TOO_FEW else words

    @property
    def seconds_left(self) -> int | None:
        """The seconds that `eta` names; None when it names none."""
        is_known = self.state == "rendering" and not is_slow(self._elapsed, self.typical_seconds)
        return round(self._seconds_left) if is_known and self._seconds_left else None

    @cached_property
    def _elapsed(self) -> float:
        """Seconds since the engine began."""
        begun = self.video.started_at or self.video.created_at
        return (timezone.now() - begun).total_seconds()

    @cached_property
    def _seconds_left(self) -> float | None:
        return seconds_left(self._elapsed, self.percent, self.typical_seconds)

    def _waiting(self, elapsed: float) -> str:
        if self.is_engine_paused:
            return _("waiting for the engine")
        if self.video.queue_position and elapsed > LONG_WAIT:
            return _("number %(n)d in the queue") % {"n": self.video.queue_position}
        return _("waiting for the engine") if elapsed > LONG_WAIT else _("starts soon")

    @cached_property
    def failure(self) -> failures.Explanation | None:
        """Why the video has no file and what would help; None when it has not failed."""
        return failures.explain(self.video)

    @property
    def announcement(self) -> str:
        """The sentence for screen readers and the page's title when this state begins."""
        if self.state == "done":
            return _("Ready: %(title)s") % {"title": self.title}
        if not self.failure:
            return ""
        if not self.video.credits:
            return self.failure.sentence
        returned = ngettext("%(n)d credit returned.", "%(n)d credits returned.", self.video.credits)
        return f"{self.failure.sentence} {returned % {'n': self.video.credits}}"

    @property
    def retry_price(self) -> int | None:
        """Credits to order the video again; None when it is no longer offered."""
        return self.prices.of(self.video, Video.Operation(self.video.operation))

    @property
    def remix_price(self) -> int | None:
        """Credits for a remix; None when the video's engine makes none."""
        return self.prices.of(self.video, Video.Operation.REMIX) if self.state == "done" else None

    @property
    def extend_price(self) -> int | None:
        """Credits for a video that begins with the last frame; None when it is not offered."""
        return self.prices.extending(self.video) if self.state == "done" else None

    @property
    def money_value(self) -> Decimal:
        """What the video's credits are worth, in yuan."""
        return (self.video.credits * settings.CREDIT_VALUE_RMB).quantize(Decimal("0.01"))

    @property
    def token(self) -> UUID:
        """A new token for one form, so that a double click orders one video."""
        return uuid4()


def _seconds_since_order(video: Video) -> float:
    return (timezone.now() - video.created_at).total_seconds()


def source_titles(videos: list[Video]) -> dict[UUID | None, str]:
    """Return the titles of the kept sources of these videos; a query if one is not among them."""
    wanted = {video.source_id for video in videos if video.source_id}
    found: dict[UUID | None, str] = {
        video.pk: video.display_title for video in videos if video.pk in wanted
    }
    if missing := wanted - found.keys():
        others = Video.objects.filter(pk__in=missing, deleted_at=None)
        found |= {source.pk: source.display_title for source in others}
    return found


def cards_of(
    videos: Iterable[Video], usual: TypicalSeconds | None = None, *, all_places: bool = False
) -> list[VideoCard]:
    """Return the cards of videos, in their order.

    `usual` is read if it is not given and a video has not ended: only then a card shows a time.
    Only those that wait long have their place in the queue, unless `all_places` asks for more.
    """
    videos = list(videos)
    queue.add_positions(
        video for video in videos if all_places or _seconds_since_order(video) > LONG_WAIT
    )
    if usual is None:
        is_any_active = any(video.is_active for video in videos)
        usual = waiting_times.typical_seconds() if is_any_active else TypicalSeconds()
    repeat_prices, urls = RepeatPrices(prices.current()), VideoUrls()
    is_any_waiting = any(STATES[Status(video.status)] == "queued" for video in videos)
    paused = circuit_breaker.paused_engines() if is_any_waiting else set()
    sources = source_titles(videos)
    prefetch_related_objects(videos, "tags")
    return [
        VideoCard(
            video,
            usual[video.model],
            repeat_prices,
            urls,
            video.engine in paused,
            sources.get(video.source_id, ""),
        )
        for video in videos
    ]


@dataclass(frozen=True)
class CardNode:
    """A node of the lineage with its card; a deleted version has no card."""

    card: VideoCard | None
    children: list["CardNode"]


def card_node(node: LineageNode, cards: Mapping[UUID, VideoCard]) -> CardNode:
    """Return the lineage below a node, with the cards of its videos."""
    children = [card_node(child, cards) for child in node.children]
    return CardNode(cards.get(node.video.pk), children)
