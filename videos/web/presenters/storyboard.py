"""A storyboard as its page shows it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos.catalog import offers
from videos.catalog.entries import Model
from videos.editing import failures, jobs
from videos.models import MediaJob, Storyboard, Video
from videos.storyboards import generation, shots
from videos.storyboards.generation import Plan, PricedShot
from videos.web.presenters.video_card import VideoCard, cards_of
from videos.web.storyboard_forms import FRAME, IMAGE, NOTHING

CROSSFADES = (0, 0.5, 1)


@dataclass(frozen=True)
class ShotCard:
    """A shot with the cards of its takes, the newest first."""

    priced: PricedShot
    takes: list[VideoCard]
    board: Storyboard
    is_last: bool
    available: int

    @property
    def shot(self) -> Any:
        return self.priced.shot

    @property
    def number(self) -> int:
        return self.priced.shot.position

    @cached_property
    def main(self) -> VideoCard | None:
        """The take that is shown large: the picked one, else the one that renders, or the last."""
        picked = self.priced.state.picked
        shown = [card for card in self.takes if picked and card.video == picked]
        active = [card for card in self.takes if card.video.is_active]
        return next(iter(shown or active or self.takes), None)

    @property
    def others(self) -> list[VideoCard]:
        """The takes to choose between, the oldest first; none where there is one to show."""
        seen = [card for card in self.takes if card.state == "done" or card.video.is_active]
        return seen[::-1] if len(seen) > 1 else []

    @property
    def begins(self) -> str:
        if self.shot.first_image:
            return IMAGE
        return FRAME if self.shot.continues else NOTHING

    @cached_property
    def model(self) -> Model:
        return _model(self.shot.model or self.board.model)

    @property
    def lengths(self) -> list[int]:
        own = {self.shot.seconds} if self.shot.seconds else set()
        return sorted({*self.model.lengths, *own})

    @property
    def default_seconds(self) -> int:
        return self.model.default_seconds

    @property
    def seconds(self) -> int:
        return self.shot.seconds or self.model.default_seconds

    @property
    def is_short(self) -> bool:
        """Whether the credits do not suffice for another take."""
        return settings.BILLING and (self.priced.credits or 0) > self.available

    @property
    def token(self) -> UUID:
        return uuid4()


@dataclass(frozen=True)
class FilmCard:
    """The job that joined the film last."""

    job: MediaJob

    @property
    def percent(self) -> int:
        return int(self.job.progress)

    @property
    def failure(self) -> str:
        return failures.sentence(self.job)

    @cached_property
    def result(self) -> Video | None:
        """The film, unless it was deleted."""
        made = self.job.result
        return made if made and made.deleted_at is None else None


@dataclass(frozen=True)
class BoardPage:
    """A storyboard with its shots, the prices, and the film."""

    board: Storyboard
    plan: Plan
    shots: list[ShotCard]
    available: int

    @cached_property
    def finished(self) -> int:
        return sum(one.state.picked is not None for one in self.plan.shots)

    @property
    def summary(self) -> str:
        """Such as "3 shots · 12 s · 2 finished"."""
        count = len(self.shots)
        parts = [
            ngettext("%(n)d shot", "%(n)d shots", count) % {"n": count},
            _("%(n)s s") % {"n": sum(one.seconds for one in self.shots)},
            ngettext("%(n)d finished", "%(n)d finished", self.finished) % {"n": self.finished},
        ]
        return " · ".join(parts)

    @property
    def waiting(self) -> str:
        """The sentences about shots that "all" leaves out."""
        return " ".join(one.state.waiting for one in self.plan.left_out if one.state.waiting)

    @property
    def is_any_active(self) -> bool:
        is_rendering = any(one.state.is_active for one in self.plan.shots)
        return is_rendering or bool(self.film and self.film.job.is_active)

    @property
    def is_short(self) -> bool:
        return settings.BILLING and self.plan.total > self.available

    @property
    def takes_more(self) -> bool:
        return len(self.shots) < shots.most()

    @property
    def can_be_joined(self) -> bool:
        return self.finished > 1 and not (self.film and self.film.job.is_active)

    @cached_property
    def film(self) -> FilmCard | None:
        return FilmCard(self.board.film) if self.board.film else None

    @property
    def film_price(self) -> int:
        return jobs.price()

    @property
    def models(self) -> list[tuple[str, str]]:
        """The models to choose from; the present one too when it is not offered any more."""
        found = {model.id: model.label for model in offers.offered()}
        kept = {self.board.model, *(one.shot.model for one in self.shots)} - {""}
        return [*found.items(), *((word, word) for word in sorted(kept - found.keys()))]

    @property
    def default_model(self) -> str:
        return offers.find(offers.default_word()).label

    @cached_property
    def model(self) -> Model:
        return _model(self.board.model)

    @property
    def sizes(self) -> list[tuple[str, str]]:
        """The sizes of the model, each with its words."""
        frames = self.model.frames
        return [(frame.size, f"{_pixels(frame.size)} · {frame.aspect}") for frame in frames]

    @property
    def size(self) -> str:
        return _pixels(self.board.size or self.model.default_size)

    @property
    def default_size(self) -> str:
        return _pixels(self.model.default_size)

    @property
    def crossfades(self) -> tuple[float, ...]:
        return CROSSFADES

    @property
    def prompt_max(self) -> int:
        return shots.PROMPT_MAX

    @property
    def token(self) -> UUID:
        return uuid4()


def _pixels(size: str) -> str:
    """A size as people write it, with the sign of multiplication between its numbers."""
    return size.replace("x", " × ")


def _model(word: str) -> Model:
    """The model of a word, or the default one when that is not offered any more."""
    try:
        return offers.find(word or offers.default_word())
    except offers.NotOffered:
        return offers.find(offers.default_word())


def show(board: Storyboard, available: int) -> BoardPage:
    """Read a storyboard for its page; `available` is how many credits its owner has."""
    plan = generation.plan(board)
    videos = [video for one in plan.shots for video in one.state.takes]
    cards = {card.video.pk: card for card in cards_of(videos)}
    shown = [
        ShotCard(
            one,
            [cards[video.pk] for video in one.state.takes],
            board,
            is_last=one is plan.shots[-1],
            available=available,
        )
        for one in plan.shots
    ]
    return BoardPage(board, plan, shown, available)
