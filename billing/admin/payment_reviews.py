"""The page on which staff decide about payments under review."""

from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Payment
from billing.payments import reviews
from config.lib.admin.model_admin import log_action

# The decisions about a payment under review: the function that carries it out, and its label.
DECISIONS: dict[str, tuple[Callable[[Payment, str], Payment], Promise]] = {
    "accept": (reviews.accept, gettext_lazy("Accept as paid")),
    "dismiss": (reviews.dismiss, gettext_lazy("Dismiss")),
}


class DecisionForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


def review_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, rows: QuerySet[Payment], decision: str
) -> HttpResponse | None:
    """Show why the payments are under review and ask for a reason; then carry out the decision.

    Returns None when there is nothing (more) to ask; staff then see the list again.
    """
    payments = list(rows.exclude(review_reason="").select_related("user"))
    if not payments:
        messages.error(request, _("None of these payments is under review."))
        return None
    form = DecisionForm(request.POST if "confirm" in request.POST else None)
    if form.is_valid():
        for payment in payments:
            _decide(request, payment, decision, form.cleaned_data["reason"])
        return None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": DECISIONS[decision][1],
        "action": decision,
        "form": form,
        "payments": payments,
    }
    return TemplateResponse(request, "admin/billing/review_payments.html", context)


def _decide(request: HttpRequest, payment: Payment, decision: str, reason: str) -> None:
    # The reason of the review that the page showed; it may be another by now.
    question = request.POST.get(f"question:{payment.pk}", "")
    decide, label = DECISIONS[decision]
    try:
        row = decide(payment, question)
    except reviews.AlreadyDecided as error:
        messages.error(request, f"{payment}: {error}")
        return
    log_action(request.user, row, format_lazy("{} ({})", label, question), reason)
    text = _("%(decision)s: the payment is now “%(state)s”.")
    messages.success(request, text % {"decision": label, "state": row.get_status_display()})
