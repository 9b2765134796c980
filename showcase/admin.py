"""Staff: picking what the public sees, its words, its order."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from showcase.models import Clip, Feedback, Letter, Report


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


@admin.register(Clip)
class ClipAdmin(admin.ModelAdmin):
    """Offered videos only: what its owner did not offer cannot be picked."""

    form = ClipForm
    list_display = ("still", "title", "display_order", "is_active", "agreed", "view_count", "likes")
    list_display_links = ("title",)
    list_editable = ("display_order", "is_active")
    list_filter = ("is_active",)
    search_fields = ("title", "description", "video__prompt")
    list_select_related = ("video",)
    list_per_page = 100
    readonly_fields = ("preview", "prompt", "agreed", "view_count", "like_count", "created_at")
    fields = ("preview", "prompt", "agreed", *ClipForm.Meta.fields, "view_count", "like_count")
    actions = ("publish", "hide")

    class Media:
        js = ("js/order.js",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[ClipForm]:
        return ClipForm

    @admin.display(description=_("still"))
    def still(self, clip: Clip) -> SafeString:
        return format_html(
            '<img src="{}" alt="" width="112" height="63" loading="lazy">', _poster(clip)
        )

    @admin.display(description=_("preview"))
    def preview(self, clip: Clip) -> SafeString:
        content = reverse("clip-preview", args=[clip.pk])
        return format_html(
            '<video src="{}" controls preload="none" poster="{}" width="480"></video>',
            content,
            _poster(clip),
        )

    @admin.display(description=_("prompt"))
    def prompt(self, clip: Clip) -> str:
        return clip.video.prompt

    @admin.display(description=_("owner agrees"), boolean=True)
    def agreed(self, clip: Clip) -> bool:
        return clip.consented_at is not None

    @admin.display(description=_("likes"), ordering="like_count")
    def likes(self, clip: Clip) -> int:
        return clip.like_count

    @admin.action(description=_("Publish the chosen clips"))
    def publish(self, request: HttpRequest, chosen: "QuerySet[Clip]") -> None:
        agreed = chosen.exclude(consented_at=None)
        left = chosen.count() - agreed.count()
        for clip in agreed.filter(is_active=False):
            self.log_change(request, clip, "Published.")
        agreed.update(is_active=True)
        if left:
            text = _("%(n)d were left out: their owners have not agreed.") % {"n": left}
            self.message_user(request, text, messages.WARNING)

    @admin.action(description=_("Hide the chosen clips"))
    def hide(self, request: HttpRequest, chosen: "QuerySet[Clip]") -> None:
        for clip in chosen.filter(is_active=True):
            self.log_change(request, clip, "Hidden.")
        chosen.update(is_active=False)


def _poster(clip: Clip) -> str:
    return reverse("clip-preview", args=[clip.pk]) + "?variant=thumbnail"


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
        for letter in chosen.filter(state=Letter.State.OPEN):
            self.log_change(request, letter, "Closed.")
        chosen.update(state=Letter.State.CLOSED)


@admin.register(Report)
class ReportAdmin(LetterAdmin):
    list_display = ("created_at", "reason", "subject", "email", "user", "state")
    list_filter: ClassVar[tuple[str, ...]] = ("state", "reason", "created_at")
    search_fields: ClassVar[tuple[str, ...]] = (*LetterAdmin.search_fields, "subject")
    readonly_fields = ("created_at", "reason", "subject", "text", "email", "user")
    fields = (*readonly_fields, "state", "staff_note")


@admin.register(Feedback)
class FeedbackAdmin(LetterAdmin):
    list_display = ("created_at", "__str__", "email", "user", "state")
    readonly_fields = ("created_at", "text", "email", "user")
    fields = (*readonly_fields, "state", "staff_note")
