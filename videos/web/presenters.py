"""A video in the words and numbers its card and its page show."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.ledger import credits
from videos import catalog, failures
from videos.jobs import state_machine
from videos.library.lineage import Branch
from videos.models import Price, Video
from videos.web.forms import SHAPES

Status = Video.Status

# How long a video takes before there are finished ones to learn from.
SANDBOX_SECONDS, ENGINE_SECONDS = 20, 180

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


@dataclass(frozen=True)
class Card:
    """A video as its card and its page show it; `usual` is how many seconds one takes."""

    video: Video
    usual: float
    flat: dict[tuple[Price.Kind, str], int]

    @property
    def state(self) -> str:
        blocked = failures.is_blocked(self.video)
        return "blocked" if blocked else STATES[Status(self.video.status)]

    @property
    def title(self) -> str:
        return Truncator(" ".join(self.video.prompt.split())).chars(90)

    @property
    def model(self) -> str:
        offer = catalog.MODELS.get(self.video.model)
        return offer.label if offer else self.video.model

    @property
    def shape(self) -> str:
        return SHAPES.get(self.video.size, (self.video.size, ""))[0]

    @property
    def tall(self) -> bool:
        return self.video.height > self.video.width

    @property
    def percent(self) -> int:
        return 100 if self.state == "saving" else int(self.video.progress)

    @property
    def tenths(self) -> int:
        return self.percent // 10

    @property
    def eta(self) -> str:
        elapsed = (timezone.now() - self.video.created_at).total_seconds()
        if self.state == "saving":
            return _("saving the file")
        if self.state == "queued":
            return _("waiting for the engine") if elapsed > 60 else _("starts soon")
        if elapsed > max(1.5 * self.usual, self.usual + 10):
            return _("slower than usual")
        return _("%(time)s left") % {"time": about(max(self.usual - elapsed, 5))}

    @cached_property
    def failure(self) -> failures.Explanation | None:
        """Why there is no file, and what would help."""
        return failures.explain(self.video)

    @property
    def news(self) -> str:
        """What a screen reader and the page's title say when this state begins."""
        if self.state == "done":
            return _("Ready: %(title)s") % {"title": self.title}
        returned = ngettext("%(n)d credit returned.", "%(n)d credits returned.", self.video.credits)
        paid_back = returned % {"n": self.video.credits}
        return f"{self.failure.sentence} {paid_back}" if self.failure else ""

    @property
    def again(self) -> int | None:
        """What ordering it once more costs; None when that is not offered any more."""
        return self._price(Video.Operation(self.video.operation))

    @property
    def remix(self) -> int | None:
        """What a new version costs; None where its engine makes none."""
        return self._price(Video.Operation.REMIX) if self.state == "done" else None

    @property
    def carry_on(self) -> int | None:
        """What a video that begins with its last picture costs; None where none is made."""
        return self._price(Video.Operation.IMAGE) if self.state == "done" else None

    @property
    def worth(self) -> Decimal:
        """What its credits are worth in money."""
        return (self.video.credits * settings.CREDIT_VALUE_RMB).quantize(Decimal("0.01"))

    @property
    def token(self) -> UUID:
        return uuid4()

    def _price(self, operation: Video.Operation) -> int | None:
        image = operation == Video.Operation.IMAGE
        flat = self.flat.get((Price.Kind.IMAGE if image else Price.Kind.TEXT, self.video.model))
        # A remix is made where its source is.
        at = self.video.provider if operation == Video.Operation.REMIX else ""
        model, seconds = self.video.model, self.video.seconds
        if flat is None or not catalog.upstreams_for(model, operation, seconds, at):
            return None
        return catalog.at_length(flat, seconds)


def about(seconds: float) -> str:
    """A waiting time as people say it; rough on purpose."""
    if seconds < 55:
        return _("about %(n)d s") % {"n": max(5, round(seconds / 5) * 5)}
    return _("about %(n)d min") % {"n": max(1, round(seconds / 60))}


def cards_of(videos: Iterable[Video]) -> list[Card]:
    usual, flat = usual_seconds(), catalog.prices()
    return [Card(video, usual[video.model], flat) for video in videos]


class Usual(dict[str, float]):
    """Seconds by model; one that has not finished any takes as long as the slowest other."""

    def __missing__(self, model: str) -> float:
        if self:
            return max(self.values())
        return SANDBOX_SECONDS / settings.SANDBOX_SPEED if settings.SANDBOX else ENGINE_SECONDS


def usual_seconds() -> Usual:
    """How long a video takes, order to file, by model: the median of the last ones."""
    done = Video.objects.filter(status=Status.SUCCEEDED, completed_at__isnull=False)
    rows = done.order_by("-created_at").values_list("model", "created_at", "completed_at")[:50]
    taken: dict[str, list[float]] = {}
    for model, created_at, completed_at in rows:
        if completed_at:
            taken.setdefault(model, []).append((completed_at - created_at).total_seconds())
    return Usual({model: median(times) for model, times in taken.items()})


@dataclass(frozen=True)
class Leaf:
    """A place in the family tree: a card, or nothing where a version is not kept any more."""

    card: Card | None
    children: list["Leaf"]


def branch_of(branch: Branch, cards: Mapping[UUID, Card]) -> Leaf:
    children = [branch_of(child, cards) for child in branch.children]
    return Leaf(cards.get(branch.video.pk), children)


def curl_of(video: Video, base_url: str) -> str:
    """The order of this video as a call of the API."""
    headers = ['-H "Authorization: Bearer $FIRSTLIGHT_TOKEN"']
    asked: dict[str, Any] = {"prompt": video.prompt}
    path = "/api/videos"
    if video.source_id:
        path += f"/{video.source_id}/remix"
    else:
        asked |= {"model": video.model, "size": video.size, "seconds": video.seconds}
    if video.reference:
        parts = [f"-F {shlex.quote(f'{name}={value}')}" for name, value in asked.items()]
        parts.append(f"-F {shlex.quote(f'input_reference=@{video.reference.name}')}")
    else:
        headers.append('-H "Content-Type: application/json"')
        parts = [f"-d {shlex.quote(json.dumps(asked, ensure_ascii=False))}"]
    return " \\\n  ".join([f"curl -X POST {base_url}{path}", *headers, *parts])


def log_of(video: Video) -> list[tuple[datetime, str]]:
    """What happened, in order: the steps of the video and the moves of its credits."""
    spent = credits.entry_for(state_machine.spend_key(video))
    back = credits.entry_for(state_machine.refund_key(video))
    lines = [(event.at, _step(video, Status(event.status))) for event in video.events.all()]
    if spent:
        held = ngettext("%(n)d credit held", "%(n)d credits held", -spent.amount)
        lines[:1] = [(spent.created_at, held % {"n": -spent.amount})]
    if back:
        returned = ngettext("%(n)d credit returned", "%(n)d credits returned", back.amount)
        lines.append((back.created_at, returned % {"n": back.amount}))
    return lines


def _step(video: Video, status: Status) -> str:
    spent = ngettext(
        "Saved to your library. %(n)d credit spent",
        "Saved to your library. %(n)d credits spent",
        video.credits,
    )
    words = {
        Status.QUEUED: _("Back in line"),
        Status.SUBMITTING: _("Sent to the engine"),
        Status.SUBMIT_UNKNOWN: _("The engine’s answer was lost; looking for the video there"),
        Status.RUNNING: _("Rendering started"),
        Status.DOWNLOADING: _("Rendered"),
        Status.SUCCEEDED: spent % {"n": video.credits},
    }
    return words.get(status) or failures.sentence(video)
