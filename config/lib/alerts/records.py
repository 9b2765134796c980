"""Open and clear alerts: the only writer of the table.

An alert is open from the first check that finds its condition until no check has found it for
CLEAR_AFTER, so that what comes and goes is told once. The database allows one open alert of a kind
and subject, so that of two processes that find the same at once only one opens it; the e-mails are
queued in the same transaction.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count

from config.lib import clock
from config.lib.alert_kinds import AlertKind
from config.lib.alerts import notices
from config.lib.models import Alert

# An alert that only a machine can check which is gone ends after this long.
LOST_AFTER = timedelta(hours=1)
# What is gone and comes back within this time is the same alert: no second e-mail.
CLEAR_AFTER = timedelta(minutes=5)
DETAIL_MAX = 500


@dataclass(frozen=True)
class Condition:
    """Something that is wrong: what it concerns, such as an engine, and the facts in English."""

    subject: str
    detail: str


def record(
    kind: AlertKind,
    found: Iterable[Condition],
    *,
    decides: Callable[[str], bool] = lambda _subject: True,
) -> None:
    """Open an alert for each condition that has none; clear those that are gone for CLEAR_AFTER.

    `decides` tells which subjects this process can judge; alerts of others stay as they are.
    """
    now = clock.now()
    is_open = {row.subject: row for row in Alert.objects.filter(kind=kind, cleared_at=None)}
    conditions = {one.subject: one for one in found}
    for subject, one in conditions.items():
        if subject in is_open:
            still = Alert.objects.filter(pk=is_open[subject].pk, cleared_at=None)
            still.update(seen_at=now, detail=one.detail[:DETAIL_MAX])
        else:
            _open(kind, one, now)
    for subject, row in is_open.items():
        is_gone = subject not in conditions and row.seen_at <= now - CLEAR_AFTER
        if is_gone and decides(subject):
            _clear(row, now)


def clear_lost(kind: AlertKind) -> None:
    """Clear the alerts of a kind that nobody has seen or denied for LOST_AFTER.

    For what only one machine can judge, which may be gone.
    """
    now = clock.now()
    lost = Alert.objects.filter(kind=kind, cleared_at=None, seen_at__lt=now - LOST_AFTER)
    for row in lost:
        _clear(row, now)


def count_open() -> dict[str, float]:
    """Return how many alerts of each kind are open; every kind is there. One query."""
    rows = Alert.objects.filter(cleared_at=None).values_list("kind").annotate(Count("pk"))
    return dict.fromkeys(AlertKind.values, 0.0) | {kind: float(count) for kind, count in rows}


def count_all_open() -> int:
    """Return how many alerts are open."""
    return Alert.objects.filter(cleared_at=None).count()


def _open(kind: AlertKind, one: Condition, now: datetime) -> None:
    try:
        with transaction.atomic():
            row = Alert.objects.create(
                kind=kind,
                subject=one.subject,
                detail=one.detail[:DETAIL_MAX],
                opened_at=now,
                seen_at=now,
                webhook_due_at=_webhook_due(now),
            )
            notices.queue_emails(row)
    except IntegrityError:
        pass  # another process was first, and has told staff


def _clear(row: Alert, now: datetime) -> None:
    mine = Alert.objects.filter(pk=row.pk, cleared_at=None)
    mine.update(cleared_at=now, webhook_due_at=_webhook_due(now), webhook_attempts=0)


def _webhook_due(now: datetime) -> datetime | None:
    return now if settings.ALERT_WEBHOOK_URL else None
