"""Staff pages of prices."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy

from videos import catalog
from videos.models import Price


class PriceForm(forms.ModelForm):
    model = forms.ChoiceField(
        label=gettext_lazy("model"), choices=[(m.name, m.label) for m in catalog.MODELS.values()]
    )

    class Meta:
        model = Price
        fields = ("kind", "model", "credits")


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin):
    """Prices set by staff; deleting one restores the documented price."""

    form = PriceForm
    list_display = ("kind", "model", "credits", "documented")

    @admin.display(description=gettext_lazy("documented price"))
    def documented(self, row: Price) -> int | None:
        return catalog.PRICES.get((Price.Kind(row.kind), row.model))
