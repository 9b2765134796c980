"""Webhooks that clients fetch and acknowledge, instead of or beside receiving them."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from config.lib import clock
from videos import feed
from videos.models import WebhookDelivery
from videos.webhooks import deliveries

State = WebhookDelivery.State


def undelivered(user: AbstractBaseUser) -> QuerySet[WebhookDelivery]:
    """Return what a user's clients have neither accepted nor acknowledged, oldest first."""
    rows = WebhookDelivery.objects.filter(user_id=user.pk).exclude(state=State.DELIVERED)
    rows = rows.select_related("video", "user", "endpoint")
    return rows.order_by("created_at", "pk")


def acknowledge(user: AbstractBaseUser, message_ids: Sequence[str]) -> list[str]:
    """End the delivery of these webhooks, and return the ids of those that are delivered now.

    Unknown ids, and those of other users, are left out; so is the id of a failure that was
    followed by a success. An attempt that is under way is still recorded. Safe to repeat.
    """
    keys = {key for text in message_ids if (key := _key_of(text))}
    with feed.lock(user.pk):  # a video that ends waits, so that an id stays that of its event
        rows = WebhookDelivery.objects.filter(user_id=user.pk, pk__in=keys)
        found = {deliveries.message_id_of(row): row.pk for row in rows.select_related("video")}
        known = [text for text in dict.fromkeys(message_ids) if text in found]
        now = clock.now()
        waiting = rows.filter(pk__in=[found[text] for text in known])
        waiting.exclude(state=State.DELIVERED).update(
            state=State.DELIVERED, next_try_at=None, delivered_at=now, acknowledged_at=now
        )
    return known


def _key_of(message_id: str) -> UUID | None:
    try:
        return UUID(message_id.removeprefix("msg_").removesuffix("_rescued"))
    except ValueError:
        return None
