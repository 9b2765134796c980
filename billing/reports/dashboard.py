"""Figures about money and credits for the staff dashboard, and the lists behind them."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.models import AuditRun, Entry, Lot, Payment, Refund, StripeEvent


def start_of_today() -> datetime:
    """Return the midnight with which today began, in the current time zone."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def available(user_pk: OuterRef) -> Coalesce:
    """Return an expression for the credits that the user with `user_pk` can spend."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    lots = Lot.objects.filter(unexpired, account=user_pk, remaining__gt=0).order_by()
    return Coalesce(Subquery(lots.values("account").annotate(s=Sum("remaining")).values("s")), 0)


def entry_filters() -> dict[str, Q]:
    """Return the conditions for entries of today, by what happened to the credits."""
    today = Q(created_at__gte=start_of_today())
    return {
        "spent": today & Q(type=Entry.Type.SPENT),
        "returned": today & Q(type=Entry.Type.REFUNDED),
    }


def payment_filters() -> dict[str, Q]:
    """Return the conditions for payments paid today and payments under review."""
    return {"paid": Q(paid_at__gte=start_of_today()), "to_review": ~Q(review_reason="")}


def refund_filters() -> dict[str, Q]:
    """Return the condition for refunds of today that did not fail."""
    return {"today": Q(created_at__gte=start_of_today(), status__in=Refund.ACTIVE)}


def event_filters() -> dict[str, Q]:
    """Return the condition for Stripe events that failed or need staff."""
    return {"failed": Q(state__in=(StripeEvent.State.ERROR, StripeEvent.State.REVIEW))}


def lot_filters() -> dict[str, Q]:
    """Return the condition for lots whose credits expire within EXPIRY_WARNING."""
    now = timezone.now()
    expires_soon = Q(expires_at__gt=now, expires_at__lte=now + settings.EXPIRY_WARNING)
    return {"expiring": expires_soon & Q(remaining__gt=0)}


@dataclass(frozen=True)
class MoneyFigures:
    """Figures of today and of this moment.

    `revenue` and `refunded` are sums in minor units by currency; `spent`, `returned` and
    `expiring_credits` are credits; the others count rows.
    """

    revenue: dict[str, int]
    refunded: dict[str, int]
    payments: int
    refunds: int
    spent: int
    spends: int
    returned: int
    returns: int
    payments_to_review: int
    failed_events: int
    expiring_lots: int
    expiring_credits: int
    audit_run: AuditRun | None


def todays_figures() -> MoneyFigures:
    """Count everything the dashboard shows, with a fixed number of queries."""
    payments = Payment.objects.filter(payment_filters()["paid"]).order_by()
    paid = list(payments.values_list("currency").annotate(sum=Sum("amount_minor"), n=Count("pk")))
    refunds = Refund.objects.filter(refund_filters()["today"]).order_by()
    refunded = list(
        refunds.values_list("payment__currency").annotate(sum=Sum("amount_minor"), n=Count("pk"))
    )
    entries = entry_filters()
    credits = Entry.objects.filter(created_at__gte=start_of_today()).aggregate(
        spent=Sum("amount", filter=entries["spent"]),
        spends=Count("pk", filter=entries["spent"]),
        returned=Sum("amount", filter=entries["returned"]),
        returns=Count("pk", filter=entries["returned"]),
    )
    lots = Lot.objects.filter(lot_filters()["expiring"]).aggregate(
        n=Count("pk"), sum=Sum("remaining")
    )
    return MoneyFigures(
        revenue={currency: total for currency, total, _n in sorted(paid)},
        refunded={currency: total for currency, total, _n in sorted(refunded)},
        payments=sum(n for _currency, _sum, n in paid),
        refunds=sum(n for _currency, _sum, n in refunded),
        spent=-(credits["spent"] or 0),
        spends=credits["spends"],
        returned=credits["returned"] or 0,
        returns=credits["returns"],
        payments_to_review=Payment.objects.filter(payment_filters()["to_review"]).count(),
        failed_events=StripeEvent.objects.filter(event_filters()["failed"]).count(),
        expiring_lots=lots["n"],
        expiring_credits=lots["sum"] or 0,
        audit_run=AuditRun.objects.order_by("-run_at").first(),
    )
