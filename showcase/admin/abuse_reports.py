"""Staff pages of abuse reports."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.lib.admin.model_admin import ReasonForm, confirm_action, log_action
from config.lib.admin.object_actions import ObjectAction, ObjectActions
from showcase import abuse_reports
from showcase.admin.visitor_messages import VisitorMessageAdmin
from showcase.models import AbuseReport
from videos.models import Video


@admin.register(AbuseReport)
class AbuseReportAdmin(ObjectActions, VisitorMessageAdmin):
    """Abuse reports; while one is open, staff hide the video or close the report."""

    list_display = ("created_at", "subject", "reason", "email", "user", "state", "decision")
    list_display_links = ("created_at", "subject")
    list_filter: ClassVar[tuple[str, ...]] = ("state", "decision", "reason", "created_at")
    search_fields: ClassVar[tuple[str, ...]] = (*VisitorMessageAdmin.search_fields, "subject")
    readonly_fields = (
        "created_at", "reason", "subject", "reported", "text", "email", "user", "decision",
    )  # fmt: skip
    fields = (*readonly_fields, "state", "staff_note")

    @admin.display(description=_("video"))
    def reported(self, report: AbuseReport) -> SafeString | str:
        video = abuse_reports.reported_video(report)
        if video is None:
            return gettext("No video has this URL or id.")
        visibility = _visibility(video)
        url = reverse("admin:videos_video_change", args=[video.pk])
        name = Truncator(video.prompt).chars(60)
        return format_html('<a href="{}">{}</a> · {} · {}', url, name, video.user, visibility)

    def object_actions(self, request: HttpRequest, row: AbuseReport) -> list[ObjectAction]:
        is_open = row.state == AbuseReport.State.OPEN
        if not is_open or not request.user.has_perm("showcase.change_abusereport"):
            return []
        return [
            ObjectAction(
                decision.title, reverse("admin:showcase_abusereport_decide", args=[row.pk, way])
            )
            for way, decision in DECISIONS.items()
            if way != "hide" or abuse_reports.reported_video(row)
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        name = "showcase_abusereport_decide"
        return [path("<int:report_id>/decide/<slug:way>/", view, name=name), *super().get_urls()]

    def decide_view(self, request: HttpRequest, report_id: int, way: str) -> HttpResponse:
        """Ask for a reason, then hide the video or leave it as it is, and close the report."""
        if not request.user.has_perm("showcase.change_abusereport"):
            raise PermissionDenied
        report = get_object_or_404(AbuseReport, pk=report_id)
        video = abuse_reports.reported_video(report)
        if way not in DECISIONS or (way == "hide" and video is None):
            raise Http404
        back = reverse("admin:showcase_abusereport_change", args=[report.pk])
        form = ReasonForm(request.POST or None)
        decision = DECISIONS[way]
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            if decision.carry_out(report, reason):
                log_action(request.user, report, decision.title, reason)
                self.message_user(request, gettext("The report was closed."))
            else:
                self.message_user(
                    request,
                    gettext("Someone else already decided this report. Reload the page."),
                    messages.ERROR,
                )
            return HttpResponseRedirect(back)
        return confirm_action(
            self,
            request,
            form,
            title=str(decision.title),
            says=[report.subject, str(decision.effect)],
            changes=_changes(report, video, hides=way == "hide"),
            back=back,
            about=report,
        )


class Decision(NamedTuple):
    """What staff can decide about a report: the function, its title, and what it does."""

    carry_out: Callable[[AbuseReport, str], bool]
    title: Promise
    effect: Promise


DECISIONS = {
    "hide": Decision(
        abuse_reports.hide,
        _("Hide the video"),
        _(
            "The clip is withdrawn from the showcase, and all links that show it stop working. "
            "The owner keeps the video."
        ),
    ),
    "keep": Decision(abuse_reports.keep, _("Close without hiding"), _("The video stays as it is.")),
}


def _changes(
    report: AbuseReport, video: Video | None, *, hides: bool
) -> list[tuple[str, str, str]]:
    closed = str(AbuseReport.State.CLOSED.label)
    changes = [(gettext("Report"), report.get_state_display(), closed)]
    if video:
        seen = _visibility(video)
        changes.append((gettext("Video"), seen, gettext("not public") if hides else seen))
    return changes


def _visibility(video: Video) -> str:
    return gettext("public") if abuse_reports.is_public(video) else gettext("not public")
