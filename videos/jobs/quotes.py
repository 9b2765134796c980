"""What a caller agrees to pay for an order: at most a number of credits, or the price of a quote.

A quote is a signed text that holds for QUOTE_LIFETIME. Nothing is stored for it, and it reserves no
credits; an order with it costs the quoted price or less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.ledger import credits
from videos import catalog
from videos.models import Price, Video

QUOTE_LIFETIME = timedelta(minutes=10)
_SALT = "videos.jobs.quotes"


class PriceChanged(Exception):
    """The price is higher than agreed; nothing was ordered. `credits` is the present price."""

    def __init__(self, price: int, agreed: int) -> None:
        self.credits = price
        text = _("The price is now %(price)s credits, not %(agreed)s. Nothing was ordered.")
        super().__init__(text % {"price": price, "agreed": agreed})


class InvalidQuote(Exception):
    """The quote is not one of ours, too old, or for another order; nothing was ordered."""


@dataclass(frozen=True)
class PriceTerms:
    """What the caller agrees to pay: at most `most` credits, and the price of the quote, if any."""

    most: int | None = None
    quote: str = ""


ANY_PRICE = PriceTerms()


@dataclass(frozen=True)
class Quote:
    """A price, the lots that would pay it, and what would be left."""

    text: str
    credits: int
    available: int
    lots: Sequence[tuple[int, datetime | None]]
    expires_at: datetime

    @property
    def available_after(self) -> int:
        """How many credits would be left; negative if there are too few."""
        return self.available - self.credits


def issue(user: AbstractBaseUser, kind: Price.Kind, model: str, size: str, seconds: int) -> Quote:
    """Return a quote for such an order. Raises catalog.NotOffered."""
    catalog.check(model, size, seconds)
    price = catalog.price(kind, model, seconds)
    offer = [str(user.pk), kind.value, model, seconds, price]
    return Quote(
        text=signing.dumps(offer, salt=_SALT),
        credits=price,
        available=credits.available(user),
        lots=credits.preview_spend(user, price),
        expires_at=timezone.now() + QUOTE_LIFETIME,
    )


def apply(terms: PriceTerms, draft: Video) -> None:
    """Set the agreed price of a draft. Raises PriceChanged or InvalidQuote."""
    if terms.quote:
        draft.credits = min(draft.credits, _quoted(terms.quote, draft))
    if terms.most is not None and draft.credits > terms.most:
        raise PriceChanged(draft.credits, terms.most)


def _quoted(text: str, draft: Video) -> int:
    try:
        user, kind, model, seconds, price = signing.loads(text, salt=_SALT, max_age=QUOTE_LIFETIME)
    except signing.SignatureExpired as error:
        raise InvalidQuote(_("The quote is older than ten minutes. Ask for a new one.")) from error
    except (signing.BadSignature, ValueError) as error:
        raise InvalidQuote(_("This is not a quote of ours.")) from error
    offer = (str(draft.user_id), draft.operation, draft.model, draft.seconds)
    if (user, kind, model, seconds) != offer:
        raise InvalidQuote(_("The quote is for another order."))
    return int(price)
