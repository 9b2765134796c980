"""Fields that read requests strictly: a number is no text, and not every text is a number.

Answers may use the fields of REST framework; requests use these.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.fields import empty

from config.lib import texts

# Far above every bound of ours; longer texts are not even converted.
MAX_DIGITS = 20
WHOLE_NUMBER = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}")


class TextField(serializers.CharField):
    """A text. JSON numbers are refused, which REST framework would turn into text."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MultilineTextField(TextField):
    """A text with line breaks, each of which is one character; what shows nothing is empty."""

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, str):
            data = "" if texts.is_blank(data) else texts.use_plain_line_breaks(data)
        return super().run_validation(data)


class EmailField(TextField, serializers.EmailField):
    """An e-mail address."""


class RegexField(TextField, serializers.RegexField):
    """A text of one form."""


class UUIDField(serializers.UUIDField):
    """A UUID as text; a number is none."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A whole number of JSON, or its text in ASCII digits, as forms and queries have it.

    Digits of other scripts, signs, spaces, decimals and the empty text are refused.
    """

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        """Return the empty text of a form too, which would count as left out."""
        name = str(self.field_name)
        if isinstance(dictionary, QueryDict) and name in dictionary:
            return dictionary[name]
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and WHOLE_NUMBER.fullmatch(data):
            return int(data)
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


class NumberField(serializers.FloatField):
    """A finite JSON number: no text and no truth value."""

    default_error_messages = {"invalid": "A number is expected."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if not math.isfinite(data):
            self.fail("invalid")
        return float(super().to_internal_value(data))
