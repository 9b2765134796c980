"""Claim due webhook deliveries in fair shares, and renew the leases of those under way.

Of all workers together at most WEBHOOKS_PER_USER deliveries of one user and WEBHOOKS_PER_HOST
deliveries to one host are under way, and users with the fewest go first. So whoever answers slowly
holds up his own deliveries and nobody else's.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, QuerySet

from config.lib import clock
from config.lib.queues import leases
from videos.models import WebhookDelivery

# The number of the lock that PostgreSQL keeps for claims.
CLAIM_LOCK = 0x77656268


def claim_due(limit: int) -> list[WebhookDelivery]:
    """Lease up to `limit` due deliveries of active users, each worker different ones."""
    now = clock.now()
    if limit <= 0 or not _choose(limit, now):  # spares an idle worker the write lock
        return []
    token = uuid4()
    with transaction.atomic():
        _lock_claims()
        due = WebhookDelivery.objects.filter(pk__in=_choose(limit, now), next_try_at__lte=now)
        leased = leases.lease_rows(due, limit, token, next_try_at=now + settings.LEASE)
    return list(leased.filter(lease=token).select_related("video", "user", "endpoint"))


def next_due() -> datetime | None:
    """When the next delivery is due, or a lease ends; None when none waits."""
    waiting = WebhookDelivery.objects.filter(next_try_at__isnull=False).order_by("next_try_at")
    return waiting.values_list("next_try_at", flat=True).first()


def renew_leases(claimed: list[WebhookDelivery]) -> None:
    """Extend the leases of deliveries that are under way."""
    mine = WebhookDelivery.objects.filter(
        pk__in=[delivery.pk for delivery in claimed],
        lease__in={delivery.lease for delivery in claimed},
        next_try_at__isnull=False,  # others were acknowledged, or their endpoint disabled
    )
    mine.update(next_try_at=clock.now() + settings.LEASE)


def _lock_claims() -> None:
    """Wait for the claims of other workers until the transaction ends, so that shares are exact."""
    if connection.vendor == "postgresql":  # on SQLite every transaction that writes waits
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])


def _choose(limit: int, now: datetime) -> list[UUID]:
    """The due deliveries that may start, users with the fewest under way first."""
    of_user, of_host = _count_under_way(now)
    # Users that are locked or deleted get no webhooks, until the account is restored.
    due = WebhookDelivery.objects.filter(next_try_at__lte=now, user__is_active=True)
    due = due.exclude(user_id__in=_full(of_user, settings.WEBHOOKS_PER_USER))
    due = due.exclude(host__in=_full(of_host, settings.WEBHOOKS_PER_HOST))
    waiting = due.values_list("user_id").annotate(oldest=Min("next_try_at")).order_by("oldest")
    users = sorted((user for user, _ in waiting), key=lambda user: of_user[user])
    turns = [turn for user in users[:limit] for turn in _turns(due, user, of_user[user])]
    chosen: list[UUID] = []
    for _, pk, host in sorted(turns, key=itemgetter(0)):
        if len(chosen) < limit and of_host[host] < settings.WEBHOOKS_PER_HOST:
            chosen.append(pk)
            of_host[host] += 1
    return chosen


def _turns(
    due: QuerySet[WebhookDelivery], user: UUID, under_way: int
) -> Iterator[tuple[int, UUID, str]]:
    """The oldest deliveries of a user's free share, each with its place among the user's own."""
    oldest = due.filter(user_id=user).order_by("next_try_at", "pk").values_list("pk", "host")
    for n, (pk, host) in enumerate(oldest[: settings.WEBHOOKS_PER_USER - under_way], under_way):
        yield n, pk, host


def _count_under_way(now: datetime) -> tuple[Counter[UUID], Counter[str]]:
    """How many deliveries are under way for each user and to each host."""
    rows = WebhookDelivery.objects.filter(lease__isnull=False, next_try_at__gt=now)
    under_way = list(rows.values_list("user_id", "host"))
    return Counter(user for user, _ in under_way), Counter(host for _, host in under_way)


def _full(counts: Counter[Any], share: int) -> list[Any]:
    return [key for key, count in counts.items() if count >= share]
