"""The queue of push messages: written with the end of a video, sent by `sender`.

A worker leases due messages, sends all of one browser as one notification without holding a
transaction, and deletes them when the push service has taken it. When the worker dies in between,
the browser gets the same notification again, in the place of the first one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby
from operator import attrgetter
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from config.lib import clock
from config.lib.queues import leases, wakeups
from videos.models import PushMessage, PushSubscription, Video
from videos.push import keys

Status = Video.Status
# Users cancel videos themselves.
NEWS = (Status.SUCCEEDED, Status.FAILED, Status.TIMEOUT)
# Videos that end together are one notification.
GATHER = timedelta(seconds=2)
# After so many failed attempts the message is dropped; the pauses before the others.
PAUSES = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1))


class Result(Enum):
    """What became of one notification."""

    SENT = "sent"
    BUSY = "busy"  # the push service may take it later
    REFUSED = "refused"  # it will never take this one
    GONE = "gone"  # the browser no longer takes any


@dataclass(frozen=True)
class Notification:
    """The leased messages of one browser."""

    subscription: PushSubscription
    messages: list[PushMessage]
    lease: UUID


def enqueue(video: Video) -> None:
    """Queue the news of an ended video for its user's browsers, in the caller's transaction."""
    if not keys.is_enabled() or video.status not in NEWS:
        return
    browsers = PushSubscription.objects.filter(user_id=video.user_id).values_list("pk", flat=True)
    due = clock.now() + GATHER
    rows = [
        PushMessage(subscription_id=browser, video=video, next_try_at=due) for browser in browsers
    ]
    if rows:
        PushMessage.objects.bulk_create(rows, ignore_conflicts=True)
        wakeups.announce(PushMessage)


def claim_due(limit: int) -> list[Notification]:
    """Lease up to `limit` due messages of active users; of ended sign-ins they are deleted."""
    now = clock.now()
    due = PushMessage.objects.filter(next_try_at__lte=now, subscription__user__is_active=True)
    if limit <= 0 or not due.exists():  # spares an idle worker the write lock
        return []
    lease = uuid4()
    with transaction.atomic():
        until = now + settings.LEASE
        rows = leases.lease_rows(due.order_by("next_try_at"), limit, lease, next_try_at=until)
    mine = rows.filter(lease=lease).select_related(
        "subscription__user", "subscription__session", "video"
    )
    found = sorted(mine, key=attrgetter("subscription_id"))
    grouped = [list(group) for _, group in groupby(found, key=attrgetter("subscription_id"))]
    # Whoever signed out in this browser, or was signed out, is told nothing there.
    return [
        Notification(group[0].subscription, group, lease)
        for group in grouped
        if not group[0].subscription.session.purge()
    ]


def next_due() -> datetime | None:
    """When the next message is due, or a lease ends; None when none waits."""
    return PushMessage.objects.order_by("next_try_at").values_list("next_try_at", flat=True).first()


def renew_leases(claimed: list[Notification]) -> None:
    """Extend the leases of notifications that are being sent."""
    for notification in claimed:
        _rows(notification).update(next_try_at=clock.now() + settings.LEASE)


def record_result(notification: Notification, result: Result) -> None:
    """Record an attempt and when to try again; nothing for a lost lease."""
    rows = _rows(notification)
    tries = notification.messages[0].tries
    if result is Result.GONE:
        PushSubscription.objects.filter(pk=notification.subscription.pk).delete()
    elif result is Result.BUSY and tries < len(PAUSES):
        due = clock.now() + PAUSES[tries]
        rows.update(tries=F("tries") + 1, next_try_at=due, lease=None)
    else:
        rows.delete()


def _rows(notification: Notification) -> QuerySet[PushMessage]:
    return PushMessage.objects.filter(
        pk__in=[message.pk for message in notification.messages], lease=notification.lease
    )
