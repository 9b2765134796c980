"""The money at a glance, for staff; it only reads, with a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum

from billing.models import Entry, Payment, Proof, Refund, StripeEvent


@dataclass(frozen=True)
class Money:
    """Since a moment: sums in minor units by currency, credits, and what waits for a person."""

    revenue: dict[str, int]
    refunded: dict[str, int]
    spent: int
    returned: int
    reviews: int
    events: int
    proof: Proof | None


def since(moment: datetime) -> Money:
    paid = Payment.objects.filter(paid_at__gte=moment).values_list("currency")
    back = Refund.objects.filter(created_at__gte=moment, status__in=Refund.ACTIVE)
    credits = Entry.objects.filter(created_at__gte=moment).aggregate(
        spent=Sum("amount", filter=Q(type=Entry.Type.SPENT)),
        returned=Sum("amount", filter=Q(type=Entry.Type.REFUNDED)),
    )
    troubled = (StripeEvent.State.ERROR, StripeEvent.State.REVIEW)
    return Money(
        revenue=dict(paid.annotate(sum=Sum("amount_minor")).order_by("currency")),
        refunded=dict(
            back.values_list("payment__currency").annotate(sum=Sum("amount_minor")).order_by()
        ),
        spent=-(credits["spent"] or 0),
        returned=credits["returned"] or 0,
        reviews=Payment.objects.exclude(review="").aggregate(n=Count("pk"))["n"],
        events=StripeEvent.objects.filter(state__in=troubled).count(),
        proof=Proof.objects.order_by("-at").first(),
    )
