"""Staff: the log of e-mails."""

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib.admin.model_admin import DashboardFilter, ReadOnlyAdmin, log_action
from config.lib.mail import queue
from config.lib.models import OutgoingEmail


class EmailFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"unsent": gettext_lazy("Failed today")}
    selections = staticmethod(queue.unsent_filters)


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    """E-mails without their texts, which may hold links that open accounts."""

    list_display = ("created_at", "recipient", "kind", "subject", "state", "attempts")
    list_filter = (EmailFilter, "state", "kind", "created_at")
    search_fields = ("recipient", "user__username")
    ordering = ("-created_at",)
    fields = (*list_display, "error", "next_try_at", "ended_at", "sender", "user")
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("lib.change_outgoingemail"))

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, rows: QuerySet[OutgoingEmail]) -> None:
        """Try the chosen e-mails that were not sent again, and record it in the audit log."""
        for row in rows:
            try:
                queue.send_again(row)
            except queue.NotSendable as error:
                messages.warning(request, f"{row.recipient}: {error}")
            else:
                log_action(request.user, row, "Sent again")
                messages.success(
                    request,
                    _("The e-mail to %(address)s is being sent again.")
                    % {"address": row.recipient},
                )
