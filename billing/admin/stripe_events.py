"""Staff page of the events that Stripe sent."""

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import StripeEvent
from billing.payments import stripe_events
from billing.reports import dashboard
from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin, log_action


class StripeEventFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"failed": gettext_lazy("Failed")}
    selections = staticmethod(dashboard.event_filters)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "type", "state", "payment_intent", "note")
    fields = (*list_display, "created_at", "live", "object")
    list_filter = (StripeEventFilter, "state", "type")
    ordering = ("-received_at",)
    actions = ("process_again",)

    def has_process_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.change_payment"))

    @admin.action(description=gettext_lazy("Process these events again"), permissions=["process"])
    def process_again(self, request: HttpRequest, rows: QuerySet[StripeEvent]) -> None:
        for event in rows:
            stripe_events.process(event)
            log_action(request.user, event, "processed again by staff", event.state)
            text = _("%(event)s is now “%(state)s”.")
            values = {"event": event.type, "state": event.get_state_display()}
            messages.info(request, text % values)
