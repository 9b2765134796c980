"""Shared by the admins of all apps: read-only lists, confirmation pages, the audit log."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Field, Model, Q, QuerySet, TextField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from config.lib import texts
from config.lib.web.forms import MultilineField


class DashboardFilter(admin.SimpleListFilter):
    """Filter a list to the rows that a number on the admin's first page counts."""

    title = _("quick filter")
    parameter_name = "show"
    labels: ClassVar[dict[str, Promise]]
    selections: ClassVar[Callable[[], dict[str, Q]]]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(name, str(label)) for name, label in self.labels.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        if wanted not in self.labels:
            return queryset
        return queryset.filter(type(self).selections()[wanted])


def log_action(
    actor: AbstractBaseUser | AnonymousUser, target: Model, action: str | Promise, reason: str = ""
) -> None:
    """Log what staff did to a row, with the reason, in English."""
    with override("en"):
        text = f"{action}: {reason}" if reason else str(action)
    LogEntry.objects.log_actions(str(actor.pk), [target], CHANGE, text, single_object=True)


# Give a model admin these `formfield_overrides`, so that its limits count a line break once.
LINE_BREAKS: dict[type[Field], dict[str, Any]] = {TextField: {"form_class": MultilineField}}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("The reason is kept in the audit log.")
    )
    # The idempotency key of this form.
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)


def confirm_action(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    says: Sequence[str],
    back: str,
    about: object,
    changes: Sequence[tuple[str, str, str]] = (),
    kept: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Render the page that asks staff to confirm an action and shows what it changes."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "says": says,
        "changes": changes,
        "form": form,
        "kept": kept,
        "back": back,
        "about": about,
        "opts": model_admin.opts,
    }
    return TemplateResponse(request, "admin/confirm_action.html", context)


class FoldedSearch(admin.ModelAdmin):
    """Search as typed, and by the search key, in which prompts are stored for a search."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        typed, repeats = super().get_search_results(request, queryset, search_term)
        key = texts.search_key(search_term)
        if key == search_term:
            return typed, repeats
        folded, _repeats = super().get_search_results(request, queryset, key)
        return typed | folded, repeats


class ReadOnlyAdmin(admin.ModelAdmin):
    """A list that staff can read and not change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    template = "admin/read_only_rows.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
