"""Staff pages of edits and exports."""

from django.contrib import admin

from config.lib.admin.model_admin import ReadOnlyAdmin
from videos.models import MediaJob


@admin.register(MediaJob)
class MediaJobAdmin(ReadOnlyAdmin):
    """Edits and exports: what each was to do, how it stands, and what its process said."""

    list_display = ("created_at", "kind", "user", "status", "progress", "failure_code", "credits")
    list_filter = ("status", "kind", "created_at")
    search_fields = ("id", "user__username", "user__email")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = (
        "kind", "user", "status", "progress", "recipe", "credits", "failure_code",
        "failure_detail", "attempts", "next_step_at", "result", "created_at", "started_at",
        "ended_at",
    )  # fmt: skip
