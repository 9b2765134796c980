"""What the staff side of every app shares: lists to look at, and the audit log (Django's own)."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override


class Glance(admin.SimpleListFilter):
    """The selections that the first page counts, so that its numbers lead to just these rows."""

    title = _("at a glance")
    parameter_name = "glance"
    labels: ClassVar[dict[str, Promise]]
    selections: ClassVar[Callable[[], dict[str, Q]]]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(name, str(label)) for name, label in self.labels.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        if wanted not in self.labels:
            return queryset
        return queryset.filter(type(self).selections()[wanted])


def note(
    actor: AbstractBaseUser | AnonymousUser, target: Model, deed: str | Promise, reason: str = ""
) -> None:
    """Keep one deed, with its reason, beside the row it changed; in English, whoever did it."""
    with override("en"):
        text = f"{deed}: {reason}" if reason else str(deed)
    LogEntry.objects.log_actions(str(actor.pk), [target], CHANGE, text, single_object=True)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("It stays in the audit log.")
    )
    # Names this one question, so that its answer counts once.
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)


def ask(
    door: admin.ModelAdmin,
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
    """The page on which a deed is asked for once more: what it changes, from what to what."""
    context = {
        **door.admin_site.each_context(request),
        "title": title,
        "says": says,
        "changes": changes,
        "form": form,
        "kept": kept,
        "back": back,
        "about": about,
        "opts": door.opts,
    }
    return TemplateResponse(request, "admin/ask.html", context)


class ReadOnly(admin.ModelAdmin):
    """To look at; nothing here is changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    template = "admin/rows.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
