"""Order videos: submit, submit_many, remix and retry.

Each checks the catalog once, asks moderation outside any transaction, and has
`videos.jobs.placement` write the video, its charge and the idempotency key together. A worker does
the rest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from config.lib.idempotency import RequestKey
from videos.catalog import modes, offers, prices
from videos.catalog.modes import NO_IMAGES, OrderImages
from videos.jobs import placement, public_videos, state_machine
from videos.jobs.engine_choice import circuit_breaker
from videos.jobs.money import quotes
from videos.jobs.placement import Draft
from videos.models import Upload, Video

Status = Video.Status


class PriceChanged(Exception):
    """The price is higher than agreed; nothing was ordered. `credits` is the present price."""

    def __init__(self, price: int, agreed: int) -> None:
        self.credits = price
        text = _("The price is now %(price)s credits, not %(agreed)s. Nothing was ordered.")
        super().__init__(text % {"price": price, "agreed": agreed})


@dataclass(frozen=True)
class PriceTerms:
    """What the caller agrees to pay: at most `max_credits`, and the price of the quote, if any."""

    max_credits: int | None = None
    quote: str = ""


ANY_PRICE = PriceTerms()


@dataclass(frozen=True)
class Extras:
    """What a client keeps with the video, and how the webhook to it is written."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    webhook_format: Video.WebhookFormat = Video.WebhookFormat.TASK

    def add_to(self, video: Video) -> None:
        video.metadata, video.webhook_format = dict(self.metadata), self.webhook_format


NO_EXTRAS = Extras()


@dataclass(frozen=True)
class VideoOrder:
    """What a user asks for; models, also by an alias, sizes and lengths are the catalog's.

    An empty model is the default one, an empty size and length are the model's own defaults.
    A last image needs a first one; `references` are reference images, which come without frames.
    """

    prompt: str
    model: str = ""
    size: str = ""
    seconds: int = 0
    first_image: Upload | None = None
    webhook_url: str = ""
    api_key_id: UUID | None = None
    terms: PriceTerms = ANY_PRICE
    choices: offers.Choices = offers.NOTHING
    last_image: Upload | None = None
    references: tuple[Upload, ...] = ()
    extras: Extras = NO_EXTRAS

    @property
    def images(self) -> OrderImages:
        return OrderImages(bool(self.first_image), bool(self.last_image), len(self.references))


def submit(
    user: AbstractBaseUser, order: VideoOrder, request_key: RequestKey | None = None
) -> Video:
    """Order one video and charge its credits.

    Raises offers.NotOffered, PriceChanged, quotes.InvalidQuote, moderation.Stopped,
    key_limits.KeyLimitReached or NotEnoughCredits; then nothing is written.
    With a `request_key` every function here also raises AlreadyDone and IdempotencyMismatch.
    """
    return _check_and_place(user, draft_order(user, order), request_key)


def submit_many(
    user: AbstractBaseUser, order: VideoOrder, takes: int, request_key: RequestKey | None = None
) -> list[Video]:
    """Order the same video `takes` times: all of them, or none.

    Raises what submit raises; NotEnoughCredits names the price of all.
    """
    drafts = [draft_order(user, _take(order, n)) for n in range(takes)]
    if takes > 1:
        _number_takes([draft.video for draft in drafts])
    placement.check(user, drafts[0])
    return placement.place_all(user, drafts, request_key)


def _take(order: VideoOrder, n: int) -> VideoOrder:
    """The order of one of several takes; a seed counts up, so that they are not all the same."""
    seed = order.choices.seed
    if seed is None:
        return order
    return replace(order, choices=replace(order.choices, seed=(seed + n) % (offers.MAX_SEED + 1)))


def _number_takes(videos: list[Video]) -> None:
    """Say of videos that are ordered together which take each is."""
    for number, video in enumerate(videos, 1):
        video.take_group, video.take_number, video.take_count = videos[0].pk, number, len(videos)


def remix(
    video: Video,
    prompt: str,
    request_key: RequestKey | None = None,
    api_key_id: UUID | None = None,
    terms: PriceTerms = ANY_PRICE,
    extras: Extras = NO_EXTRAS,
    webhook_url: str = "",
) -> Video:
    """Order a new version of a finished video, at the text price of its model.

    Raises NotPossible or what submit raises; then nothing is written.
    """
    _check_can_be_remixed(video)
    draft = _repeat(video, prompt, Video.Operation.REMIX, source=video)
    draft.api_key_id, draft.webhook_url = api_key_id, webhook_url
    extras.add_to(draft)
    _agree_price(terms, draft)
    return _check_and_place(video.user, Draft(draft), request_key)


def remix_public(
    user: AbstractBaseUser,
    video: Video,
    prompt: str,
    request_key: RequestKey | None = None,
    terms: PriceTerms = ANY_PRICE,
) -> Video:
    """Order a remix of a video that the caller has found to be public.

    It is at this user's expense and in this user's library. A remix of another user's video names
    it as `public_source`, and starts a lineage of its own. Raises NotPossible or what submit
    raises; then nothing is written.
    """
    if video.user_id == user.pk:
        return remix(video, prompt, request_key, terms=terms)
    _check_can_be_remixed(video)
    draft = _repeat(video, prompt, Video.Operation.REMIX, source=video)
    # What the maker chose besides the public prompt stays the maker's.
    draft.user_id, draft.source, draft.public_source = user.pk, None, video
    draft.seed, draft.negative_prompt = None, ""
    _agree_price(terms, draft)
    return _check_and_place(user, Draft(draft), request_key)


