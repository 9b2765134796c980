"""Staff pages of videos: the list, one video, and what staff may do to it."""

from collections.abc import Iterable
from typing import Any, ClassVar, cast
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, Q
from django.db.models.lookups import Exact
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.ledger import credits
from config.lib import idempotency
from config.lib.admin.long_lists import KnownValuesFilter, LongList
from config.lib.admin.model_admin import (
    DashboardFilter,
    FoldedSearch,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ReasonForm,
    confirm_action,
    log_action,
)
from config.lib.admin.object_actions import ObjectAction, ObjectActions
from config.lib.web.responses import file_or_404
from videos.catalog.reading import catalog
from videos.jobs import admin_actions, rescue
from videos.library import prompt_index, staff_search
from videos.media import delivery, http_ranges
from videos.media.engine_files import EngineFileError
from videos.models import EngineCircuit, Video, VideoEvent
from videos.models.not_by_index import NotByIndex
from videos.models.search_text import containing
from videos.reports import dashboard

BADGES = {"succeeded": "good", "failed": "bad", "timeout": "bad", "cancelled": "warn"}


class EventInline(ReadOnlyInline):
    model = VideoEvent
    fields = ("at", "status", "note")
    readonly_fields = fields


class VideoFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {
        "succeeded": gettext_lazy("Succeeded today"),
        "failed": gettext_lazy("Failed today"),
        "stuck": gettext_lazy("Stuck"),
        "unsigned": gettext_lazy("Without content credentials"),
    }
    selections = staticmethod(dashboard.video_filters)


