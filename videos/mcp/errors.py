"""Errors that an agent reads: the sentence of a domain error, never a traceback."""

from billing.ledger.credits import NotEnoughCredits
from billing.switch import BillingOff
from config.lib.idempotency import BadIdempotencyKey, IdempotencyMismatch
from config.lib.rate_limits import TooManyAttempts
from videos.catalog.offers import NotOffered
from videos.editing.jobs import TooManyEdits
from videos.editing.recipes import NotEditable
from videos.jobs.cancellation import TooManyCancellations
from videos.jobs.key_limits import KeyLimitReached
from videos.jobs.moderation import NotAllowed
from videos.jobs.money.quotes import InvalidQuote
from videos.jobs.orders import PriceChanged
from videos.jobs.state_machine import NotPossible
from videos.media.upload_urls import BadImageUrl


class Refused(Exception):
    """What an agent asked for is not possible; the text says why and what to change."""


# Whose texts are written for users.
SENTENCES = (
    Refused,
    BadIdempotencyKey,
    BadImageUrl,
    BillingOff,
    IdempotencyMismatch,
    InvalidQuote,
    KeyLimitReached,
    NotAllowed,
    NotEditable,
    NotEnoughCredits,
    NotOffered,
    NotPossible,
    PriceChanged,
    TooManyAttempts,
    TooManyCancellations,
    TooManyEdits,
)
UNKNOWN = "Something went wrong here. Nothing was charged for what did not happen; try again later."


def sentence_of(error: Exception) -> str:
    """Return what an agent is told of an error; nothing of an unexpected one."""
    if not isinstance(error, SENTENCES):
        return UNKNOWN
    if isinstance(error, NotOffered):
        return f"{error.field}: {error}"
    return str(error)
