"""Form fields that every app's forms use."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from config.lib import texts

WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


class MultilineField(forms.CharField):
    """A text with line breaks, each of which is one character; what shows nothing is empty."""

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        if not isinstance(text, str):
            return text
        return "" if texts.is_blank(text) else texts.use_plain_line_breaks(text)


class WholeNumberField(forms.IntegerField):
    """A whole number in plain ASCII digits; Django also takes digits of other scripts and "1.0"."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value and not WHOLE_NUMBER.fullmatch(value):
            raise ValidationError(_("Write a whole number with the digits 0 to 9."), code="invalid")
        return super().to_python(value)
