"""Generate the shots of a storyboard: what that costs, and the order of one, several or all.

All shots of an order are placed in one transaction with their takes. Within it the user's feed is
locked, so that of two orders of all shots at once the second finds that none is left.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.catalog import offers, pauses, prices
from videos.jobs import batches, key_limits, moderation, orders, placement
from videos.jobs.orders import PriceChanged
from videos.jobs.placement import Draft
from videos.jobs.state_machine import NotPossible
from videos.media import frames, uploads
from videos.models import Shot, ShotTake, Storyboard, Upload, Video
from videos.storyboards import boards, state
from videos.storyboards.state import ShotState

# The most that EDIT_MAX_VIDEOS can be: no film joins more, so no storyboard has more shots.
MOST_OF_ORDER = 100


@dataclass(frozen=True)
class PricedShot:
    """A shot and what its next take costs; None with the `problem` that keeps it from that."""

    state: ShotState
    credits: int | None
    problem: str = ""

    @property
    def shot(self) -> Shot:
        return self.state.shot

    @property
    def can_be_ordered(self) -> bool:
        return self.credits is not None and not self.state.waiting

    @property
    def obstacle(self) -> str:
        """Say why it cannot be ordered now; "" when it can."""
        return self.state.waiting or self.problem


@dataclass(frozen=True)
class Plan:
    """The shots of a storyboard with their prices."""

    shots: Sequence[PricedShot]

    @property
    def due(self) -> list[PricedShot]:
        """What "all" orders now: shots without a finished or an active take."""
        return [one for one in self.shots if one.state.is_open and one.can_be_ordered]

    @property
    def left_out(self) -> list[PricedShot]:
        """The shots without a take that cannot be ordered yet."""
        return [one for one in self.shots if one.state.is_open and not one.can_be_ordered]

    @property
    def total(self) -> int:
        """What "all" costs now."""
        return total_of(self.due)


def total_of(shots: Sequence[PricedShot]) -> int:
    """What one take of each of these shots costs."""
    return sum(one.credits or 0 for one in shots)


def plan(board: Storyboard) -> Plan:
    """Read a storyboard with the price of each shot; four queries."""
    listed = prices.current(), pauses.sentences()
    return Plan([_price(board, one, *listed) for one in state.read(board)])


def _price(
    board: Storyboard, shot: ShotState, price_list: prices.PriceList, paused: Mapping[str, str]
) -> PricedShot:
    # Whatever image a shot begins with, its price is the same.
    image = shot.shot.first_image or (Upload() if shot.continues else None)
    try:
        order = state.order_of(board, shot.shot, image)
        asked = offers.complete(order.model, order.size, order.seconds)
        model = offers.check_values(*asked, images=order.images)
    except offers.NotOffered as error:
        return PricedShot(shot, None, str(error))
    if model.id in paused:
        return PricedShot(shot, None, paused[model.id])
    return PricedShot(shot, price_list.credits(prices.kind_of(order.images.mode), *asked))


@dataclass(frozen=True)
class GenerateOrder:
    """What to generate: these shots, or with None all that are due, and at most for how much."""

    shot_ids: Sequence[UUID] | None = None
    max_credits: int | None = None
    api_key_id: UUID | None = None


def choose(found: Plan, shot_ids: Sequence[UUID] | None) -> list[PricedShot]:
    """Return the shots to order. Raises NotPossible when one of them, or none, can be ordered."""
    if shot_ids is None:
        if found.due:
            return found.due
        why = [one.obstacle for one in found.left_out]
        raise NotPossible(" ".join(why) or _("There is no shot left to generate."))
    by_id = {one.shot.pk: one for one in found.shots}
    if not set(shot_ids) <= set(by_id):
        raise NotPossible(_("This storyboard has no such shot."))
    chosen = [by_id[pk] for pk in dict.fromkeys(shot_ids)]
    for one in chosen:
        if not one.can_be_ordered:
            raise NotPossible(one.obstacle)
    return chosen


def generate(
    user: AbstractBaseUser,
    board: Storyboard,
    order: GenerateOrder,
    request_key: RequestKey | None = None,
) -> Video:
    """Order a take of each chosen shot and return the first; `videos_of` returns all.

    Raises NotPossible, offers.NotOffered, PriceChanged, moderation.NotAllowed, frames.NoFrame,
    what uploads.store_image raises, key_limits.KeyLimitReached, NotEnoughCredits, AlreadyDone or
    IdempotencyMismatch; then nothing is ordered, and no frame is kept.
    """
    try:
        chosen = choose(plan(board), order.shot_ids)
        _refuse_impossible(user, chosen, order)
    except (NotPossible, credits.NotEnoughCredits):
        idempotency.check(request_key)  # an equal request may just have ordered them
        raise
    with ExitStack() as undo:
        drafts = [_draft(board, one, order, undo) for one in chosen]
        _agree(sum(draft.video.credits for draft in drafts), order)
        _check(user, chosen, drafts)
        batches.name_after_first(drafts)
        with feed.lock(board.user_id):
            idempotency.check(request_key)
            _refuse_changed(board, chosen, order)
            videos = placement.place_all(user, drafts, request_key)
            ShotTake.objects.bulk_create(
                ShotTake(shot=one.shot, video=video)
                for one, video in zip(chosen, videos, strict=True)
            )
            boards.touch(board.pk)
        undo.pop_all()
    return videos[0]


def videos_of(first: Video) -> list[Video]:
    """Return all videos of the order whose first one this is, also deleted ones."""
    return batches.videos_of(first, MOST_OF_ORDER)


def _refuse_impossible(
    user: AbstractBaseUser, chosen: Sequence[PricedShot], order: GenerateOrder
) -> None:
    """Refuse before any frame is stored what is too dear."""
    total = total_of(chosen)
    _agree(total, order)
    available = credits.available(user)
    if total > available:
        raise credits.NotEnoughCredits(total, available)
    key_limits.check_price(order.api_key_id, total)


def _agree(total: int, order: GenerateOrder) -> None:
    if order.max_credits is not None and total > order.max_credits:
        raise PriceChanged(total, order.max_credits)


def _draft(board: Storyboard, chosen: PricedShot, order: GenerateOrder, undo: ExitStack) -> Draft:
    """The order of one shot; `undo` discards the frame that is stored for it."""
    image = chosen.shot.first_image
    if chosen.state.continues and chosen.state.before and chosen.state.before.picked:
        source = chosen.state.before.picked
        image = frames.store_frame(source, source.seconds)
        undo.callback(uploads.discard, image)
    asked = state.order_of(board, chosen.shot, image)
    return orders.draft_order(board.user, replace(asked, api_key_id=order.api_key_id))


def _check(user: AbstractBaseUser, chosen: Sequence[PricedShot], drafts: Sequence[Draft]) -> None:
    """Check engines and moderation; the sentence of a refusal names the shot."""
    for draft in drafts:
        placement.check_engine(draft)
    plain = [draft.video.prompt for draft in drafts if not draft.images]
    refused = moderation.check_prompts(user, plain) if plain else {}
    for one, draft in zip(chosen, drafts, strict=True):
        error: moderation.ContentRefused | None = refused.get(draft.video.prompt)
        if draft.images:
            try:
                moderation.check(user, draft.video.prompt, draft.images)
            except moderation.ContentRefused as found:
                error = found
        if error:
            text = _("Shot %(n)d: %(why)s") % {"n": one.shot.position, "why": error}
            raise moderation.ContentRefused(text, error.code)


def _refuse_changed(board: Storyboard, chosen: Sequence[PricedShot], order: GenerateOrder) -> None:
    """Raise NotPossible when a shot was deleted, or was ordered with all others meanwhile."""
    now = {one.shot.pk: one for one in state.read(board)}
    found = [now.get(one.shot.pk) for one in chosen]
    is_all = order.shot_ids is None
    if any(one is None or (is_all and not one.is_open) for one in found):
        raise NotPossible(
            _("The storyboard was changed or ordered meanwhile. Look at its price again.")
        )
