"""The form of an export: a format, and how the picture is brought to another shape."""

from django import forms

from config.lib.web.forms import WholeNumberField
from videos.editing import recipes
from videos.editing.exports.formats import FORMATS
from videos.editing.exports.orders import Options


class ExportForm(forms.Form):
    """The position is in percent; what is left out is the middle of a cut picture."""

    format = forms.ChoiceField(choices=[(name, name) for name in FORMATS])
    fit = forms.ChoiceField(choices=[(name, name) for name in recipes.FITS], required=False)
    position = WholeNumberField(min_value=0, max_value=100, required=False)

    def options(self) -> Options:
        """Return what the fields ask for."""
        given = self.cleaned_data
        place = 50 if given["position"] is None else given["position"]
        return Options(given["format"], given["fit"] or "crop", place / 100)