class StatusFilter(admin.ChoicesFieldListFilter):
    """Filter by the status; the few videos that have not ended are found by their own index."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        found: Any = super().queryset(request, queryset)  # also refuses what is no status
        wanted = list(self.lookup_val or ())
        if len(wanted) != 1 or wanted[0] not in Video.Status:
            return found
        if wanted[0] in Video.ACTIVE:
            return found.filter(pk__in=Video.objects.active().values("pk"))
        status = NotByIndex("status", output_field=CharField())
        return queryset.filter(Exact(status, wanted[0]))


class EngineFilter(KnownValuesFilter):
    title = gettext_lazy("engine")
    parameter_name = "engine"

    @staticmethod
    def values() -> Iterable[tuple[str, str]]:
        circuits = EngineCircuit.objects.values_list("name", flat=True)
        return [(name, name) for name in {*settings.ENGINES, *circuits}]


class ModelFilter(KnownValuesFilter):
    title = gettext_lazy("model")
    parameter_name = "model"

    @staticmethod
    def values() -> Iterable[tuple[str, str]]:
        return [(model, model) for model in catalog().models]


@admin.register(Video)
class VideoAdmin(LongList, FoldedSearch, ObjectActions, ReadOnlyAdmin):
    """Videos; each action asks for a reason and is recorded in the audit log."""

    list_display = ("poster", "short_prompt", "user", "state", "engine", "credits", "created_at")
    list_display_links = ("poster", "short_prompt")
    list_filter = (
        VideoFilter, ("status", StatusFilter), EngineFilter, ModelFilter, "operation", "created_at",
    )  # fmt: skip
    search_fields = ("=id", "search_text", "user__username", "user__email", "engine_job_id")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    inlines = (EventInline,)
    change_form_template = "admin/videos/video.html"
    fieldsets = (
        (None, {"fields": ("player", "prompt", "user", "state", "percent", "credits")}),
        (
            gettext_lazy("Order"),
            {
                "fields": (
                    "operation", "model", "requested_model", "size", "seconds", "seed",
                    "negative_prompt", "audio", "first_image", "last_image", "reference_images",
                    "source", "retry_of",
                )
            },
        ),
        (
            gettext_lazy("Engine"),
            {
                "fields": (
                    "engine", "engine_job_id", "cost", "failure_code", "failure_detail",
                    "submit_count", "poll_count", "next_step_at", "paused_at", "file_at_engine",
                )
            },
        ),
        (
            gettext_lazy("Times"),
            {"fields": ("created_at", "submitted_at", "started_at", "completed_at", "deleted_at")},
        ),
    )  # fmt: skip
    readonly_fields = ("player", "state", "percent", "cost", "file_at_engine", "reference_images")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Find words of prompts, names and addresses of users, and whole ids, also at engines."""
        found = prompt_index.candidates(search_term)
        if found is None:  # frequent or short words, which the newest videos have
            return super().get_search_results(request, queryset, search_term)
        others = staff_search.videos_named(search_term)
        by_prompt = Q(pk__in=found) & containing(search_term)
        return queryset.filter(by_prompt | Q(pk__in=others)), False

    @admin.display(description=gettext_lazy("poster"))
    def poster(self, video: Video) -> SafeString | str:
        if not video.thumbnail or video.deleted_at:
            return "–"
        url = reverse("admin:videos_video_poster", args=[video.pk])
        return format_html(
            '<img src="{}" alt="{}" width="112" height="63" loading="lazy">', url, _("poster")
        )

    @admin.display(description=gettext_lazy("preview"))
    def player(self, video: Video) -> SafeString | str:
        if not video.has_file or video.deleted_at:
            return "–"
        poster = reverse("admin:videos_video_poster", args=[video.pk])
        file = reverse("admin:videos_video_file", args=[video.pk])
        return format_html(
            '<video src="{}" poster="{}" controls preload="none" width="{}" height="{}"></video>',
            file, poster, video.width, video.height,
        )  # fmt: skip

    @admin.display(description=gettext_lazy("reference images"))
    def reference_images(self, video: Video) -> str:
        return ", ".join(image.name for image in video.reference_images) or "–"

    @admin.display(description=gettext_lazy("progress"))
    def percent(self, video: Video) -> str:
        return f"{video.progress:.0f}%"

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, video: Video) -> str:
        if video.cost_amount is None:
            return _("unknown")
        amount = f"{video.cost_amount.normalize():f} {video.cost_currency}"
        return f"{amount} ({video.get_cost_source_display()})"

    @admin.display(description=gettext_lazy("file at the engine"))
    def file_at_engine(self, video: Video) -> str:
        return rescue.describe(video) or "–"

    @admin.display(description=gettext_lazy("prompt"))
    def short_prompt(self, video: Video) -> str:
        return Truncator(video.prompt).chars(70) or str(video.pk)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, video: Video) -> SafeString:
        if video.deleted_at:
            return format_html('<span class="badge">{}</span>', _("Deleted"))
        kind = BADGES.get(video.status, "running")
        return format_html(
            '<span class="badge badge--{}">{}</span>', kind, video.get_status_display()
        )

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        return [
            path(
                "<uuid:video_id>/poster/",
                site.admin_view(self.poster_view),
                name="videos_video_poster",
            ),
            path(
                "<uuid:video_id>/file/", site.admin_view(self.file_view), name="videos_video_file"
            ),
            path(
                "<uuid:video_id>/actions/<slug:name>/",
                site.admin_view(self.action_view),
                name="videos_video_action",
            ),
            *super().get_urls(),
        ]

    def object_actions(self, request: HttpRequest, row: Video) -> list[ObjectAction]:
        if not request.user.has_perm("videos.change_video"):
            return []
        return [
            ObjectAction(
                action.title, reverse("admin:videos_video_action", args=[row.pk, action.name])
            )
            for action in admin_actions.available(row)
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> HttpResponse:
        video = cast("Video", kwargs.get("obj"))
        about = {"reference_type": credits.VIDEO_REFERENCE, "reference_id": str(video.pk)}
        entries = credits.history(video.user).filter(**about).order_by("sequence")
        shown = {**context, "entries": entries}
        return super().render_change_form(request, shown, *args, **kwargs)

    def poster_view(self, request: HttpRequest, video_id: UUID) -> HttpResponseBase:
        """Send the poster of any video to staff who may see videos."""
        video = self._get_visible(request, video_id)
        return _deliver(request, video.thumbnail.name, "image/webp", f"{video.file_sha256}-poster")

    def file_view(self, request: HttpRequest, video_id: UUID) -> HttpResponseBase:
        """Send the file of any video to staff who may see videos."""
        video = self._get_visible(request, video_id)
        try:
            with file_or_404():
                return delivery.video_response(
                    request, video, filename="video.mp4", etag=video.file_sha256
                )
        except EngineFileError as error:
            return delivery.error_page(error)

    def _get_visible(self, request: HttpRequest, video_id: UUID) -> Video:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Video, pk=video_id)

    def action_view(self, request: HttpRequest, video_id: UUID, name: str) -> HttpResponse:
        """Show what an action changes and ask for a reason; then carry it out."""
        if not request.user.has_perm("videos.change_video"):
            raise PermissionDenied
        video = get_object_or_404(Video.objects.select_related("user"), pk=video_id)
        action = admin_actions.ADMIN_ACTIONS.get(name)
        if action is None:
            raise Http404
        back = reverse("admin:videos_video_change", args=[video.pk])
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                token = form.cleaned_data["token"]
                key = idempotency.key_of_form(request.user, f"retry {video.pk}", token)
                words, is_new = admin_actions.perform(video, name, reason, key)
            except admin_actions.NotPossible as error:
                messages.error(request, str(error))
            else:
                if is_new:
                    log_action(request.user, video, action.title, reason)
                messages.success(request, words)
            return HttpResponseRedirect(back)
        if action not in admin_actions.available(video):
            messages.error(
                request,
                _("The video has changed. Nothing was done. Reload the page and try again."),
            )
            return HttpResponseRedirect(back)
        return confirm_action(
            self,
            request,
            form,
            title=str(action.title),
            says=admin_actions.describe(video, name),
            changes=admin_actions.preview(video, name),
            back=back,
            about=video,
        )


def _deliver(
    request: HttpRequest, name: str | None, content_type: str, etag: str
) -> HttpResponseBase:
    """Send a stored file. Raises Http404."""
    if not name:
        raise Http404
    file = http_ranges.StoredFile(name, content_type, content_type.replace("/", "."), etag)
    with file_or_404():
        return http_ranges.file_response(request, file, attachment=False)
