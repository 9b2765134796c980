"""The money pages: balance, packages, history, receipts, and the way back from the checkout."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.ledger import credits
from billing.models import AuditRun, Entry, Payment
from billing.payments import checkout, packages, reconciliation, state
from billing.reports.daily_chart import chart_of
from billing.reports.history import FILTERS, HistoryLine
from billing.reports.lots import group_lots
from billing.reports.receipts import Receipt
from config.lib.csv_export import csv_response
from config.lib.http import page_of, see_other, user_of

PER_PAGE = 25
RECEIPTS = 5
PROMPT_MAX = 5000
# The fields of the studio's order; the reference is the id of an image that is stored by then.
DRAFT = ("prompt", "model", "size", "seconds", "reference")
# While somebody looks at a payment that waits, Stripe is asked about it at most this often.
LOOK_AGAIN = timedelta(seconds=10)
STUDIO = "studio"
COLUMNS = ("time", "type", "credits", "balance", "what", "reference", "expires")


# ---- the billing page ----


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def billing(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _keep_draft(request)
    user = user_of(request)
    only = request.GET.get("type", "")
    only = only if only in FILTERS else ""
    video = state.parse_uuid(request.GET.get("video", ""))
    entries = credits.history(user, only) if only else credits.history(user)
    if video:
        entries = entries.filter(reference_type=Entry.VIDEO_REFERENCE, reference_id=str(video))
    page = page_of(request, entries, PER_PAGE)
    bought = Payment.objects.filter(user_id=user.pk).order_by("-created_at", "-pk")
    all_receipts = request.GET.get("receipts") == "all"
    context = {
        "at": "billing",
        "summary": credits.summary(user),
        "parts": group_lots(credits.open_lots(user)),
        "chart": chart_of(user),
        "next": _next(request.GET.get("next", "")),
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "days": settings.PURCHASE_LIFETIME.days,
        "test_money": settings.SANDBOX_STRIPE,
        "receipts": [Receipt(row) for row in (bought if all_receipts else bought[:RECEIPTS])],
        "receipts_left": 0 if all_receipts else max(bought.count() - RECEIPTS, 0),
        "filters": FILTERS.items(),
        "only": only,
        "video": video,
        "page": page,
        "lines": [HistoryLine(entry) for entry in page],
        "run": AuditRun.objects.order_by("-run_at").first(),
    }
    return render(request, "billing/billing.html", context)


def _keep_draft(request: HttpRequest) -> HttpResponse:
    """Somebody leaves the studio to buy: what they ordered waits there for them."""
    draft = {name: request.POST.get(name, "").strip()[:PROMPT_MAX] for name in DRAFT}
    request.session["draft"] = {name: value for name, value in draft.items() if value}
    return see_other(f"{reverse('billing')}?next={STUDIO}#packages")


@login_required
@require_safe
def history_csv(request: HttpRequest) -> HttpResponseBase:
    entries = credits.history(user_of(request))
    return csv_response("credits.csv", COLUMNS, map(_row, entries.iterator()))


def _row(e: Entry) -> tuple[Any, ...]:
    expires = e.expires_at.isoformat() if e.expires_at else ""
    booked = (e.created_at.isoformat(), e.type, e.amount, e.balance_after)
    return (*booked, e.description, e.reference_id, expires)


# ---- for everybody ----


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """What the last check of all books found; nothing about anybody."""
    return render(
        request, "billing/audit.html", {"run": AuditRun.objects.order_by("-run_at").first()}
    )


# ---- buying ----


@login_required
@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Begin a purchase and go to the checkout page."""
    wanted = _next(request.POST.get("next", ""))
    back = settings.BASE_URL + reverse("studio") if wanted else ""
    try:
        payment = checkout.create(user_of(request), request.POST.get("package", ""), back)
    except (packages.UnknownPackage, checkout.StripeUnavailable) as error:
        messages.error(request, str(error))
        return see_other(_shop(wanted))
    return see_other(payment.payment_url)


@require_safe
def checkout_return(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Back from the checkout: the query says nothing, Stripe is asked."""
    row = Payment.objects.filter(pk=payment_id).first()
    if not request.user.is_authenticated:
        # A front end elsewhere keeps its people signed in by itself, and asks the API.
        if row and _is_elsewhere(row):
            return redirect(row.return_url)
        return redirect_to_login(request.get_full_path())
    row = _own(request, payment_id)
    if row.status == Payment.Status.PENDING:
        row = reconciliation.refresh(row)  # the very moment somebody may have paid
    if _is_elsewhere(row):
        return redirect(row.return_url)
    if row.status == Payment.Status.PENDING and "cancelled" in request.GET:
        messages.info(request, _("You left the checkout without paying. Nothing was charged."))
        return redirect(_shop(STUDIO if row.return_url else ""))
    if row.return_url and row.status == Payment.Status.SUCCEEDED:
        messages.success(request, _received(row))
        return redirect(row.return_url)
    return redirect("payment", row.pk)


def _received(row: Payment) -> str:
    words = ngettext(
        "Payment received. %(n)d credit was added.",
        "Payment received. %(n)d credits were added.",
        row.credits,
    )
    link = format_html('<a href="{}">{}</a>', resolve_url("payment", row.pk), _("View the receipt"))
    return format_html("{} {}", words % {"n": row.credits}, link)


# ---- one payment ----


@login_required
@require_safe
def payment(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Where a payment stands, and its receipt."""
    row = _own(request, payment_id)
    looked = row.checked_at and timezone.now() - row.checked_at < LOOK_AGAIN
    if row.status == Payment.Status.PENDING and not looked:
        row = reconciliation.refresh(row)
    user = user_of(request)
    moves = credits.history(user).filter(
        reference_type=Entry.PAYMENT_REFERENCE, reference_id=str(row.pk)
    )
    context = {
        "at": "billing",
        "payment": row,
        "receipt": Receipt(row),
        "grant": credits.find_entry(state.grant_key(row)),
        "lines": [HistoryLine(entry) for entry in moves],
        "lost": state.credits_lost(row, row.refunded_minor) if row.is_paid else 0,
        "owed": credits.summary(user).owed,
        "refunds": row.refunds.order_by("created_at"),
        "disputes": row.disputes.order_by("reported_at"),
        "on_sale": row.package in packages.on_sale(),
        "next": STUDIO if row.return_url and not _is_elsewhere(row) else "",
    }
    return render(request, "billing/payment.html", context)


def _own(request: HttpRequest, payment_id: UUID) -> Payment:
    return get_object_or_404(Payment, pk=payment_id, user_id=request.user.pk)


# ---- between pages ----


def _next(wanted: str) -> str:
    """Where to go after paying, if it is a place we know."""
    return wanted if wanted == STUDIO else ""


def _shop(wanted: str) -> str:
    return f"{reverse('billing')}?next={wanted}#packages" if wanted else reverse("billing")


def _is_elsewhere(row: Payment) -> bool:
    """Whether the payer comes from a front end of another origin."""
    return bool(row.return_url) and not row.return_url.startswith(f"{settings.BASE_URL}/")
