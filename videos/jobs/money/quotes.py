"""Quotes: prices of orders that hold for QUOTE_LIFETIME.

A quote is a signed text. Nothing is stored for it, and it reserves no credits; videos.jobs.orders
charges an order with a quote the quoted price or less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.ledger import credits
from videos.catalog import offers, prices
from videos.catalog.modes import OrderImages
from videos.models import Video

QUOTE_LIFETIME = timedelta(minutes=10)
_SALT = "videos.jobs.quotes"


class InvalidQuote(Exception):
    """The quote is not one of ours, too old, or for another order; nothing was ordered."""


@dataclass(frozen=True)
class Quote:
    """A price, the lots that would pay it, and what would be left; `token` is the signed text."""

    token: str
    credits: int
    available: int
    lots: Sequence[tuple[int, datetime | None]]
    expires_at: datetime

    @property
    def available_after(self) -> int:
        """How many credits would be left; negative if there are too few."""
        return self.available - self.credits


def issue(
    user: AbstractBaseUser,
    images: OrderImages,
    model: str,
    size: str,
    seconds: int,
    audio: bool | None = None,
) -> Quote:
    """Return a quote for such an order. Raises offers.NotOffered."""
    offers.check(model, size, seconds, offers.Choices(audio=audio), images)
    kind = prices.kind_of(images.mode)
    price = prices.price(kind, model, size, seconds, audio)
    offer = [str(user.pk), kind.value, model, size, seconds, audio, price]
    return Quote(
        token=signing.dumps(offer, salt=_SALT),
        credits=price,
        available=credits.available(user),
        lots=credits.preview_spend(user, price),
        expires_at=timezone.now() + QUOTE_LIFETIME,
    )


def price_of(token: str, draft: Video) -> int:
    """Return the price that a quote names for an order. Raises InvalidQuote."""
    try:
        *quoted, price = signing.loads(token, salt=_SALT, max_age=QUOTE_LIFETIME)
    except signing.SignatureExpired as error:
        raise InvalidQuote(_("The quote is older than ten minutes. Ask for a new one.")) from error
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidQuote(_("This is not a quote of ours.")) from error
    kind = prices.kind_of(draft.operation)
    model, size, seconds = draft.ordered_model, draft.size, draft.seconds
    order = [str(draft.user_id), kind.value, model, size, seconds, draft.audio]
    if quoted != order:
        raise InvalidQuote(_("The quote is for another order."))
    return int(price)
