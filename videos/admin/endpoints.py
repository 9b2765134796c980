"""Staff pages of webhook endpoints."""

from django.contrib import admin

from config.lib.admin import worded_filters
from config.lib.admin.model_admin import ReadOnlyAdmin
from videos.models import WebhookEndpoint


@admin.register(WebhookEndpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Account-wide webhook endpoints, and which of them fail."""

    list_display = ("created_at", "user", "url", "enabled", "failing_since", "disabled_at")
    list_filter = (("enabled", worded_filters.ON_OFF), "disabled_at", "created_at")
    search_fields = ("url", "user__username", "description")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = (*list_display, "events", "format", "description", "failures")
