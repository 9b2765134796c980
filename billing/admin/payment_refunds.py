"""The page on which staff refund a payment."""

from typing import Any, cast
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import money
from billing.ledger import credits
from billing.models import Payment, Refund
from billing.payments import refunds
from config.lib.admin.model_admin import log_action
from config.lib.idempotency import key_of_form

STATUS_MESSAGES: dict[Refund.Status, Promise] = {
    Refund.Status.REQUESTED: gettext_lazy("The refund was requested. Stripe has not answered yet."),
    Refund.Status.PENDING: gettext_lazy("The refund was submitted to Stripe."),
    Refund.Status.SUCCEEDED: gettext_lazy("The payment was refunded."),
    Refund.Status.FAILED: gettext_lazy("Stripe refused the refund. The credits were restored."),
    Refund.Status.CANCELED: gettext_lazy("The refund was cancelled. The credits were restored."),
}


class RefundForm(forms.Form):
    amount = forms.CharField(
        label=gettext_lazy("Amount"),
        strip=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)

    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payment = payment

    def clean(self) -> dict[str, Any]:
        """Add the amount in minor units."""
        data: dict[str, Any] = super().clean() or {}
        if "amount" in data:
            try:
                data["amount_minor"] = money.to_minor(data["amount"], self.payment.currency)
            except money.InvalidAmount as error:
                self.add_error("amount", str(error))
        return data


def refund_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, payment: Payment
) -> HttpResponse:
    """Ask for an amount and a reason, show what the refund takes, then refund the payment.

    The preview has a token of its own, so that a form that is sent twice refunds once.
    """
    refundable = money.to_major(refunds.refundable_minor(payment), payment.currency)
    form = RefundForm(payment, request.POST or None, initial={"amount": refundable})
    preview = None
    if form.is_valid():
        amount_minor = form.cleaned_data["amount_minor"]
        token = request.POST.get("token", "")[:64]
        if "confirm" in request.POST and token:
            reason = form.cleaned_data["reason"]
            return _refund(request, payment, amount_minor, reason, token)
        try:
            preview = refunds.preview(payment, amount_minor)
        except refunds.NotRefundable:
            limit = f"{refundable} {payment.currency}"
            form.add_error("amount", _("At most %(sum)s can be refunded.") % {"sum": limit})
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Refund a payment"),
        "form": form,
        "payment": payment,
        "left": refundable,
        "preview": preview,
        "token": uuid4(),
        "changes": _changes(payment, preview) if preview else [],
        "opts": model_admin.opts,
    }
    return TemplateResponse(request, "admin/billing/refund_payment.html", context)


def _refund(
    request: HttpRequest, payment: Payment, amount_minor: int, reason: str, token: str
) -> HttpResponse:
    staff = cast("AbstractBaseUser", request.user)
    key = key_of_form(staff, f"refund {payment.pk}", token)
    refund_request = refunds.RefundRequest(amount_minor, Refund.Source.ADMIN, reason, staff)
    try:
        outcome = refunds.refund_once(payment, refund_request, key)
    except refunds.NotRefundable as error:
        messages.error(request, str(error))
    else:
        if not outcome.is_replay:
            amount = money.to_major(amount_minor, payment.currency)
            log_action(request.user, payment, f"refund of {amount}", reason)
        messages.success(request, str(STATUS_MESSAGES[Refund.Status(outcome.result.status)]))
    return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment.pk]))


def _changes(payment: Payment, preview: refunds.RefundPreview) -> list[tuple[str, str, str]]:
    """Return what the refund changes: (label, before, after)."""
    available, currency = credits.available(payment.user), payment.currency
    refunded = payment.refunded_minor
    return [
        (
            _("Credits of %(user)s") % {"user": payment.user},
            intcomma(available),
            intcomma(available - preview.from_balance),
        ),
        (
            _("Refunded from this payment"),
            money.with_code(refunded, currency),
            money.with_code(refunded + preview.amount_minor, currency),
        ),
    ]
