"""Staff pages of feedback."""

from django.contrib import admin

from showcase.admin.visitor_messages import VisitorMessageAdmin
from showcase.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(VisitorMessageAdmin):
    """Feedback of visitors."""

    list_display = ("created_at", "__str__", "email", "user", "state")
    readonly_fields = ("created_at", "text", "email", "user")
    fields = (*readonly_fields, "state", "staff_note")
