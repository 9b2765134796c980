"""Serializers that every app's API views use, and reading a request with one."""

from collections.abc import Mapping
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
    read = data if refuses_nulls else _leave_out_nulls(serializer_class(), data)
    serializer = serializer_class(data=read)
    refuse_doubles(serializer, data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


def _leave_out_nulls(serializer: serializers.Serializer, data: Any) -> Any:
    """Return a JSON object without its nulls for optional fields; other data as it is."""
    if not isinstance(data, dict) or isinstance(data, QueryDict):
        return data
    optional = {
        name
        for name, field in serializer.get_fields().items()
        if not (field.required or field.allow_null)
    }
    return {
        name: value for name, value in data.items() if value is not None or name not in optional
    }


def refuse_doubles(serializer: serializers.Serializer, data: object) -> None:
    """Raise ValidationError for fields that a form or a query has more than once."""
    if isinstance(data, QueryDict):
        single = [
            name
            for name, field in serializer.get_fields().items()
            if not isinstance(field, serializers.ListField)
        ]
        names = [name for name in single if len(data.getlist(name)) > 1]
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
