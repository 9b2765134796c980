"""Staff: videos with what happened to them, what the check refused, webhooks, prices."""

from datetime import datetime
from typing import ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.ledger import credits
from config.lib import idempotency
from config.lib.admin import Glance, ReadOnly, ReadOnlyInline, ReasonForm, ask, note
from videos import catalog
from videos.jobs import admin_actions, circuit_breaker, moderation
from videos.media import files
from videos.models import (
    DeliveryAttempt,
    EngineCircuit,
    Price,
    RejectedPrompt,
    Video,
    VideoEvent,
    WebhookDelivery,
)
from videos.reports import dashboard
from videos.webhooks import deliveries

BADGES = {"succeeded": "good", "failed": "bad", "timeout": "bad", "cancelled": "warn"}


# ---- videos ----


class EventInline(ReadOnlyInline):
    model = VideoEvent
    fields = ("at", "status", "note")
    readonly_fields = fields


class VideoGlance(Glance):
    labels: ClassVar[dict[str, Promise]] = {
        "made": gettext_lazy("Made today"),
        "lost": gettext_lazy("Failed today"),
        "stuck": gettext_lazy("Stuck"),
    }
    selections = staticmethod(dashboard.video_filters)


@admin.register(Video)
class VideoAdmin(ReadOnly):
    """Every video, and the few things staff may do to one: each asked twice and written down."""

    list_display = ("still", "words", "user", "state", "engine", "credits", "created_at")
    list_display_links = ("still", "words")
    list_filter = (VideoGlance, "status", "engine", "model", "operation", "created_at")
    search_fields = ("=id", "prompt", "user__username", "user__email", "engine_job_id")
    list_select_related = ("user",)
    list_per_page = 50
    ordering = ("-created_at",)
    inlines = (EventInline,)
    change_form_template = "admin/videos/video.html"
    fieldsets = (
        (None, {"fields": ("player", "prompt", "user", "state", "percent", "credits")}),
        (
            gettext_lazy("The order"),
            {
                "fields": (
                    "operation", "model", "size", "seconds", "reference", "source", "retry_of",
                )
            },
        ),
        (
            gettext_lazy("The engine"),
            {
                "fields": (
                    "engine", "engine_job_id", "failure_code", "failure_detail", "submit_count",
                    "poll_count", "next_step_at",
                )
            },
        ),
        (
            gettext_lazy("Times"),
            {"fields": ("created_at", "submitted_at", "started_at", "completed_at", "deleted_at")},
        ),
    )  # fmt: skip
    readonly_fields = ("player", "state", "percent")

    @admin.display(description=gettext_lazy("still"))
    def still(self, video: Video) -> SafeString | str:
        if not video.thumbnail or video.deleted_at:
            return "–"
        url = reverse("admin:videos_video_still", args=[video.pk])
        return format_html(
            '<img src="{}" alt="{}" width="112" height="63" loading="lazy">', url, _("still")
        )

    @admin.display(description=gettext_lazy("preview"))
    def player(self, video: Video) -> SafeString | str:
        if not video.file or video.deleted_at:
            return "–"
        poster = reverse("admin:videos_video_still", args=[video.pk])
        film = reverse("admin:videos_video_film", args=[video.pk])
        return format_html(
            '<video src="{}" poster="{}" controls preload="none" width="{}" height="{}"></video>',
            film, poster, video.width, video.height,
        )  # fmt: skip

    @admin.display(description=gettext_lazy("progress"))
    def percent(self, video: Video) -> str:
        return f"{video.progress:.0f}%"

    @admin.display(description=gettext_lazy("prompt"))
    def words(self, video: Video) -> str:
        return Truncator(video.prompt).chars(70) or str(video.pk)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, video: Video) -> SafeString:
        kind = BADGES.get(video.status, "run")
        return format_html(
            '<span class="badge badge--{}">{}</span>', kind, video.get_status_display()
        )

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        return [
            path(
                "<uuid:video_id>/still/",
                site.admin_view(self.still_view),
                name="videos_video_still",
            ),
            path(
                "<uuid:video_id>/film/", site.admin_view(self.film_view), name="videos_video_film"
            ),
            path(
                "<uuid:video_id>/do/<slug:name>/",
                site.admin_view(self.do_view),
                name="videos_video_do",
            ),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> HttpResponse:
        video = cast("Video", kwargs.get("obj"))
        ways = admin_actions.possible(video) if request.user.has_perm("videos.change_video") else []
        of_it = {"reference_type": credits.VIDEO_REFERENCE, "reference_id": str(video.pk)}
        lines = credits.history(video.user).filter(**of_it).order_by("sequence")
        shown = {**context, "interventions": ways, "lines": lines}
        return super().render_change_form(request, shown, *args, **kwargs)  # type: ignore[arg-type]

    def still_view(self, request: HttpRequest, video_id: UUID) -> HttpResponseBase:
        """The poster of anybody's video, for whoever may look at videos."""
        video = self._seen(request, video_id)
        return _sent(request, video.thumbnail.name, "image/webp", f"{video.file_sha256}-poster")

    def film_view(self, request: HttpRequest, video_id: UUID) -> HttpResponseBase:
        video = self._seen(request, video_id)
        return _sent(request, video.file.name, "video/mp4", video.file_sha256)

    def _seen(self, request: HttpRequest, video_id: UUID) -> Video:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Video, pk=video_id)

    def do_view(self, request: HttpRequest, video_id: UUID, name: str) -> HttpResponse:
        """What it does, a reason, and then it."""
        if not request.user.has_perm("videos.change_video"):
            raise PermissionDenied
        video = get_object_or_404(Video.objects.select_related("user"), pk=video_id)
        deed = admin_actions.DEEDS.get(name)
        if deed is None:
            raise Http404
        back = reverse("admin:videos_video_change", args=[video.pk])
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                token = form.cleaned_data["token"]
                key = idempotency.key_of_form(request.user, f"retry {video.pk}", token)
                words, is_new = admin_actions.do(video, name, reason, key)
            except admin_actions.NotPossible as error:
                messages.error(request, str(error))
            else:
                if is_new:
                    note(request.user, video, deed.title, reason)
                messages.success(request, words)
            return HttpResponseRedirect(back)
        if deed not in admin_actions.possible(video):
            messages.error(request, _("The video has moved on; nothing was changed."))
            return HttpResponseRedirect(back)
        return ask(
            self,
            request,
            form,
            title=str(deed.title),
            says=admin_actions.says(video, name),
            changes=admin_actions.outlook(video, name),
            back=back,
            about=video,
        )


