"""Order videos: submit, submit_many, remix and retry.

Each checks the catalog once, asks moderation outside any transaction, and then writes the video,
its charge and the idempotency key together in `_place`. A worker does the rest.
"""

from dataclasses import asdict, dataclass
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.catalog import offers, prices
from videos.jobs import charges, circuit_breaker, moderation, quotes, state_machine
from videos.models import Price, Upload, Video

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
class VideoOrder:
    """What a user asks for; models, also by an alias, sizes and lengths are the catalog's.

    An empty model is the default one, an empty size and length are the model's own defaults.
    """

    prompt: str
    model: str = ""
    size: str = ""
    seconds: int = 0
    reference: Upload | None = None
    webhook_url: str = ""
    api_key_id: UUID | None = None
    terms: PriceTerms = ANY_PRICE
    choices: offers.Choices = offers.NOTHING


def submit(
    user: AbstractBaseUser, order: VideoOrder, request_key: RequestKey | None = None
) -> Video:
    """Order one video and charge its credits.

    Raises offers.NotOffered, PriceChanged, quotes.InvalidQuote, moderation.Stopped or
    NotEnoughCredits; then nothing is written.
    With a `request_key` every function here also raises AlreadyDone and IdempotencyMismatch.
    """
    return _check_and_place(user, _new_video(user, order), request_key)


def submit_many(
    user: AbstractBaseUser, order: VideoOrder, takes: int, request_key: RequestKey | None = None
) -> list[Video]:
    """Order the same video `takes` times: all of them, or none.

    Raises what submit raises; NotEnoughCredits names the price of all.
    """
    drafts = [_new_video(user, order) for _ in range(takes)]
    _check(user, drafts[0])
    try:
        with transaction.atomic():
            first = _place(user, drafts[0], request_key)
            return [first, *(_place(user, draft, None) for draft in drafts[1:])]
    except credits.NotEnoughCredits as error:
        raise credits.NotEnoughCredits(error.needed * takes, credits.available(user)) from error


def remix(
    video: Video,
    prompt: str,
    request_key: RequestKey | None = None,
    api_key_id: UUID | None = None,
    terms: PriceTerms = ANY_PRICE,
) -> Video:
    """Order a new version of a finished video, at the text price of its model.

    Raises NotPossible or what submit raises; then nothing is written.
    """
    if video.status != Status.SUCCEEDED:
        raise state_machine.NotPossible(_("Only a completed video can be remixed."))
    draft = _repeat(video, prompt, Video.Operation.REMIX, source=video)
    draft.api_key_id = api_key_id
    _agree_price(terms, draft)
    return _check_and_place(video.user, draft, request_key)


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
    draft = _repeat(video, video.prompt, Video.Operation(video.operation), source=video.source)
    draft.reference, draft.retry_of = video.reference, video
    draft.webhook_url, draft.api_key_id = video.webhook_url, api_key_id
    _agree_price(terms, draft)
    return _check_and_place(video.user, draft, request_key)


def _new_video(user: AbstractBaseUser, order: VideoOrder) -> Video:
    asked = offers.complete(order.model, order.size, order.seconds)
    model = offers.check(*asked, order.choices)
    word, size, seconds = asked
    kind = Price.Kind.IMAGE if order.reference else Price.Kind.TEXT
    engines = offers.engines_for(model.id, kind.value, size, seconds, choices=order.choices)
    draft = Video(
        user_id=user.pk,
        operation=Video.Operation(kind.value),
        prompt=order.prompt,
        model=model.id,
        requested_model="" if word == model.id else word,
        size=size,
        seconds=seconds,
        **asdict(order.choices),
        reference=order.reference,
        webhook_url=order.webhook_url,
        api_key_id=order.api_key_id,
        credits=prices.price(kind, word, size, seconds, order.choices.audio),
        engine=circuit_breaker.choose(engines),
    )
    _agree_price(order.terms, draft)
    return draft


def _repeat(
    video: Video, prompt: str, operation: Video.Operation, *, source: Video | None
) -> Video:
    choices = offers.choices_of(video)
    word = offers.word_again(video.model, video.requested_model)
    model = offers.check(word, video.size, video.seconds, choices)
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


def _check_and_place(user: AbstractBaseUser, draft: Video, request_key: RequestKey | None) -> Video:
    _check(user, draft)
    return _place(user, draft, request_key)


def _check(user: AbstractBaseUser, draft: Video) -> None:
    """Check engine and moderation; asks the network, so never call it in a transaction."""
    if not draft.engine:
        gone = _("The engine that made this video is not available.")
        raise offers.NotOffered(
            "model", gone if draft.source else _("No engine can make this video.")
        )
    moderation.check(user, draft.prompt, draft.reference)


def _place(user: AbstractBaseUser, draft: Video, request_key: RequestKey | None) -> Video:
    """Write video, idempotency key and charge in one transaction."""
    purpose = credits.Purpose(credits.VIDEO_REFERENCE, str(draft.pk), charges.describe(draft))
    with transaction.atomic():
        draft.sequence = feed.allocate_sequence(draft.user_id)
        idempotency.record(request_key, draft)
        _lock_reference(draft)
        state_machine.enqueue(draft)
        credits.spend(user, draft.credits, charges.spend_key(draft), purpose)
    return draft


def _lock_reference(draft: Video) -> None:
    """Lock the reference image, so that it is not deleted as unused before the order is written."""
    if draft.reference_id is None:
        return
    rows = Upload.objects.select_for_update(no_key=True).filter(pk=draft.reference_id, stored=True)
    if not rows.values_list("pk").first():
        raise offers.NotOffered("input_reference", _("The image was deleted. Upload it again."))
