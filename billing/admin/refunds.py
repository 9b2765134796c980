"""Staff page of payment refunds."""

from typing import ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from billing import money as billing_money
from billing.models import Refund
from billing.reports import dashboard
from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin


class RefundFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"today": gettext_lazy("Refunded today")}
    selections = staticmethod(dashboard.refund_filters)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "money", "credits", "status", "source", "reason")
    list_filter = (RefundFilter, "status", "source")
    search_fields = ("payment__user__username", "stripe_id", "reason")
    list_select_related = ("payment__user",)
    fields = readonly_fields = (*list_display, "actor", "stripe_id", "payment_link")
    ordering = ("-created_at",)

    @admin.display(description=gettext_lazy("user"))
    def user(self, refund: Refund) -> str:
        return str(refund.payment.user)

    @admin.display(description=gettext_lazy("amount"), ordering="amount_minor")
    def money(self, refund: Refund) -> str:
        return billing_money.with_code(refund.amount_minor, refund.payment.currency)

    @admin.display(description=gettext_lazy("payment"))
    def payment_link(self, refund: Refund) -> SafeString:
        url = reverse("admin:billing_payment_change", args=[refund.payment_id])
        return format_html('<a href="{}">{}</a>', url, refund.payment.name)
