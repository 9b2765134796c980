"""The billing page: balance, packages on sale, history of credits, payments."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from billing.ledger import credits
from billing.models import AuditRun, Entry, Payment
from billing.payments import packages, state
from billing.reports import imported_history
from billing.reports.daily_chart import daily_chart
from billing.reports.history import FILTERS, HistoryLine
from billing.reports.lots import group_lots
from billing.reports.receipts import Receipt
from billing.switch import page_of_billing
from billing.web.navigation import STUDIO, next_page, packages_url
from config.lib.web.paging import page_of
from config.lib.web.responses import see_other, user_of

ENTRIES_PER_PAGE = 25
# How many payments are shown before the user asks for all.
LATEST_PAYMENTS = 5
PROMPT_MAX_LENGTH = 5000
# The fields of the studio's form that are saved; those of images are ids of stored ones.
DRAFT_FIELDS = (
    "prompt", "model", "size", "seconds", "takes", "audio", "negative_prompt", "seed",
    "first_image", "last_image", "reference_images",
)  # fmt: skip


@page_of_billing
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def billing(request: HttpRequest) -> HttpResponse:
    """Show the billing page; a POST comes from the studio and saves the draft first."""
    if request.method == "POST":
        return _save_draft(request)
    user = user_of(request)
    selected_type = request.GET.get("type", "")
    selected_type = selected_type if selected_type in FILTERS else ""
    video = state.parse_uuid(request.GET.get("video", ""))
    entries = credits.history(user, selected_type) if selected_type else credits.history(user)
    if video:
        entries = entries.filter(reference_type=Entry.VIDEO_REFERENCE, reference_id=str(video))
    known = None if selected_type or video else credits.number_of_entries(user)
    page = page_of(request, entries, ENTRIES_PER_PAGE, known)
    payments = Payment.objects.filter(user_id=user.pk).order_by("-created_at", "-pk")
    all_payments = request.GET.get("receipts") == "all"
    shown_payments = payments if all_payments else payments[:LATEST_PAYMENTS]
    context = {
        "at": "billing",
        "summary": credits.summary(user),
        "lot_groups": group_lots(credits.open_lots(user)),
        "chart": daily_chart(user),
        "history_before": imported_history.is_there(user),
        "next": next_page(request.GET.get("next", "")),
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "days": settings.PURCHASE_LIFETIME.days,
        "test_money": settings.SANDBOX_STRIPE,
        "receipts": [Receipt(row) for row in shown_payments],
        "receipts_left": 0 if all_payments else max(payments.count() - LATEST_PAYMENTS, 0),
        "filters": FILTERS.items(),
        "selected_type": selected_type,
        "video": video,
        "page": page,
        "lines": [HistoryLine(entry) for entry in page],
        "audit_run": AuditRun.objects.order_by("-run_at").first(),
    }
    return render(request, "billing/billing.html", context)


def _save_draft(request: HttpRequest) -> HttpResponse:
    """Save what the user entered in the studio, so that it is there again after paying."""
    sent = {name: " ".join(request.POST.getlist(name)).strip() for name in DRAFT_FIELDS}
    draft = {name: value[:PROMPT_MAX_LENGTH] for name, value in sent.items()}
    request.session["draft"] = {name: value for name, value in draft.items() if value}
    return see_other(packages_url(STUDIO))
