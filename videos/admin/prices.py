"""Staff pages of prices."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from videos.admin.effective_prices import describe_unit, effective_prices
from videos.catalog import prices
from videos.catalog.reading import catalog
from videos.models import Price


class PriceForm(forms.ModelForm):
    model = forms.ChoiceField(label=gettext_lazy("model"))

    class Meta:
        model = Price
        fields = ("kind", "model", "resolution", "credits")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = [(model.id, model.label) for model in catalog().models.values()]
        self.fields["model"].choices = [  # type: ignore[attr-defined]
            *models,
            *((word, word) for word in catalog().aliases),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        model = catalog().find(data.get("model", ""))
        resolution = data.get("resolution", "")
        if model and resolution and resolution not in {frame.resolution for frame in model.frames}:
            known = sorted({frame.resolution for frame in model.frames})
            text = gettext_lazy("%(model)s makes %(resolutions)s.")
            words = {"model": model.label, "resolutions": ", ".join(known)}
            self.add_error("resolution", str(text) % words)
        if model and model.audio != "optional" and data.get("kind") == Price.Kind.SILENT:
            text = gettext_lazy("The sound of %(model)s cannot be left out.")
            self.add_error("kind", str(text) % {"model": model.label})
        return data


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin):
    """Prices set by staff; deleting one restores the catalog's."""

    form = PriceForm
    list_display = ("kind", "model", "resolution", "credits", "unit", "documented")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"effective": effective_prices(), **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description=gettext_lazy("unit"))
    def unit(self, row: Price) -> str:
        return describe_unit(row.model)

    @admin.display(description=gettext_lazy("price in the catalog"))
    def documented(self, row: Price) -> Decimal | None:
        rule = prices.rule_of(row.model)
        if rule is None:
            return None
        own = {Price.Kind.IMAGE: rule.image, Price.Kind.SILENT: rule.silent}.get(
            Price.Kind(row.kind)
        )
        rate = rule.text if own is None else own
        return rate.get(row.resolution) if isinstance(rate, dict) else rate
