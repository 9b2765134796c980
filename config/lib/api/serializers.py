"""Serializers that every app's API views use, and reading a request with one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers


def validated(
    serializer_class: type[serializers.Serializer],
    data: Mapping[str, Any] | Any,
    *,
    refuses_nulls: bool = False,
) -> dict[str, Any]:
    """Return what a serializer reads from a body or a query. Raises ValidationError.

    A field that a form or a query has twice is refused: which one is meant is not clear. A null for
    a field that may be left out is the field left out, unless nulls are refused.
    """
    read = data if refuses_nulls else _leave_out_nulls(serializer_class, data)
    refuse_doubles(serializer_class, data)
    found: dict[str, Any] = _reader(serializer_class).run_validation(read)
    return found


@cache
def _reader(serializer_class: type[serializers.Serializer]) -> serializers.Serializer:
    """Return the one instance that reads: it keeps nothing of what it reads.

    A new instance copies all fields, which takes longer than reading a body.
    """
    reader = serializer_class()
    for field in reader.fields.values():
        for validator in field.validators:
            # DRF formats it at its first use, which two threads may do at once.
            str(getattr(validator, "message", ""))
    return reader


def _leave_out_nulls(serializer_class: type[serializers.Serializer], data: Any) -> Any:
    """Return a JSON object without its nulls for optional fields; other data as it is."""
    if not isinstance(data, dict) or isinstance(data, QueryDict) or None not in data.values():
        return data
    optional = {
        name
        for name, field in serializer_class().get_fields().items()
        if not (field.required or field.allow_null)
    }
    return {
        name: value for name, value in data.items() if value is not None or name not in optional
    }


def refuse_doubles(serializer_class: type[serializers.Serializer], data: object) -> None:
    """Raise ValidationError for fields that a form or a query has more than once."""
    if not isinstance(data, QueryDict):
        return
    twice = {name for name, values in data.lists() if len(values) > 1}
    if not twice:  # building the fields costs as much as reading the whole query
        return
    names = [
        name
        for name, field in serializer_class().get_fields().items()
        if name in twice and not isinstance(field, serializers.ListField)
    ]
    if names:
        error = serializers.ErrorDetail("Send this once.", code="sent_twice")
        raise serializers.ValidationError({name: [error] for name in names})


class BlankAsNullField(serializers.CharField):
    """A text that is null in answers when the database has it empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) if value else None


class MessageSerializer(serializers.Serializer):
    message = serializers.CharField()


class SuccessSerializer(serializers.Serializer):
    success = serializers.BooleanField()


class PageSerializer(serializers.Serializer):
    """One page of a list: which page it is, its size, and how many rows there are in all."""

    total = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()


class ErrorSerializer(serializers.Serializer):
    detail = serializers.CharField()
    code = serializers.CharField(required=False)
    field = serializers.CharField(required=False)
    credits = serializers.IntegerField(required=False)


class FieldErrorSerializer(serializers.Serializer):
    loc = serializers.ListField(child=serializers.JSONField())
    msg = serializers.CharField()
    type = serializers.CharField()


class ValidationErrorSerializer(serializers.Serializer):
    detail = FieldErrorSerializer(many=True)


class EnvelopeErrorSerializer(serializers.Serializer):
    message = serializers.CharField()
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)


class EnvelopeSerializer(serializers.Serializer):
    """An error under /v1, in the words of OpenAI."""

    error = EnvelopeErrorSerializer()
