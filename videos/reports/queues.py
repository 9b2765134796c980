"""What waits in the queues of videos, edits and webhooks, and for how long; for monitoring.

Each function is one query that an index of the rows that wait answers, however many rows have
ended.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from config.lib import clock
from videos.models import MediaJob, Video, WebhookDelivery

PAUSED = "paused"


@dataclass(frozen=True)
class Waiting:
    """How many rows wait, and since when the oldest does, in seconds; 0 without any."""

    count: int = 0
    oldest_seconds: float = 0.0


def videos_by_state() -> dict[str, Waiting]:
    """Return the videos that have not ended, by state, with the age of their oldest order.

    Orders that their owners hold back are "paused". Every state is there.
    """
    now = clock.now()
    found = {str(state): Waiting() for state in (*Video.ACTIVE, PAUSED)}
    held = Q(paused_at__isnull=False)
    rows = (
        Video.objects.active()
        .order_by()
        .values_list("status")
        .annotate(
            going=Count("pk", filter=~held),
            since=Min("created_at", filter=~held),
            paused=Count("pk", filter=held),
            paused_since=Min("created_at", filter=held),
        )
    )
    for status, going, since, paused, paused_since in rows:
        found[status] = Waiting(going, _seconds(since, now))
        if paused:
            found[PAUSED] = Waiting(paused, _seconds(paused_since, now))
    return found


def overdue_steps() -> Waiting:
    """Return the steps of videos that no worker has taken although they are due.

    Without the orders in our queue, which may wait for a free place.
    """
    now = clock.now()
    due = Video.objects.filter(next_step_at__lte=now).exclude(status=Video.Status.QUEUED)
    return _waiting(due.aggregate(count=Count("pk"), oldest=Min("next_step_at")), now)


def edits() -> Waiting:
    """Return the edits and exports that are due and not begun."""
    now = clock.now()
    due = MediaJob.objects.filter(next_step_at__lte=now)
    return _waiting(due.aggregate(count=Count("pk"), oldest=Min("next_step_at")), now)


def webhooks() -> Waiting:
    """Return the webhooks that are not delivered yet; the age is that of what is due."""
    now = clock.now()
    queued = WebhookDelivery.objects.filter(next_try_at__isnull=False)
    oldest = Min("next_try_at", filter=Q(next_try_at__lte=now))
    return _waiting(queued.aggregate(count=Count("pk"), oldest=oldest), now)


def _waiting(found: dict[str, object], now: datetime) -> Waiting:
    count, oldest = found["count"], found["oldest"]
    assert isinstance(count, int)
    return Waiting(count, _seconds(oldest if isinstance(oldest, datetime) else None, now))


def _seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
