"""What pages of one video order from it, and why an order was refused, in words."""

from collections.abc import Callable

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import idempotency, rate_limits
from config.lib.idempotency import RequestKey
from config.lib.web.responses import UserRequest
from videos.catalog import offers
from videos.jobs import moderation, orders, state_machine
from videos.jobs.orders import PriceTerms
from videos.models import Video
from videos.web import pages
from videos.web.forms import RemixForm

# Why an order was not placed, other than for a lack of credits.
NOT_ORDERED = (
    state_machine.NotPossible,
    offers.NotOffered,
    moderation.NotAllowed,
    orders.PriceChanged,
)


def place_remix(
    request: UserRequest,
    form: RemixForm,
    remix: Callable[[str, RequestKey | None, PriceTerms], Video],
) -> tuple[Video | None, int]:
    """Place the remix of a valid form once, and return it with the status of the answer.

    `remix` orders it by prompt, key and price. When it is refused, the form says why, and there is
    no video.
    """
    key = pages.request_key(request)

    def order() -> Video:
        rate_limits.use("generate", request.user)
        return remix(form.cleaned_data["prompt"], key, pages.shown_price(request))

    try:
        return idempotency.run(key, order).result, 303
    except rate_limits.TooManyAttempts as error:
        why, status = str(error), 429
    except NOT_ORDERED as error:
        why, status = str(error), 422
    except credits.NotEnoughCredits as error:
        why, status = missing_credits(error), 402
    form.add_error(None, why)
    return None, status


def missing_credits(error: credits.NotEnoughCredits) -> str:
    """Say how many credits are missing."""
    numbers = {
        "needed": error.needed,
        "available": error.available,
        "more": error.needed - error.available,
    }
    shown = {name: number_format(n, force_grouping=True) for name, n in numbers.items()}
    return _("This costs %(needed)s. You have %(available)s, so you need %(more)s more.") % shown
