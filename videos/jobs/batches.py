"""Batches: up to BATCH_LINES orders that are checked, priced and placed together, all or none.

A line is what an interface read of one order, with the faults that it found itself. `check` adds
those of catalog, price and API key, asks no network and charges nothing; `order` asks moderation
and places all lines in one transaction. The idempotency key of a batch keeps its first
video; the ids of the others follow from it, so that `videos_of` returns them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from billing.ledger import credits
from config.lib.idempotency import RequestKey
from videos.catalog import offers
from videos.jobs import key_limits, moderation, orders, placement
from videos.jobs.money.quotes import InvalidQuote
from videos.jobs.orders import PriceChanged, VideoOrder
from videos.jobs.placement import Draft
from videos.models import Video

# What a choice is when a line names none.
_NOT_CHOSEN = {"size": "", "seconds": 0, "seed": None, "negative_prompt": "", "audio": None}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field of a line; `code` is that of the error of a single order."""

    field: str
    message: str
    code: str = "not_offered"


@dataclass(frozen=True)
class Line:
    """One order as it was read; a field with a fault is left out of the order."""

    order: VideoOrder
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class CheckedLine:
    """A line with all its faults; `draft` is None when it has any."""

    order: VideoOrder
    draft: Draft | None
    faults: tuple[Fault, ...]

    @property
    def credits(self) -> int | None:
        """The price; None for a line with a fault."""
        return self.draft.video.credits if self.draft else None


@dataclass(frozen=True)
class CheckedBatch:
    """The lines with prices and faults, and the credits that the user has."""

    lines: Sequence[CheckedLine]
    available: int

    @cached_property
    def total(self) -> int:
        """The price of the lines without a fault."""
        return sum(line.credits or 0 for line in self.lines)

    @property
    def available_after(self) -> int:
        """How many credits would be left; negative if there are too few."""
        return self.available - self.total

    @property
    def missing(self) -> int:
        """How many credits are missing."""
        return max(-self.available_after, 0)

    @cached_property
    def faulty(self) -> int:
        """How many lines have a fault."""
        return sum(bool(line.faults) for line in self.lines)

    @property
    def can_be_ordered(self) -> bool:
        return bool(self.lines) and not self.faulty and self.available_after >= 0


class FaultyLines(Exception):
    """Lines of the batch have faults; nothing was ordered."""

    def __init__(self, batch: CheckedBatch) -> None:
        self.batch = batch
        super().__init__(f"{batch.faulty} of {len(batch.lines)} lines")


class TooManyLines(Exception):
    """The batch has more than BATCH_LINES lines; `most` is how many it may have."""

    def __init__(self, count: int) -> None:
        self.most, self.count = settings.BATCH_LINES, count
        super().__init__(f"{count} lines")


def check_length(count: int) -> None:
    """Raise TooManyLines for a batch of so many lines, before they are read one by one."""
    if count > settings.BATCH_LINES:
        raise TooManyLines(count)


def check(user: AbstractBaseUser, lines: Sequence[Line]) -> CheckedBatch:
    """Return the price and all faults of every line; nothing is ordered or charged.

    Raises TooManyLines.
    """
    check_length(len(lines))
    checked = [_check_line(user, line) for line in lines]
    return CheckedBatch(checked, credits.available(user))


def refuse_impossible(batch: CheckedBatch, max_credits: int | None = None) -> None:
    """Return when the batch can be ordered, as far as is known without the network.

    Raises FaultyLines, PriceChanged when the total is above `max_credits`, or NotEnoughCredits.
    """
    if batch.faulty:
        raise FaultyLines(batch)
    if max_credits is not None and batch.total > max_credits:
        raise PriceChanged(batch.total, max_credits)
    if batch.available_after < 0:
        raise credits.NotEnoughCredits(batch.total, batch.available)


