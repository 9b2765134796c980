"""Staff: the log of e-mails."""

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib import email_kinds
from config.lib.admin.model_admin import (
    DashboardFilter,
    ReadOnlyAdmin,
    ReasonForm,
    confirm_action,
    log_action,
)
from config.lib.admin.object_actions import ObjectAction, ObjectActions
from config.lib.mail import queue
from config.lib.models import OutgoingEmail


class EmailFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"unsent": gettext_lazy("Failed today")}
    selections = staticmethod(queue.unsent_filters)


class KindFilter(admin.AllValuesFieldListFilter):
    """Filter by the kinds that there are, in words."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        kinds = {str(kind) for kind in self.lookup_choices}
        for choice in super().choices(changelist):
            shown = str(choice["display"])
            yield {**choice, "display": email_kinds.label_of(shown) if shown in kinds else shown}


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ObjectActions, ReadOnlyAdmin):
    """E-mails without their texts, which may hold links that open accounts."""

    list_display = ("created_at", "recipient", "kind_in_words", "subject", "state", "attempts")
    list_filter = (EmailFilter, "state", ("kind", KindFilter), "created_at")
    search_fields = ("recipient", "user__username")
    ordering = ("-created_at",)
    fields = (*list_display, "error", "next_try_at", "ended_at", "sender", "user")
    readonly_fields = ("kind_in_words",)
    actions = ("send_again",)

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_in_words(self, row: OutgoingEmail) -> str:
        return email_kinds.label_of(row.kind)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.send_again_view)
        name = "lib_outgoingemail_send_again"
        return [path("<uuid:email_id>/send-again/", view, name=name), *super().get_urls()]

    def object_actions(self, request: HttpRequest, row: OutgoingEmail) -> list[ObjectAction]:
        if row.state == queue.State.SENT or not self.has_send_permission(request):
            return []
        url = reverse("admin:lib_outgoingemail_send_again", args=[row.pk])
        return [ObjectAction(gettext_lazy("Send again"), url)]

    def send_again_view(self, request: HttpRequest, email_id: UUID) -> HttpResponse:
        """Ask for a reason, then try an e-mail that was not sent again."""
        if not self.has_send_permission(request):
            raise PermissionDenied
        row = get_object_or_404(OutgoingEmail, pk=email_id)
        back = reverse("admin:lib_outgoingemail_change", args=[row.pk])
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            self._try_again(request, row, form.cleaned_data["reason"])
            return HttpResponseRedirect(back)
        return confirm_action(
            self, request, form, title=_("Send again"), says=[row.subject], back=back, about=row
        )

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("lib.change_outgoingemail"))

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, rows: QuerySet[OutgoingEmail]) -> None:
        """Try the chosen e-mails that were not sent again, and record it in the audit log."""
        for row in rows:
            self._try_again(request, row)

    def _try_again(self, request: HttpRequest, row: OutgoingEmail, reason: str = "") -> None:
        try:
            queue.send_again(row)
        except queue.NotSendable as error:
            messages.warning(request, f"{row.recipient}: {error}")
        else:
            log_action(request.user, row, "Sent again", reason)
            text = _("The e-mail to %(address)s is being sent again.")
            messages.success(request, text % {"address": row.recipient})
