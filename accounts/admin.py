"""Staff: people, whether they may come in, and whoever wants to come back."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import leaving
from accounts.models import User


@admin.register(User)
class PersonAdmin(UserAdmin):
    list_display = ("username", "email", "is_active", "is_staff", "left_at", "forgotten_at")
    list_filter = ("is_active", "is_staff", "is_superuser", "left_at")
    readonly_fields = ("last_login", "date_joined", "left_at", "forgotten_at")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("", {"fields": ("left_at", "forgotten_at")}))
    actions = ("take_back",)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """Whoever is switched off here is out at once."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            leaving.lock(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: the books name every user. People leave, and are forgotten after 30 days."""
        return False

    @admin.action(description=gettext_lazy("Take back accounts that left"))
    def take_back(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            try:
                leaving.take_back(user)
            except leaving.NotPossible as error:
                self.message_user(request, f"{user.username}: {error}", messages.WARNING)
            else:
                self.log_change(request, user, "Taken back")
                self.message_user(request, _("%s is back.") % user.username)
