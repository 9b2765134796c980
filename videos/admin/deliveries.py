"""Staff pages of webhook deliveries."""

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin, ReadOnlyInline, log_action
from videos.models import DeliveryAttempt, WebhookDelivery
from videos.reports import dashboard
from videos.webhooks import deliveries


class AttemptInline(ReadOnlyInline):
    model = DeliveryAttempt
    fields = ("at", "code", "error", "took_ms")


class DeliveryFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"given_up": gettext_lazy("Gave up today")}
    selections = staticmethod(dashboard.delivery_filters)


@admin.register(WebhookDelivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Webhook deliveries with their attempts; staff can send one again."""

    list_display = (
        "created_at",
        "user",
        "url",
        "state",
        "tries",
        "next_try_at",
        "delivered_at",
        "acknowledged_at",
    )
    list_filter = (DeliveryFilter, "state", "created_at")
    search_fields = ("url", "user__username", "=video__id")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = (*list_display, "video", "endpoint")
    inlines = (AttemptInline,)
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("videos.change_webhookdelivery"))

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """Send the chosen webhooks again, and record it in the audit log."""
        for row in rows:
            try:
                deliveries.redeliver(row)
            except deliveries.NotRedeliverable as error:
                messages.warning(request, f"{row.url}: {error}")
            else:
                log_action(request.user, row, "Sent again")
                messages.success(
                    request, _("The webhook to %(url)s is being sent again.") % {"url": row.url}
                )
