"""Staff pages of clips: publish, hide, order and edit them."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config.lib.admin import worded_filters
from config.lib.admin.model_admin import LINE_BREAKS, DashboardFilter, FoldedSearch
from config.lib.admin.object_actions import ObjectAction, ObjectActions
from showcase import gallery
from showcase.models import Clip

TITLE_MAX = 120
OTHER_LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


class TitlesField(forms.CharField):
    """Titles in other languages, one a line: the code of the language, a colon, the title."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{code}: {title}" for code, title in value.items())

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool((initial or None) != self.clean(data))
        except forms.ValidationError:
            return True

    def clean(self, value: Any) -> dict[str, str] | None:
        """Return the titles by language. Raises ValidationError."""
        titles = {}
        for line in filter(str.strip, str(value or "").splitlines()):
            # Chinese and Japanese keyboards write a wide colon.
            parts = line.replace("：", ":", 1).partition(":")
            code, _colon, title = map(str.strip, parts)
            if code not in OTHER_LANGUAGES or not title or len(title) > TITLE_MAX:
                raise forms.ValidationError(
                    gettext("Write each line as a language (%(codes)s), a colon and the title.")
                    % {"codes": ", ".join(OTHER_LANGUAGES)}
                )
            titles[code] = title
        return titles or None


class ClipForm(forms.ModelForm):
    class Meta:
        model = Clip
        fields = ("title", "description", "style", "display_order", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # the editable list shows no labels
            field.widget.attrs["aria-label"] = str(field.label)

    def clean_is_active(self) -> bool:
        wanted: bool = self.cleaned_data["is_active"]
        if wanted and self.instance.consented_at is None:
            raise forms.ValidationError(
                _("This clip cannot be published because its owner does not agree.")
            )
        return wanted


class ClipPageForm(ClipForm):
    """The page of one clip, with its titles in other languages."""

    titles = TitlesField(
        label=_("Titles in other languages"),
        required=False,
        help_text=_("One a line, such as “ja: 夜明けの海”. Others see the title above."),
    )


class ClipFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"offered": _("Offered, not public")}
    selections = staticmethod(lambda: {"offered": gallery.is_offered()})


@admin.register(Clip)
class ClipAdmin(FoldedSearch, ObjectActions):
    """Clips; only videos that their owners offered can be published."""

    form = ClipPageForm
    formfield_overrides = LINE_BREAKS
    list_display = (
        "poster", "title", "owner", "display_order", "moves", "is_active", "agreed", "view_count",
        "like_count",
    )  # fmt: skip
    list_display_links = ("title",)
    list_editable = ("display_order", "is_active")
    list_filter = (
        ClipFilter,
        ("is_active", worded_filters.boolean(_("published"), _("not published"))),
    )
    search_fields = ("title", "description", "video__search_text")
    list_select_related = ("video__user",)
    list_per_page = 100
    readonly_fields = ("preview", "prompt", "owner", "agreed", "view_count", "like_count")
    fields = (
        "preview", "prompt", "owner", "agreed", "title", "titles", "description", "style",
        "display_order", "is_active", "view_count", "like_count",
    )  # fmt: skip
    actions = ("publish", "hide")

    class Media:
        js = (Script("js/order.js", defer=True),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def object_actions(self, request: HttpRequest, row: Clip) -> list[ObjectAction]:
        return [ObjectAction(_("Preview the page"), reverse("clip-preview", args=[row.pk]))]

    def save_model(self, request: HttpRequest, obj: Clip, form: Any, change: bool) -> None:
        """Save changed fields only: views, likes and consent may have changed in the meantime."""
        obj.save(update_fields=form.changed_data)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[ClipForm]:
        return ClipForm

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.move_view))
        name = "showcase_clip_move"
        return [path("<int:clip_id>/move/<slug:way>/", view, name=name), *super().get_urls()]

    def move_view(self, request: HttpRequest, clip_id: int, way: str) -> HttpResponse:
        """Move a clip one place up or down, as an alternative to dragging."""
        if not request.user.has_perm("showcase.change_clip"):
            raise PermissionDenied
        clip = get_object_or_404(Clip, pk=clip_id)
        gallery.move(clip, up=way == "up")
        self.log_change(request, clip, "Moved up." if way == "up" else "Moved down.")
        return HttpResponseRedirect(reverse("admin:showcase_clip_changelist"))

    @admin.display(description=_("move"))
    def moves(self, clip: Clip) -> SafeString:
        """Return two buttons; they belong to the list's form, which carries the CSRF token."""
        button = (
            '<button type="submit" class="move-button" formaction="{}" formnovalidate'
            ' aria-label="{}">'
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

    @admin.display(description=_("poster"))
    def poster(self, clip: Clip) -> SafeString | str:
        if clip.video.deleted_at:
            return "–"
        return format_html(
            '<img src="{}" alt="" width="112" height="63" loading="lazy" draggable="false">',
            _poster_url(clip),
        )

    @admin.display(description=_("preview"))
    def preview(self, clip: Clip) -> SafeString:
        content = reverse("clip-preview-video", args=[clip.pk])
        return format_html(
            '<video src="{}" poster="{}" controls preload="none" width="{}" height="{}"></video>',
            content, _poster_url(clip), clip.video.width, clip.video.height,
        )  # fmt: skip

    @admin.display(description=_("prompt"))
    def prompt(self, clip: Clip) -> str:
        return clip.video.prompt

    @admin.display(description=_("owner agrees"), boolean=True)
    def agreed(self, clip: Clip) -> bool:
        return clip.consented_at is not None

    @admin.action(description=_("Publish selected clips"), permissions=["change"])
    def publish(self, request: HttpRequest, chosen: "QuerySet[Clip]") -> None:
        """Publish the selected clips whose owners agree, and name how many were left out."""
        without_consent = chosen.filter(consented_at=None).count()
        published = gallery.publish(chosen)
        for clip in published:
            self.log_change(request, clip, "Published.")
        if n := len(published):
            text = ngettext("%(n)d clip was published.", "%(n)d clips were published.", n)
            self.message_user(request, text % {"n": n})
        if without_consent:
            text = ngettext(
                "%(n)d clip was not published because its owner has not agreed.",
                "%(n)d clips were not published because their owners have not agreed.",
                without_consent,
            )
            self.message_user(request, text % {"n": without_consent}, messages.WARNING)

    @admin.action(description=_("Hide selected clips"), permissions=["change"])
    def hide(self, request: HttpRequest, chosen: "QuerySet[Clip]") -> None:
        """Hide the selected clips; they stay offered."""
        hidden = gallery.hide(chosen)
        for clip in hidden:
            self.log_change(request, clip, "Hidden.")
        if n := len(hidden):
            text = ngettext("%(n)d clip was hidden.", "%(n)d clips were hidden.", n)
            self.message_user(request, text % {"n": n})


def _poster_url(clip: Clip) -> str:
    return reverse("clip-preview-poster", args=[clip.pk])
