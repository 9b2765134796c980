"""Order videos: submit, submit_many, remix and retry.

Each checks the catalog once, asks moderation outside any transaction, and then writes the video,
its reference images, its charge and the idempotency key together in `_place`. A worker does the
rest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.request_log import buffer
from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.catalog import modes, offers, prices
from videos.catalog.modes import NO_IMAGES, OrderImages
from videos.jobs import key_limits, moderation, state_machine
from videos.jobs.engine_choice import circuit_breaker
from videos.jobs.money import charges, quotes
from videos.models import Upload, Video, VideoReference

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


@dataclass(frozen=True)
class _Draft:
    """A video that is not stored yet, and its reference images in their order."""

    video: Video
    references: tuple[Upload, ...] = ()

    @property
    def images(self) -> list[Upload]:
        """All images of the order."""
        frames = [image for image in (self.video.first_image, self.video.last_image) if image]
        return [*frames, *self.references]


def submit(
    user: AbstractBaseUser, order: VideoOrder, request_key: RequestKey | None = None
) -> Video:
    """Order one video and charge its credits.

    Raises offers.NotOffered, PriceChanged, quotes.InvalidQuote, moderation.Stopped,
    key_limits.KeyLimitReached or NotEnoughCredits; then nothing is written.
    With a `request_key` every function here also raises AlreadyDone and IdempotencyMismatch.
    """
    return _check_and_place(user, _draft(user, order), request_key)


def submit_many(
    user: AbstractBaseUser, order: VideoOrder, takes: int, request_key: RequestKey | None = None
) -> list[Video]:
    """Order the same video `takes` times: all of them, or none.

    Raises what submit raises; NotEnoughCredits names the price of all.
    """
    drafts = [_draft(user, _take(order, n)) for n in range(takes)]
    _check(user, drafts[0])
    try:
        with transaction.atomic():
            first = _place(user, drafts[0], request_key)
            return [first, *(_place(user, draft, None) for draft in drafts[1:])]
    except credits.NotEnoughCredits as error:
        raise credits.NotEnoughCredits(error.needed * takes, credits.available(user)) from error


def _take(order: VideoOrder, n: int) -> VideoOrder:
    """The order of one of several takes; a seed counts up, so that they are not all the same."""
    seed = order.choices.seed
    if seed is None:
        return order
    return replace(order, choices=replace(order.choices, seed=(seed + n) % (offers.MAX_SEED + 1)))


def remix(
    video: Video,
    prompt: str,
    request_key: RequestKey | None = None,
    api_key_id: UUID | None = None,
    terms: PriceTerms = ANY_PRICE,
    extras: Extras = NO_EXTRAS,
) -> Video:
    """Order a new version of a finished video, at the text price of its model.

    Raises NotPossible or what submit raises; then nothing is written.
    """
    if video.status != Status.SUCCEEDED:
        raise state_machine.NotPossible(_("Only a completed video can be remixed."))
    draft = _repeat(video, prompt, Video.Operation.REMIX, source=video)
    draft.api_key_id = api_key_id
    extras.add_to(draft)
    _agree_price(terms, draft)
    return _check_and_place(video.user, _Draft(draft), request_key)


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
    draft = _repeat(video, video.prompt, operation, source=video.source, images=images)
    draft.first_image, draft.last_image = video.first_image, video.last_image
    draft.retry_of = video
    draft.webhook_url, draft.api_key_id = video.webhook_url, api_key_id
    Extras(video.metadata, Video.WebhookFormat(video.webhook_format)).add_to(draft)
    _agree_price(terms, draft)
    return _check_and_place(video.user, _Draft(draft, tuple(video.reference_images)), request_key)


def _check_images_are_kept(images: OrderImages, operation: Video.Operation) -> None:
    """Raise NotPossible when an image is gone without which the operation is another one."""
    lacks_first = images.last and not images.first
    if lacks_first or operation not in {Video.Operation.REMIX, images.mode}:
        raise state_machine.NotPossible(
            _("An image of this order was deleted. Order the video anew.")
        )


def _draft(user: AbstractBaseUser, order: VideoOrder) -> _Draft:
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
    return _Draft(video, order.references)


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


def _check_and_place(
    user: AbstractBaseUser, draft: _Draft, request_key: RequestKey | None
) -> Video:
    _check(user, draft)
    return _place(user, draft, request_key)


def _check(user: AbstractBaseUser, draft: _Draft) -> None:
    """Check engine and moderation; asks the network, so never call it in a transaction."""
    video = draft.video
    if not video.engine:
        gone = _("The engine that made this video is not available.")
        raise offers.NotOffered(
            "model", gone if video.source else _("No engine can make this video.")
        )
    moderation.check(user, video.prompt, draft.images)


def _place(user: AbstractBaseUser, draft: _Draft, request_key: RequestKey | None) -> Video:
    """Write video, reference images, idempotency key and charge in one transaction."""
    video = draft.video
    purpose = credits.Purpose(credits.VIDEO_REFERENCE, str(video.pk), charges.describe(video))
    with transaction.atomic():
        video.sequence = feed.allocate_sequence(video.user_id)
        idempotency.record(request_key, video)
        # After the key: an order that was placed before is answered again, whatever it used up.
        key_limits.check_order(video)
        _lock_images(draft)
        state_machine.enqueue(video)
        VideoReference.objects.bulk_create(
            VideoReference(video=video, upload=upload, position=position)
            for position, upload in enumerate(draft.references)
        )
        if video.credits:
            credits.spend(user, video.credits, charges.spend_key(video), purpose)
            transaction.on_commit(partial(buffer.count_charge, video.credits))
    return video


def _lock_images(draft: _Draft) -> None:
    """Lock the images, so that none is deleted as unused before the order is written."""
    wanted = {image.pk for image in draft.images}
    if not wanted:
        return
    rows = Upload.objects.select_for_update(no_key=True).filter(pk__in=wanted, stored=True)
    found = set(rows.order_by("pk").values_list("pk", flat=True))
    if found == wanted:
        return
    names = {"image": "input_reference", "first_last": "input_reference"}
    if draft.video.first_image_id in found:
        names["first_last"] = "last_image"
    field = names.get(draft.video.operation, "reference_images")
    raise offers.NotOffered(field, _("The image was deleted. Upload it again."))