# ---- what the content check refused ----


class RefusalGlance(Glance):
    labels: ClassVar[dict[str, Promise]] = {"today": gettext_lazy("Today, not overruled")}
    selections = staticmethod(dashboard.rejected_prompt_filters)


@admin.register(RejectedPrompt)
class RefusalAdmin(ReadOnly):
    """The queue of the content check; overruling frees its user and lets nothing be made."""

    list_display = ("created_at", "user", "why", "had_image", "words", "overruled")
    list_filter = (RefusalGlance, "overruled", "had_image", "created_at")
    search_fields = ("prompt", "user__username", "user__email")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = ("created_at", "user", "prompt", "why", "had_image", "overruled")
    readonly_fields = ("why",)
    change_form_template = "admin/videos/refusal.html"

    @admin.display(description=gettext_lazy("why"))
    def why(self, refusal: RejectedPrompt) -> str:
        return ", ".join(
            str(moderation.WORDS.get(name, moderation.UNNAMED)) for name in refusal.categories
        )

    @admin.display(description=gettext_lazy("prompt"))
    def words(self, refusal: RejectedPrompt) -> str:
        return Truncator(refusal.prompt).chars(80)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.overrule_view)
        name = "videos_rejectedprompt_overrule"
        return [path("<int:refusal_id>/overrule/", view, name=name), *super().get_urls()]

    def overrule_view(self, request: HttpRequest, refusal_id: int) -> HttpResponse:
        if not request.user.has_perm("videos.change_rejectedprompt"):
            raise PermissionDenied
        refusal = get_object_or_404(RejectedPrompt.objects.select_related("user"), pk=refusal_id)
        back = reverse("admin:videos_rejectedprompt_change", args=[refusal.pk])
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            if moderation.overrule(refusal):
                note(request.user, refusal, "Overruled", form.cleaned_data["reason"])
                messages.success(request, _("Overruled. It counts against its user no more."))
            else:
                messages.error(request, _("Somebody was first."))
            return HttpResponseRedirect(back)
        return ask(
            self,
            request,
            form,
            title=_("Overrule the content check"),
            says=[refusal.prompt, _("No video is made by this.")],
            changes=[
                admin_actions.Change(
                    _("Counts against %(user)s") % {"user": refusal.user},
                    _("no") if refusal.overruled else _("yes"),
                    _("no"),
                )
            ],
            back=back,
            about=refusal,
        )


