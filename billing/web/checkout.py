"""Buying a package: go to Stripe's checkout page, and come back from it."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, resolve_url
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from billing.models import Payment
from billing.payments import checkout, packages, reconciliation
from billing.switch import page_of_billing
from billing.web.navigation import STUDIO, next_page, packages_url, returns_elsewhere
from config.lib import rate_limits
from config.lib.web.responses import see_other, user_of


@page_of_billing
@login_required
@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Begin a purchase and redirect to its checkout page."""
    wanted = next_page(request.POST.get("next", ""))
    return_url = settings.BASE_URL + reverse("studio") if wanted else ""
    package = request.POST.get("package", "")
    rate_limits.use("other", user_of(request))
    try:
        payment = checkout.create(user_of(request), package, return_url)
    except (packages.UnknownPackage, checkout.StripeUnavailable) as error:
        messages.error(request, str(error))
        return see_other(packages_url(wanted))
    return see_other(payment.payment_url)


@require_safe
def checkout_return(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Redirect a payer who comes back from the checkout page to where the purchase began.

    The query parameters do not prove that the payer has paid, so Stripe is asked.
    """
    row = Payment.objects.filter(pk=payment_id).first()
    if not request.user.is_authenticated:
        # Another front end keeps its users signed in itself, and asks the API about the payment.
        if row and returns_elsewhere(row):
            return redirect(row.return_url)
        return redirect_to_login(request.get_full_path())
    row = get_object_or_404(Payment, pk=payment_id, user_id=request.user.pk)
    if row.status == Payment.Status.PENDING:
        row = reconciliation.refresh(row)  # the event may not have arrived yet
    if returns_elsewhere(row):
        return redirect(row.return_url)
    if row.status == Payment.Status.PENDING and "cancelled" in request.GET:
        messages.info(request, _("You left the checkout without paying. Nothing was charged."))
        return redirect(
            packages_url(STUDIO if row.return_url else "") if settings.BILLING else "studio"
        )
    if row.return_url and row.status == Payment.Status.SUCCEEDED:
        messages.success(request, _success_message(row))
        return redirect(row.return_url)
    return redirect("payment", row.pk)


def _success_message(payment: Payment) -> str:
    text = ngettext(
        "Payment received. %(n)d credit was added.",
        "Payment received. %(n)d credits were added.",
        payment.credits,
    )
    url = resolve_url("payment", payment.pk)
    link = format_html('<a href="{}">{}</a>', url, _("View the receipt"))
    return format_html("{} {}", text % {"n": payment.credits}, link)
