"""Staff pages of paused models."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy

from videos.catalog.reading import catalog
from videos.models import PausedModel


class PausedModelForm(forms.ModelForm):
    model = forms.ChoiceField(label=gettext_lazy("model"))

    class Meta:
        model = PausedModel
        fields = ("model", "sentence")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {model.id: model.label for model in catalog().models.values()}
        if self.instance.pk:  # a model that has left the catalog can still be resumed
            known.setdefault(self.instance.model, self.instance.model)
        self.fields["model"].choices = list(known.items())  # type: ignore[attr-defined]


@admin.register(PausedModel)
class PausedModelAdmin(admin.ModelAdmin):
    """Paused models; deleting one resumes it."""

    form = PausedModelForm
    list_display = ("model", "sentence", "paused_at")
