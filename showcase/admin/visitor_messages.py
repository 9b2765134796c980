"""What the staff pages of abuse reports and feedback share."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.lib.admin.model_admin import LINE_BREAKS
from showcase import visitor_messages
from showcase.models import VisitorMessage


class VisitorMessageAdmin(admin.ModelAdmin):
    """Messages of visitors: staff read them, note what they did, and close them."""

    list_filter: ClassVar[tuple[str, ...]] = ("state", "created_at")
    search_fields: ClassVar[tuple[str, ...]] = ("text", "email", "user__username", "staff_note")
    list_select_related = ("user",)
    actions = ("close",)
    formfield_overrides = LINE_BREAKS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description=_("Close selected messages"), permissions=["change"])
    def close(self, request: HttpRequest, chosen: "QuerySet[VisitorMessage]") -> None:
        """Close the selected messages without a decision."""
        for message in visitor_messages.close(chosen):
            self.log_change(request, message, "Closed.")