def _check_can_be_remixed(video: Video) -> None:
    """Raise NotPossible for a video that has not succeeded, or that no engine knows."""
    if video.status != Status.SUCCEEDED:
        raise state_machine.NotPossible(_("Only a completed video can be remixed."))
    if video.operation == Video.Operation.EDIT:
        raise state_machine.NotPossible(
            _("An edited video cannot be remixed: its engine has only the original. Remix that.")
        )


def retry(
    video: Video,
    request_key: RequestKey | None = None,
    api_key_id: UUID | None = None,
    terms: PriceTerms = ANY_PRICE,
) -> Video:
    """Order the same video once more, after it failed, was cancelled or timed out.

    Raises NotPossible or what submit raises; then nothing is written.
    """
    if not video.is_lost:
        raise state_machine.NotPossible(
            _("Only a video that failed or was cancelled can be retried.")
        )
    images, operation = modes.images_of(video), Video.Operation(video.operation)
    _check_images_are_kept(images, operation)
    if video.public_source_id and not public_videos.is_public(video.public_source_id):
        raise state_machine.NotPossible(_("The video that this remixes is not public any more."))
    draft = _repeat(video, video.prompt, operation, source=video.remixed, images=images)
    draft.source, draft.public_source = video.source, video.public_source
    draft.first_image, draft.last_image = video.first_image, video.last_image
    draft.retry_of = video
    draft.title = video.title
    draft.take_group, draft.take_number = video.take_group, video.take_number
    draft.take_count = video.take_count
    draft.webhook_url, draft.api_key_id = video.webhook_url, api_key_id
    Extras(video.metadata, Video.WebhookFormat(video.webhook_format)).add_to(draft)
    _agree_price(terms, draft)
    return _check_and_place(video.user, Draft(draft, tuple(video.reference_images)), request_key)


def _check_images_are_kept(images: OrderImages, operation: Video.Operation) -> None:
    """Raise NotPossible when an image is gone without which the operation is another one."""
    lacks_first = images.last and not images.first
    if lacks_first or operation not in {Video.Operation.REMIX, images.mode}:
        raise state_machine.NotPossible(
            _("An image of this order was deleted. Order the video anew.")
        )


def draft_order(user: AbstractBaseUser, order: VideoOrder) -> Draft:
    """Return the order as a video with its price, which is not stored.

    Raises offers.NotOffered, PriceChanged or quotes.InvalidQuote.
    """
    asked = offers.complete(order.model, order.size, order.seconds)
    model = offers.check(*asked, order.choices, order.images)
    word, size, seconds = asked
    operation = Video.Operation(order.images.mode)
    kind = prices.kind_of(operation)
    engines = offers.engines_for(model.id, operation, size, seconds, choices=order.choices)
    video = Video(
        user_id=user.pk,
        operation=operation,
        prompt=order.prompt,
        model=model.id,
        requested_model="" if word == model.id else word,
        size=size,
        seconds=seconds,
        **asdict(order.choices),
        first_image=order.first_image,
        last_image=order.last_image,
        webhook_url=order.webhook_url,
        api_key_id=order.api_key_id,
        credits=prices.price(kind, word, size, seconds, order.choices.audio),
        engine=circuit_breaker.choose(engines),
    )
    order.extras.add_to(video)
    _agree_price(order.terms, video)
    return Draft(video, order.references)


def _repeat(
    video: Video,
    prompt: str,
    operation: Video.Operation,
    *,
    source: Video | None,
    images: OrderImages = NO_IMAGES,
) -> Video:
    choices = offers.choices_of(video)
    word = offers.word_again(video.model, video.requested_model)
    model = offers.check(word, video.size, video.seconds, choices, images)
    kind = prices.kind_of(operation)
    at = source.engine if source else ""  # only the engine that made the source can remix it
    offered = offers.engines_for(model.id, operation, video.size, video.seconds, at, choices)
    return Video(
        user_id=video.user_id,
        operation=operation,
        prompt=prompt,
        model=model.id,
        requested_model="" if word == model.id else word,
        size=video.size,
        seconds=video.seconds,
        source=source,
        **asdict(choices),
        credits=prices.price(kind, word, video.size, video.seconds, video.audio),
        engine=circuit_breaker.choose(offered),
    )


def _agree_price(terms: PriceTerms, draft: Video) -> None:
    """Charge the quoted price if that is lower. Raises PriceChanged or InvalidQuote."""
    if terms.quote:
        draft.credits = min(draft.credits, quotes.price_of(terms.quote, draft))
    if terms.max_credits is not None and draft.credits > terms.max_credits:
        raise PriceChanged(draft.credits, terms.max_credits)


def _check_and_place(user: AbstractBaseUser, order: Draft, request_key: RequestKey | None) -> Video:
    placement.check(user, order)
    return placement.place(user, order, request_key)
