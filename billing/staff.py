"""What the staff side of every app shares: lists to look at, and the audit log (Django's own)."""

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model
from django.http import HttpRequest


def note(actor: AbstractBaseUser, target: Model, text: str) -> None:
    """Keep one deed, with its reason, beside the row it changed."""
    LogEntry.objects.log_actions(str(actor.pk), [target], CHANGE, text, single_object=True)


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
