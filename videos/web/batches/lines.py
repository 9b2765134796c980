"""Turn the rows of a list of prompts into the lines of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib.web.forms import WholeNumberField
from videos.catalog import offers
from videos.jobs.batches import Fault, Line
from videos.jobs.orders import VideoOrder
from videos.web import order_fields
from videos.web.batches.prompt_list import Row

SECONDS_ERROR = gettext_lazy("The length must be a whole number of seconds.")
# What people write for sound; what is on is left to the model.
SOUND = {
    **dict.fromkeys(("", "on", "yes", "true", "1"), None),
    **dict.fromkeys(("off", "no", "false", "0"), False),
}


class SoundField(forms.CharField):
    """`off`, `no`, `false` or `0` for a video without sound."""

    def clean(self, value: Any) -> Any:
        word = str(super().clean(value)).lower()
        if word not in SOUND:
            raise forms.ValidationError(_("Write “on” or “off” for the sound."))
        return SOUND[word]


class LineForm(forms.Form):
    """One order as a list has it; the catalog checks model, size and length."""

    prompt = order_fields.prompt_field()
    model = forms.CharField(max_length=64, required=False)
    size = forms.CharField(max_length=16, required=False)
    seconds = WholeNumberField(
        min_value=1,
        max_value=600,
        required=False,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), SECONDS_ERROR),
    )
    seed = order_fields.seed_field()
    negative_prompt = order_fields.negative_prompt_field()
    audio = SoundField(max_length=8, required=False)


def lines_of(rows: Sequence[Row], defaults: Mapping[str, str]) -> list[Line]:
    """Return a line for each row; `defaults` are what a row has that leaves a column empty."""
    ids = {model.label.lower(): model.id for model in offers.offered()}
    return [_line_of(row, defaults, ids) for row in rows]


def _line_of(row: Row, defaults: Mapping[str, str], ids: Mapping[str, str]) -> Line:
    form = LineForm({**defaults, **{name: cell for name, cell in row.cells.items() if cell}})
    faults = [
        Fault(field, str(message)) for field, found in form.errors.items() for message in found
    ]
    if row.has_more:
        text = _(
            "This line has more cells than there are columns. Put a prompt that contains the"
            " separator in quotation marks."
        )
        faults.insert(0, Fault("prompt", text))
    data = form.cleaned_data
    model = data.get("model", "")
    order = VideoOrder(
        data.get("prompt", ""),
        ids.get(model.lower(), model),
        data.get("size", "").replace("×", "x").replace(" ", "").lower(),
        data.get("seconds") or 0,
        choices=offers.Choices(
            data.get("seed"), data.get("negative_prompt", ""), data.get("audio")
        ),
    )
    return Line(order, tuple(faults))
