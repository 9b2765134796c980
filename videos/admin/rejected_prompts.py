"""Staff pages of prompts that the content check rejected."""

from typing import ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib.admin import worded_filters
from config.lib.admin.model_admin import (
    DashboardFilter,
    FoldedSearch,
    ReadOnlyAdmin,
    ReasonForm,
    confirm_action,
    log_action,
)
from config.lib.admin.object_actions import ObjectAction, ObjectActions
from videos import content_rules
from videos.jobs import admin_actions, moderation
from videos.models import RejectedPrompt
from videos.reports import dashboard


class RejectedPromptFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"today": gettext_lazy("Today, not overruled")}
    selections = staticmethod(dashboard.rejected_prompt_filters)


@admin.register(RejectedPrompt)
class RejectedPromptAdmin(FoldedSearch, ObjectActions, ReadOnlyAdmin):
    """Rejected prompts. Overruling one stops counting it against its user; no video is made."""

    list_display = (
        "created_at",
        "user",
        "categories_text",
        "had_image",
        "short_prompt",
        "overruled",
    )
    list_filter = (
        RejectedPromptFilter,
        (
            "overruled",
            worded_filters.boolean(gettext_lazy("overruled"), gettext_lazy("not overruled")),
        ),
        (
            "had_image",
            worded_filters.boolean(gettext_lazy("with an image"), gettext_lazy("without an image")),
        ),
        "created_at",
    )
    search_fields = ("search_text", "user__username", "user__email")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = ("created_at", "user", "prompt", "categories_text", "had_image", "overruled")
    readonly_fields = ("categories_text",)

    @admin.display(description=gettext_lazy("categories"))
    def categories_text(self, rejected: RejectedPrompt) -> str:
        return content_rules.describe(rejected.categories)

    @admin.display(description=gettext_lazy("prompt"))
    def short_prompt(self, rejected: RejectedPrompt) -> str:
        return Truncator(rejected.prompt).chars(80)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.overrule_view)
        name = "videos_rejectedprompt_overrule"
        return [path("<int:prompt_id>/overrule/", view, name=name), *super().get_urls()]

    def object_actions(self, request: HttpRequest, row: RejectedPrompt) -> list[ObjectAction]:
        if row.overruled or not request.user.has_perm("videos.change_rejectedprompt"):
            return []
        url = reverse("admin:videos_rejectedprompt_overrule", args=[row.pk])
        return [ObjectAction(gettext_lazy("Overrule"), url)]

    def overrule_view(self, request: HttpRequest, prompt_id: int) -> HttpResponse:
        """Ask for a reason, then overrule the content check."""
        if not request.user.has_perm("videos.change_rejectedprompt"):
            raise PermissionDenied
        rejected = get_object_or_404(RejectedPrompt.objects.select_related("user"), pk=prompt_id)
        back = reverse("admin:videos_rejectedprompt_change", args=[rejected.pk])
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            if moderation.overrule(rejected):
                log_action(request.user, rejected, "Overruled", form.cleaned_data["reason"])
                messages.success(
                    request, _("Overruled. The prompt no longer counts against its user.")
                )
            else:
                messages.error(
                    request, _("Someone else already changed this. Reload the page and try again.")
                )
            return HttpResponseRedirect(back)
        return confirm_action(
            self,
            request,
            form,
            title=_("Overrule the content check"),
            says=[rejected.prompt, _("This does not make a video.")],
            changes=[
                admin_actions.Change(
                    _("Counts against %(user)s") % {"user": rejected.user},
                    _("no") if rejected.overruled else _("yes"),
                    _("no"),
                )
            ],
            back=back,
            about=rejected,
        )
