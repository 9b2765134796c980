"""Staff page of packages: staff add, change and withdraw packages of credits."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from billing import money
from billing.models import PackageOverride


class PackageForm(forms.ModelForm):
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"), choices=[(code, code) for code in money.MINOR_UNITS]
    )
    reason = forms.CharField(
        max_length=200,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The reason is kept in the audit log."),
    )

    class Meta:
        model = PackageOverride
        fields = ("key", "name", "credits", "price_minor", "currency", "is_active")


@admin.register(PackageOverride)
class PackageOverrideAdmin(admin.ModelAdmin):
    form = PackageForm
    list_display = ("key", "name", "credits", "price", "is_active")

    @admin.display(description=gettext_lazy("price"), ordering="price_minor")
    def price(self, row: PackageOverride) -> str:
        return money.with_code(row.price_minor, row.currency)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: the audit log names packages. Staff withdraw a package from sale instead."""
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: PackageOverride | None = None
    ) -> tuple[str, ...]:
        """Allow a key for a new package only."""
        return ("key",) if obj else ()

    def construct_change_message(  # type: ignore[override]  # Django shows a plain text too
        self, request: HttpRequest, form: forms.BaseForm, formsets: Any, add: bool = False
    ) -> str:
        """Return the text for the audit log: the changed values and the reason."""
        changed = ", ".join(
            f"{name} {form.cleaned_data[name]}" for name in form.changed_data if name != "reason"
        )
        return f"{changed or 'nothing'}: {form.cleaned_data['reason']}"
