"""Staff: picking what the public sees, its words, its order."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.lib.admin import Glance, ReasonForm, ask, note
from showcase import abuse_reports, gallery
from showcase.models import Clip, Feedback, Letter, Report
from videos.models import Video


class ClipForm(forms.ModelForm):
    class Meta:
        model = Clip
        fields = ("title", "description", "display_order", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # in the list they have no label to be seen
            field.widget.attrs["aria-label"] = str(field.label)

    def clean_is_active(self) -> bool:
        wanted: bool = self.cleaned_data["is_active"]
        if wanted and self.instance.consented_at is None:
            raise forms.ValidationError(_("Its owner has not agreed, or no longer does."))
        return wanted


class ClipGlance(Glance):
    labels: ClassVar[dict[str, Promise]] = {"offered": _("Offered, not public")}
    selections = staticmethod(lambda: {"offered": gallery.waiting()})


@admin.register(Clip)
class ClipAdmin(admin.ModelAdmin):
    """Offered videos only: what its owner did not offer cannot be picked."""

    form = ClipForm
    list_display = (
        "still", "title", "owner", "display_order", "moves", "is_active", "agreed", "view_count",
        "like_count",
    )  # fmt: skip
    list_display_links = ("title",)
    list_editable = ("display_order", "is_active")
    list_filter = (ClipGlance, "is_active")
    search_fields = ("title", "description", "video__prompt")
    list_select_related = ("video__user",)
    list_per_page = 100
    readonly_fields = ("preview", "prompt", "owner", "agreed", "view_count", "like_count")
    fields = (
        "preview", "prompt", "owner", "agreed", *ClipForm.Meta.fields, "view_count", "like_count",
    )  # fmt: skip
    actions = ("publish", "hide")
    change_form_template = "admin/showcase/clip.html"

    class Media:
        js = (Script("js/order.js", defer=True),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Clip, form: Any, change: bool) -> None:
        """Only what was changed here: looks and likes are counted meanwhile, consent withdrawn."""
        obj.save(update_fields=form.changed_data)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[ClipForm]:
        return ClipForm

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.move_view))
        name = "showcase_clip_move"
        return [path("<int:clip_id>/move/<slug:way>/", view, name=name), *super().get_urls()]

    def move_view(self, request: HttpRequest, clip_id: int, way: str) -> HttpResponse:
        """One place up or down, for those who do not drag."""
        if not request.user.has_perm("showcase.change_clip"):
            raise PermissionDenied
        clip = get_object_or_404(Clip, pk=clip_id)
        gallery.move(clip, up=way == "up")
        self.log_change(request, clip, "Moved up." if way == "up" else "Moved down.")
        return HttpResponseRedirect(reverse("admin:showcase_clip_changelist"))

    @admin.display(description=_("move"))
    def moves(self, clip: Clip) -> SafeString:
        """Buttons of the list's own form, which has the token."""
        button = (
            '<button type="submit" class="move" formaction="{}" formnovalidate aria-label="{}">'
            '<span aria-hidden="true">{}</span></button>'
        )
        about = {"title": clip.title}
        ways = (
            ("up", gettext("Move “%(title)s” up"), "↑"),
            ("down", gettext("Move “%(title)s” down"), "↓"),
        )
        rows = (
            (
                reverse("admin:showcase_clip_move", args=[clip.pk, way]),
                words % about,
                sign,
            )
            for way, words, sign in ways
        )
        return format_html_join("", button, rows)

    @admin.display(description=_("owner"))
    def owner(self, clip: Clip) -> str:
        return str(clip.video.user)

    @admin.display(description=_("still"))
    def still(self, clip: Clip) -> SafeString | str:
        if clip.video.deleted_at:
            return "–"
        return format_html(
            '<img src="{}" alt="" width="112" height="63" loading="lazy" draggable="false">',
            _poster(clip),
        )

    @admin.display(description=_("preview"))
    def preview(self, clip: Clip) -> SafeString:
        content = reverse("clip-preview-video", args=[clip.pk])
        return format_html(
            '<video src="{}" poster="{}" controls preload="none" width="{}" height="{}"></video>',
            content, _poster(clip), clip.video.width, clip.video.height,
        )  # fmt: skip

    @admin.display(description=_("prompt"))
    def prompt(self, clip: Clip) -> str:
        return clip.video.prompt

    @admin.display(description=_("owner agrees"), boolean=True)
    def agreed(self, clip: Clip) -> bool:
        return clip.consented_at is not None

    @admin.action(description=_("Publish the chosen clips"), permissions=["change"])
    def publish(self, request: HttpRequest, chosen: "QuerySet[Clip]") -> None:
        left = chosen.filter(consented_at=None).count()
        shown = gallery.publish(chosen)
        for clip in shown:
            self.log_change(request, clip, "Published.")
        if n := len(shown):
            text = ngettext("%(n)d clip is public now.", "%(n)d clips are public now.", n)
            self.message_user(request, text % {"n": n})
        if left:
            text = ngettext(
                "%(n)d was left out: its owner has not agreed.",
                "%(n)d were left out: their owners have not agreed.",
                left,
            )
            self.message_user(request, text % {"n": left}, messages.WARNING)

    @admin.action(description=_("Hide the chosen clips"), permissions=["change"])
    def hide(self, request: HttpRequest, chosen: "QuerySet[Clip]") -> None:
        hidden = gallery.hide(chosen)
        for clip in hidden:
            self.log_change(request, clip, "Hidden.")
        if n := len(hidden):
            text = ngettext("%(n)d clip is hidden now.", "%(n)d clips are hidden now.", n)
            self.message_user(request, text % {"n": n})


