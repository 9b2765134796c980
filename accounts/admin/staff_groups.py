"""Staff: groups and their permissions."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.http import HttpRequest

from accounts.admin.fields import CHECKBOXES

admin.site.unregister(Group)


@admin.register(Group)
class StaffGroupAdmin(GroupAdmin):
    """A group of staff; it lists the permissions on the models of this admin only.

    Only superusers see groups: whoever may change a group may do what they give it.
    """

    filter_horizontal = ()
    formfield_overrides = CHECKBOXES

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self.has_module_permission(request)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and field and field.queryset is not None:
            registered = filter(self.admin_site.is_registered, apps.get_models())
            shown = [model._meta.model_name for model in registered]
            field.queryset = field.queryset.filter(content_type__model__in=shown)
        return field
