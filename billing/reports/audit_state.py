"""How the last audit ended, and what waits for staff; for monitoring."""

from dataclasses import dataclass
from datetime import datetime

from billing.models import AuditRun, Payment
from billing.reports.dashboard import payment_filters


@dataclass(frozen=True)
class AuditState:
    """When the last audit ran and how many problems it left."""

    run_at: datetime
    problems: int


def last_audit() -> AuditState | None:
    """Return how the last audit ended; None before the first one. One query."""
    run = AuditRun.objects.order_by("-pk").first()  # they are written in this order
    return AuditState(run.run_at, len(run.problems)) if run else None


def count_payments_to_review() -> int:
    """Return how many payments wait for a decision of staff."""
    return Payment.objects.filter(payment_filters()["to_review"]).count()
