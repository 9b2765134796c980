"""The messages in the audit log."""

from django.contrib.admin.models import LogEntry


def log_messages() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
