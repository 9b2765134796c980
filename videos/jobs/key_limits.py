"""What an API key may order: the models it names, and so many credits a day.

A day is one of UTC. Credits count for the key of the order from the order on; those that a failed
or cancelled video returned count as not spent.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum, UUIDField
from django.utils.translation import gettext as _

from accounts.models import ApiKey
from config.lib import clock
from config.lib.prepared_queries import PreparedQuery
from videos.models import MediaJob, Video

# Videos whose credits were returned. Source: Video.is_refunded.
REFUNDED = Q(status__in=Video.LOST) | Q(rescued_at__isnull=False)

LIMITS_OF_KEY = PreparedQuery(
    lambda pk: ApiKey.objects.filter(pk=pk).only("allowed_models", "credits_per_day"), UUIDField
)


class KeyLimitReached(Exception):
    """The API key may not order this; nothing was ordered. `field` is "model" or "credits"."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def check(key_id: UUID | None, models: tuple[str, str], price: int) -> None:
    """Return when a key may order for this price; `models` is the word of the order, and the id.

    Exact where the caller holds the feed of the key's user. Raises KeyLimitReached.
    """
    if key_id is None:
        return
    key = LIMITS_OF_KEY.first(key_id)
    if key is None:
        return  # the account was erased meanwhile
    if key.allowed_models and not set(models) & set(key.allowed_models):
        said = _("This API key may not order the model %(model)s. It may order: %(models)s.")
        names = {"model": models[0], "models": ", ".join(key.allowed_models)}
        raise KeyLimitReached("model", said % names)
    if key.credits_per_day is not None and price:
        _check_credits(key, key.credits_per_day, price)


def check_orders(videos: Sequence[Video]) -> None:
    """Return when the key of these orders, not stored yet, may place them. Raises as `check`.

    All of them have the same key.
    """
    key_id = videos[0].api_key_id
    if key_id is None:
        return
    for models in {(video.ordered_model, video.model): None for video in videos[1:]}:
        check(key_id, models, 0)
    first = (videos[0].ordered_model, videos[0].model)
    check(key_id, first, sum(video.credits for video in videos))


def check_price(key_id: UUID | None, price: int) -> None:
    """Return when a key may spend this on an edit, which no model makes.

    Exact where the caller holds the feed of the key's user. Raises KeyLimitReached.
    """
    if key_id is None or not price:
        return
    key = LIMITS_OF_KEY.first(key_id)
    if key is not None and key.credits_per_day is not None:
        _check_credits(key, key.credits_per_day, price)


def spent_today(key_id: UUID) -> int:
    """Return how many credits the orders of a key cost since midnight UTC, without refunds."""
    midnight = datetime.combine(clock.now().astimezone(UTC).date(), time(), UTC)
    today = {"api_key_id": key_id, "created_at__gte": midnight}
    # An edit that has made its video counts with that; an export makes none.
    exports = Q(kind=MediaJob.Kind.EXPORT, status=MediaJob.Status.SUCCEEDED)
    jobs = MediaJob.objects.filter(Q(status__in=MediaJob.ACTIVE) | exports, **today)
    return _sum(Video.objects.filter(**today).exclude(REFUNDED)) + _sum(jobs)


def _sum(rows: QuerySet[Any]) -> int:
    return int(rows.aggregate(sum=Sum("credits", default=0))["sum"])


def _check_credits(key: ApiKey, limit: int, price: int) -> None:
    spent = spent_today(key.pk)
    if spent + price > limit:
        said = _(
            "This API key may spend %(limit)s credits a day and has spent %(spent)s. This order"
            " costs %(price)s. The next day begins at 00:00 UTC."
        )
        raise KeyLimitReached("credits", said % {"limit": limit, "spent": spent, "price": price})
