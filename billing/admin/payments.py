"""Staff page of payments."""

from typing import ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from billing import money as billing_money
from billing.admin.payment_refunds import refund_page
from billing.admin.payment_reviews import review_page
from billing.models import Payment, Refund
from billing.payments import refunds
from billing.reports import dashboard
from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin, ReadOnlyInline


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
        "to_review": gettext_lazy("To review"),
    }
    selections = staticmethod(dashboard.payment_filters)


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
        return review_page(self, request, rows, "accept")

    @admin.action(description=gettext_lazy("Dismiss the review"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[Payment]) -> HttpResponse | None:
        return review_page(self, request, rows, "dismiss")

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
        name = "billing_payment_refund"
        return [path("<uuid:payment_id>/refund/", view, name=name), *super().get_urls()]

    def refund_view(self, request: HttpRequest, payment_id: UUID) -> HttpResponse:
        """Show the refund page to staff who may change payments."""
        if not request.user.has_perm("billing.change_payment"):
            raise PermissionDenied
        payment = get_object_or_404(Payment.objects.select_related("user"), pk=payment_id)
        return refund_page(self, request, payment)
