"""The money at a glance, for staff; it only reads, with a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.models import AuditRun, Entry, Lot, Payment, Refund, StripeEvent


def start_of_today() -> datetime:
    """When today began."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def available(user_pk: OuterRef) -> Coalesce:
    """What each user of a query can spend, as a column of it."""
    living = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    lots = Lot.objects.filter(living, account=user_pk, remaining__gt=0).order_by()
    return Coalesce(Subquery(lots.values("account").annotate(s=Sum("remaining")).values("s")), 0)


def entry_selections() -> dict[str, Q]:
    """Lines of the books of today."""
    today = Q(created_at__gte=start_of_today())
    return {
        "spent": today & Q(type=Entry.Type.SPENT),
        "returned": today & Q(type=Entry.Type.REFUNDED),
    }


def payment_selections() -> dict[str, Q]:
    """Payments whose money came, or that a person must decide."""
    return {"paid": Q(paid_at__gte=start_of_today()), "to_decide": ~Q(review_reason="")}


def refund_selections() -> dict[str, Q]:
    """Refunds of today that were not refused."""
    return {"today": Q(created_at__gte=start_of_today(), status__in=Refund.ACTIVE)}


def event_selections() -> dict[str, Q]:
    """What Stripe told us and we could not act on."""
    return {"trouble": Q(state__in=(StripeEvent.State.ERROR, StripeEvent.State.REVIEW))}


def lot_selections() -> dict[str, Q]:
    """What will be lost unless it is spent soon."""
    now = timezone.now()
    within = Q(expires_at__gt=now, expires_at__lte=now + settings.EXPIRY_WARNING)
    return {"expiring": within & Q(remaining__gt=0)}


@dataclass(frozen=True)
class MoneyFigures:
    """Today: sums in minor units by currency, credits, and what waits for a person."""

    revenue: dict[str, int]
    refunded: dict[str, int]
    paid: int
    refunds: int
    spent: int
    spends: int
    returned: int
    returns: int
    reviews: int
    events: int
    expiring: int
    expiring_credits: int
    audit_run: AuditRun | None


def today() -> MoneyFigures:
    paid = Payment.objects.filter(payment_selections()["paid"]).order_by()
    back = Refund.objects.filter(refund_selections()["today"]).order_by()
    came = list(paid.values_list("currency").annotate(sum=Sum("amount_minor"), n=Count("pk")))
    went = list(
        back.values_list("payment__currency").annotate(sum=Sum("amount_minor"), n=Count("pk"))
    )
    lines = entry_selections()
    credits = Entry.objects.filter(created_at__gte=start_of_today()).aggregate(
        spent=Sum("amount", filter=lines["spent"]),
        spends=Count("pk", filter=lines["spent"]),
        returned=Sum("amount", filter=lines["returned"]),
        returns=Count("pk", filter=lines["returned"]),
    )
    lots = Lot.objects.filter(lot_selections()["expiring"]).aggregate(
        n=Count("pk"), sum=Sum("remaining")
    )
    return MoneyFigures(
        revenue={currency: total for currency, total, _n in sorted(came)},
        refunded={currency: total for currency, total, _n in sorted(went)},
        paid=sum(n for _currency, _sum, n in came),
        refunds=sum(n for _currency, _sum, n in went),
        spent=-(credits["spent"] or 0),
        spends=credits["spends"],
        returned=credits["returned"] or 0,
        returns=credits["returns"],
        reviews=Payment.objects.filter(payment_selections()["to_decide"]).count(),
        events=StripeEvent.objects.filter(event_selections()["trouble"]).count(),
        expiring=lots["n"],
        expiring_credits=lots["sum"] or 0,
        audit_run=AuditRun.objects.order_by("-run_at").first(),
    )