def order(
    user: AbstractBaseUser,
    batch: CheckedBatch,
    max_credits: int | None = None,
    request_key: RequestKey | None = None,
) -> Video:
    """Order all lines and return the first video, or order none.

    Raises what `refuse_impossible` raises, FaultyLines or moderation.NotAllowed for what moderation
    refuses, key_limits.KeyLimitReached, AlreadyDone or IdempotencyMismatch; then nothing is written
    but rejected prompts.
    """
    refuse_impossible(batch, max_credits)
    _moderate(user, batch)
    drafts = [line.draft for line in batch.lines if line.draft]
    name_after_first(drafts)
    return placement.place_all(user, drafts, request_key)[0]


def name_after_first(drafts: Sequence[Draft]) -> None:
    """Give drafts that are placed together the ids by which `videos_of` finds them."""
    for index, draft in enumerate(drafts[1:], 1):
        draft.video.pk = _id_of(drafts[0].video.pk, index)


def videos_of(first: Video, count: int) -> list[Video]:
    """Return the videos of a batch of up to `count` lines in their order, also deleted ones."""
    ids = [first.pk, *(_id_of(first.pk, index) for index in range(1, count))]
    found = Video.objects.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _id_of(first: UUID, index: int) -> UUID:
    return uuid5(first, str(index))


def _check_line(user: AbstractBaseUser, line: Line) -> CheckedLine:
    if line.faults:
        faults = (*line.faults, *_find_faults(line))
        return CheckedLine(line.order, None, faults)
    try:
        draft = orders.draft_order(user, line.order)
        placement.check_engine(draft)
        _check_model_of_key(draft.video)
    except offers.NotOffered as error:
        faults = tuple(_find_faults(line)) or (Fault(error.field, str(error)),)
    except PriceChanged as error:
        faults = (Fault("max_credits", str(error), "price_changed"),)
    except InvalidQuote as error:
        faults = (Fault("quote", str(error), "invalid_quote"),)
    except key_limits.KeyLimitReached as error:
        faults = (Fault(error.field, str(error), "key_limit"),)
    else:
        return CheckedLine(line.order, draft, ())
    return CheckedLine(line.order, None, faults)


def _check_model_of_key(video: Video) -> None:
    """Credits of the key are checked for the whole batch when it is placed."""
    key_limits.check(video.api_key_id, (video.ordered_model, video.model), 0)


def _find_faults(line: Line) -> list[Fault]:
    """Everything that the catalog does not offer: a faulty field is left out to find the next.

    A field that the interface refused was left out before; without its model nothing is known.
    """
    refused = {fault.field for fault in line.faults}
    found: list[Fault] = []
    rest: VideoOrder | None = None if "model" in refused else line.order
    while rest:
        order, rest = rest, None
        try:
            asked = offers.complete(order.model, order.size, order.seconds)
            offers.check(*asked, order.choices)
        except offers.NotOffered as error:
            if error.field not in refused:
                found.append(Fault(error.field, str(error)))
            rest = _leave_out(order, error.field)
    return found


def _leave_out(order: VideoOrder, field: str) -> VideoOrder | None:
    """The order without this field; None for the model, by which all others go."""
    if field not in _NOT_CHOSEN:
        return None
    changes: dict[str, Any] = {field: _NOT_CHOSEN[field]}
    if field not in {"size", "seconds"}:
        changes = {"choices": replace(order.choices, **changes)}
    rest = replace(order, **changes)
    return rest if rest != order else None


def _moderate(user: AbstractBaseUser, batch: CheckedBatch) -> None:
    """Raise FaultyLines for the prompts that moderation refuses."""
    refused = moderation.check_prompts(user, [line.order.prompt for line in batch.lines])
    if not refused:
        return
    lines = [
        replace(line, draft=None, faults=(Fault("prompt", str(error), error.code),))
        if (error := refused.get(line.order.prompt))
        else line
        for line in batch.lines
    ]
    raise FaultyLines(CheckedBatch(lines, batch.available))
