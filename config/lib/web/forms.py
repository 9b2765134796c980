"""Form fields that every app's forms use."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


class WholeNumberField(forms.IntegerField):
    """A whole number in plain ASCII digits; Django also takes digits of other scripts and "1.0"."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value and not WHOLE_NUMBER.fullmatch(value):
            raise ValidationError(_("Write a whole number with the digits 0 to 9."), code="invalid")
        return super().to_python(value)
