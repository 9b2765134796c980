"""Staff: payments, their refunds, and what Stripe told of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar, cast
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from billing import money as billing_money
from billing.ledger import credits
from billing.models import Payment, Refund, StripeEvent
from billing.payments import refunds, reviews, stripe_events
from billing.reports import dashboard
from config.lib.admin import DashboardFilter, ReadOnlyAdmin, ReadOnlyInline, log_action
from config.lib.idempotency import key_of_form


class RefundForm(forms.Form):
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), min_value=Decimal("0.01"), max_digits=12, decimal_places=2
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


class DecisionForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


# What staff do about a payment under review: the room's function, and its words on the page.
DECISIONS: dict[str, tuple[Callable[[Payment, str], Payment], Promise]] = {
    "accept": (reviews.accept, gettext_lazy("Accept as paid")),
    "dismiss": (reviews.dismiss, gettext_lazy("Dismiss")),
}


REFUND_WORDS: dict[Refund.Status, Promise] = {
    Refund.Status.REQUESTED: gettext_lazy("The refund was requested. Stripe has not answered yet."),
    Refund.Status.PENDING: gettext_lazy("The refund was submitted to Stripe."),
    Refund.Status.SUCCEEDED: gettext_lazy("The payment was refunded."),
    Refund.Status.FAILED: gettext_lazy("Stripe refused the refund. The credits were restored."),
    Refund.Status.CANCELED: gettext_lazy("The refund was cancelled. The credits were restored."),
}


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ("created_at", "money", "credits", "status", "source", "reason", "actor", "stripe_id")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("amount"))
    def money(self, refund: Refund) -> str:
        return billing_money.with_code(refund.amount_minor, refund.payment.currency)


class PaymentFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {
        "paid": gettext_lazy("Paid today"),
        "to_decide": gettext_lazy("To review"),
    }
    selections = staticmethod(dashboard.payment_selections)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "name", "money", "status", "review_reason", "refund_link")
    list_filter = (PaymentFilter, "status", "package")
    search_fields = ("user__username", "user__email", "session_id", "payment_intent")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = readonly_fields = (
        "user", "name", "credits", "money", "status", "failure_code", "review_reason", "decisions",
        "refunded", "disputed", "created_at", "paid_at", "session_id", "payment_intent",
        "refund_link",
    )  # fmt: skip
    inlines = (RefundInline,)
    actions = ("accept", "dismiss")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.change_payment"))

    @admin.action(description=gettext_lazy("Accept as paid (under review)"), permissions=["decide"])
    def accept(self, request: HttpRequest, rows: QuerySet[Payment]) -> HttpResponse | None:
        return self._decide(request, rows, "accept")

    @admin.action(description=gettext_lazy("Dismiss the review"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[Payment]) -> HttpResponse | None:
        return self._decide(request, rows, "dismiss")

    def _decide(
        self, request: HttpRequest, rows: QuerySet[Payment], name: str
    ) -> HttpResponse | None:
        """A page with what does not match and a reason to give; then the decision."""
        waiting = list(rows.exclude(review_reason="").select_related("user"))
        if not waiting:
            messages.error(request, _("None of these payments is under review."))
            return None
        form = DecisionForm(request.POST if "confirm" in request.POST else None)
        if form.is_valid():
            for payment in waiting:
                self._decided(request, payment, name, form.cleaned_data["reason"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": DECISIONS[name][1],
            "action": name,
            "form": form,
            "payments": waiting,
        }
        return TemplateResponse(request, "admin/billing/decide.html", context)

    def _decided(self, request: HttpRequest, payment: Payment, name: str, reason: str) -> None:
        # What the page showed, not what stands there by now.
        question = request.POST.get(f"question:{payment.pk}", "")
        room, words = DECISIONS[name]
        try:
            row = room(payment, question)
        except reviews.AlreadyDecided as error:
            messages.error(request, f"{payment}: {error}")
            return
        log_action(request.user, row, format_lazy("{} ({})", words, question), reason)
        text = _("%(decision)s: the payment is now “%(state)s”.")
        messages.success(request, text % {"decision": words, "state": row.get_status_display()})

    @admin.display(description=gettext_lazy("amount"), ordering="amount_minor")
    def money(self, payment: Payment) -> str:
        return billing_money.with_code(payment.amount_minor, payment.currency)

    @admin.display(description=gettext_lazy("refunded"))
    def refunded(self, payment: Payment) -> str:
        return billing_money.with_code(payment.refunded_minor, payment.currency)

    @admin.display(description=gettext_lazy("disputed"))
    def disputed(self, payment: Payment) -> str:
        return billing_money.with_code(payment.disputed_minor, payment.currency)

    @admin.display(description=gettext_lazy("decided earlier"))
    def decisions(self, payment: Payment) -> str:
        return "; ".join(map(str, payment.reviewed_reasons)) or "–"

    @admin.display(description=pgettext_lazy("verb", "refund"))
    def refund_link(self, payment: Payment) -> SafeString | str:
        if not refunds.refundable_minor(payment):
            return "–"
        url = reverse("admin:billing_payment_refund", args=[payment.pk])
        return format_html('<a href="{}">{}</a>', url, _("Refund this payment"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refund_view)
        return [
            path("<uuid:payment_id>/refund/", view, name="billing_payment_refund"),
            *super().get_urls(),
        ]

    def refund_view(self, request: HttpRequest, payment_id: UUID) -> HttpResponse:
        """Amount and reason, then a preview of the credits it takes, then the refund.

        The preview's form has a token of its own, so that a form sent twice refunds once.
        """
        if not request.user.has_perm("billing.change_payment"):
            raise PermissionDenied
        payment = get_object_or_404(Payment.objects.select_related("user"), pk=payment_id)
        left = billing_money.to_major(refunds.refundable_minor(payment), payment.currency)
        form = RefundForm(request.POST or None, initial={"amount": left})
        outlook = None
        if form.is_valid():
            minor = int(form.cleaned_data["amount"] * billing_money.MINOR_UNITS[payment.currency])
            token = request.POST.get("token", "")[:64]
            if "confirm" in request.POST and token:
                reason = form.cleaned_data["reason"]
                return self._refund(request, payment, minor, reason, token)
            try:
                outlook = refunds.preview(payment, minor)
            except refunds.NotRefundable:
                form.add_error(
                    "amount",
                    _("At most %(sum)s can be refunded.") % {"sum": f"{left} {payment.currency}"},
                )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Refund a payment"),
            "form": form,
            "payment": payment,
            "left": left,
            "outlook": outlook,
            "token": uuid4(),
            "changes": _changes(payment, outlook) if outlook else [],
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/billing/refund.html", context)

    def _refund(
        self, request: HttpRequest, payment: Payment, minor: int, reason: str, token: str
    ) -> HttpResponse:
        staff = cast("AbstractBaseUser", request.user)
        key = key_of_form(staff, f"refund {payment.pk}", token)
        order = refunds.RefundOrder(minor, Refund.Source.ADMIN, reason, staff)
        try:
            outcome = refunds.refund_once(payment, order, key)
        except refunds.NotRefundable as error:
            messages.error(request, str(error))
        else:
            if not outcome.is_replay:
                sum = billing_money.to_major(minor, payment.currency)
                log_action(request.user, payment, f"refund of {sum}", reason)
            status = Refund.Status(outcome.result.status)
            messages.success(request, str(REFUND_WORDS[status]))
        return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment.pk]))


class RefundFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"today": gettext_lazy("Refunded today")}
    selections = staticmethod(dashboard.refund_selections)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "money", "credits", "status", "source", "reason")
    list_filter = (RefundFilter, "status", "source")
    search_fields = ("payment__user__username", "stripe_id", "reason")
    list_select_related = ("payment__user",)
    fields = readonly_fields = (*list_display, "actor", "stripe_id", "paid_with")
    ordering = ("-created_at",)

    @admin.display(description=gettext_lazy("user"))
    def user(self, refund: Refund) -> str:
        return str(refund.payment.user)

    @admin.display(description=gettext_lazy("amount"), ordering="amount_minor")
    def money(self, refund: Refund) -> str:
        return billing_money.with_code(refund.amount_minor, refund.payment.currency)

    @admin.display(description=gettext_lazy("payment"))
    def paid_with(self, refund: Refund) -> SafeString:
        url = reverse("admin:billing_payment_change", args=[refund.payment_id])
        return format_html('<a href="{}">{}</a>', url, refund.payment.name)


class EventFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"trouble": gettext_lazy("Failed")}
    selections = staticmethod(dashboard.event_selections)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "type", "state", "payment_intent", "note")
    fields = (*list_display, "created_at", "live", "object")
    list_filter = (EventFilter, "state", "type")
    ordering = ("-received_at",)
    actions = ("handle_again",)

    @admin.action(description=gettext_lazy("Process these events again"), permissions=["view"])
    def handle_again(self, request: HttpRequest, rows: QuerySet[StripeEvent]) -> None:
        if not request.user.has_perm("billing.change_payment"):
            raise PermissionDenied
        for event in rows:
            stripe_events.process(event)
            log_action(request.user, event, "acted on again by hand", event.state)
            text = _("%(event)s is now “%(state)s”.")
            words = {"event": event.type, "state": event.get_state_display()}
            messages.info(request, text % words)


def _changes(payment: Payment, outlook: refunds.RefundPreview) -> list[tuple[str, str, str]]:
    """The credits and the money, before a refund and after it."""
    now, currency = credits.available(payment.user), payment.currency
    refunded = payment.refunded_minor
    return [
        (
            _("Credits of %(user)s") % {"user": payment.user},
            intcomma(now),
            intcomma(now - outlook.from_balance),
        ),
        (
            _("Refunded from this payment"),
            billing_money.with_code(refunded, currency),
            billing_money.with_code(refunded + outlook.amount_minor, currency),
        ),
    ]