# ---- webhooks, prices, engines ----


class AttemptInline(ReadOnlyInline):
    model = DeliveryAttempt
    fields = ("at", "code", "error", "took_ms")


class DeliveryGlance(Glance):
    labels: ClassVar[dict[str, Promise]] = {"given_up": gettext_lazy("Given up today")}
    selections = staticmethod(dashboard.delivery_filters)


@admin.register(WebhookDelivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("created_at", "user", "url", "state", "tries", "next_try_at", "delivered_at")
    list_filter = (DeliveryGlance, "state", "created_at")
    search_fields = ("url", "user__username", "=video__id")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = (*list_display, "video")
    inlines = (AttemptInline,)
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("videos.change_webhookdelivery"))

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        for row in rows:
            try:
                deliveries.redeliver(row)
            except deliveries.NotRedeliverable as error:
                messages.warning(request, f"{row.url}: {error}")
            else:
                note(request.user, row, "Sent again")
                messages.success(request, _("%(url)s is told again.") % {"url": row.url})


class PriceForm(forms.ModelForm):
    model = forms.ChoiceField(
        label=gettext_lazy("model"), choices=[(m.name, m.label) for m in catalog.MODELS.values()]
    )

    class Meta:
        model = Price
        fields = ("kind", "model", "credits")


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin):
    """Staff's own prices; deleting one brings the documented price back."""

    form = PriceForm
    list_display = ("kind", "model", "credits", "documented")

    @admin.display(description=gettext_lazy("documented price"))
    def documented(self, row: Price) -> int | None:
        return catalog.PRICES.get((Price.Kind(row.kind), row.model))


@admin.register(EngineCircuit)
class EngineCircuitAdmin(ReadOnly):
    """Every configured engine, to look at."""

    list_display = ("name", "state", "since", "next_try", "failures", "last_error", "error_at")
    fields = readonly_fields = (*list_display, "error_detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[EngineCircuit]:
        return circuit_breaker.known()

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: EngineCircuit) -> str:
        if row.opened_at is None:
            return _("takes orders")
        if row.trial_video_id:
            return _("one order is trying it")
        due = row.retry_at is not None and row.retry_at <= timezone.now()
        return _("the next order tries it") if due else _("paused")

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: EngineCircuit) -> str:
        return _moment(row.opened_at)

    @admin.display(description=gettext_lazy("next try"))
    def next_try(self, row: EngineCircuit) -> str:
        return _moment(row.retry_at)

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, row: EngineCircuit) -> str:
        return f"{row.error_code}: {row.error_detail[:200]}" if row.error_code else "–"


def _moment(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else "–"


def _sent(request: HttpRequest, name: str | None, kind: str, etag: str) -> HttpResponseBase:
    """A stored file. Raises Http404."""
    if not name:
        raise Http404
    try:
        file = files.Deliverable(name, kind, kind.replace("/", "."), etag)
        return files.deliver(request, file, attachment=False)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Http404 from error