def _poster(clip: Clip) -> str:
    return reverse("clip-preview-poster", args=[clip.pk])


# ---- what people wrote ----


class LetterAdmin(admin.ModelAdmin):
    """A queue of what people wrote: read, note what was done, close."""

    list_filter: ClassVar[tuple[str, ...]] = ("state", "created_at")
    search_fields: ClassVar[tuple[str, ...]] = ("text", "email", "user__username", "staff_note")
    list_select_related = ("user",)
    actions = ("close",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description=_("Close the chosen ones"), permissions=["change"])
    def close(self, request: HttpRequest, chosen: "QuerySet[Letter]") -> None:
        for letter in abuse_reports.close(chosen):
            self.log_change(request, letter, "Closed.")


@admin.register(Report)
class ReportAdmin(LetterAdmin):
    list_display = ("created_at", "subject", "reason", "email", "user", "state", "decision")
    list_display_links = ("created_at", "subject")
    list_filter: ClassVar[tuple[str, ...]] = ("state", "decision", "reason", "created_at")
    search_fields: ClassVar[tuple[str, ...]] = (*LetterAdmin.search_fields, "subject")
    readonly_fields = (
        "created_at", "reason", "subject", "reported", "text", "email", "user", "decision",
    )  # fmt: skip
    fields = (*readonly_fields, "state", "staff_note")
    change_form_template = "admin/showcase/report.html"

    @admin.display(description=_("the video"))
    def reported(self, report: Report) -> SafeString | str:
        video = abuse_reports.reported(report)
        if video is None:
            return gettext("It leads to no video of ours.")
        state = _standing(video)
        url = reverse("admin:videos_video_change", args=[video.pk])
        name = Truncator(video.prompt).chars(60)
        return format_html('<a href="{}">{}</a> · {} · {}', url, name, video.user, state)

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        leads = abuse_reports.reported(kwargs["obj"]) is not None
        return super().render_change_form(request, {**context, "leads": leads}, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        name = "showcase_report_decide"
        return [path("<int:report_id>/decide/<slug:way>/", view, name=name), *super().get_urls()]

    def decide_view(self, request: HttpRequest, report_id: int, way: str) -> HttpResponse:
        """Hide what was reported, or leave it: asked once more, with a reason."""
        if not request.user.has_perm("showcase.change_report"):
            raise PermissionDenied
        report = get_object_or_404(Report, pk=report_id)
        video = abuse_reports.reported(report)
        if way not in DECISIONS or (way == "hide" and video is None):
            raise Http404
        back = reverse("admin:showcase_report_change", args=[report.pk])
        form = ReasonForm(request.POST or None)
        room, title, says = DECISIONS[way]
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            if room(report, reason):
                note(request.user, report, title, reason)
                self.message_user(request, gettext("The report is closed."))
            else:
                self.message_user(request, gettext("Somebody was first."), messages.ERROR)
            return HttpResponseRedirect(back)
        return ask(
            self,
            request,
            form,
            title=str(title),
            says=[report.subject, str(says)],
            changes=_changes(report, video, hides=way == "hide"),
            back=back,
            about=report,
        )


# What staff decide about a report: the room's function, its name, and what it does.
DECISIONS: dict[str, tuple[Callable[[Report, str], bool], Promise, Promise]] = {
    "hide": (
        abuse_reports.hide,
        _("Hide the video"),
        _("The showcase shows it no more and its link ends. Its owner keeps it."),
    ),
    "keep": (abuse_reports.keep, _("Leave it, and close"), _("Nothing happens to the video.")),
}


def _changes(report: Report, video: Video | None, *, hides: bool) -> list[tuple[str, str, str]]:
    closed = str(Report.State.CLOSED.label)
    changes = [(gettext("Report"), report.get_state_display(), closed)]
    if video:
        seen = _standing(video)
        changes.append((gettext("Video"), seen, gettext("not public") if hides else seen))
    return changes


def _standing(video: Video) -> str:
    return (
        gettext("anybody can see it") if abuse_reports.is_public(video) else gettext("not public")
    )


@admin.register(Feedback)
class FeedbackAdmin(LetterAdmin):
    list_display = ("created_at", "__str__", "email", "user", "state")
    readonly_fields = ("created_at", "text", "email", "user")
    fields = (*readonly_fields, "state", "staff_note")
