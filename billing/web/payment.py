"""The page of one payment: its status and its receipt."""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.ledger import credits
from billing.models import Entry, Payment
from billing.payments import packages, reconciliation, state
from billing.reports.history import HistoryLine
from billing.reports.receipts import Receipt
from billing.web.navigation import STUDIO, returns_elsewhere
from config.lib.web.responses import user_of

# While a user looks at a pending payment, Stripe is asked about it at most this often.
CHECK_INTERVAL = timedelta(seconds=10)


@login_required
@require_safe
def payment(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Show a payment of the user; ask Stripe first if it is pending."""
    user = user_of(request)
    row = get_object_or_404(Payment, pk=payment_id, user_id=user.pk)
    checked = row.checked_at and timezone.now() - row.checked_at < CHECK_INTERVAL
    if row.status == Payment.Status.PENDING and not checked:
        row = reconciliation.refresh(row)
    entries = credits.history(user).filter(
        reference_type=Entry.PAYMENT_REFERENCE, reference_id=str(row.pk)
    )
    context = {
        "at": "billing",
        "payment": row,
        "receipt": Receipt(row),
        "grant": credits.find_entry(state.grant_key(row)),
        "lines": [HistoryLine(entry) for entry in entries],
        "clawed_back": state.clawback_target(row, row.refunded_minor) if row.is_paid else 0,
        "owed": credits.summary(user).owed,
        "refunds": row.refunds.order_by("created_at"),
        "disputes": row.disputes.order_by("reported_at"),
        "on_sale": row.package in packages.on_sale(),
        "next": STUDIO if row.return_url and not returns_elsewhere(row) else "",
    }
    return render(request, "billing/payment.html", context)
