"""The user's balance as the pages show it."""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from billing.ledger import credits

MONTH, WEEK = timedelta(days=31), timedelta(days=7)


def wallet_of(user: Any) -> dict[str, Any]:
    """Return the available credits and how many of them expire next, within 31 days."""
    lots = list(credits.open_lots(user))
    first = lots[0].expires_at if lots else None
    same_day = [lot.remaining for lot in lots if _day(lot.expires_at) == _day(first)]
    return {
        "available": sum(lot.remaining for lot in lots),
        "expires_at": first,
        "expiring": sum(same_day) if first and first - timezone.now() < MONTH else 0,
        "soon": first is not None and first - timezone.now() < WEEK,
    }


def _day(moment: datetime | None) -> date | None:
    return timezone.localdate(moment) if moment else None
