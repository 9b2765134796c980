"""/api/users/api-keys: create, list, change and revoke API keys; needs a sign-in, not a key.

Keys are the account's, but their limits and their usage concern models and videos, and the accounts
app may not import videos.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import api_keys, key_limits
from accounts.models import ApiKey
from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import SuccessSerializer, validated
from config.lib.api.strict_fields import TextField, WholeNumberField
from config.lib.web.responses import user_of
from videos.catalog.reading import catalog
from videos.reports import key_usage


class IpRangeField(TextField):
    """An IP address, or a network in CIDR notation; becomes CIDR."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=60, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return key_limits.parse_range(super().to_internal_value(data))
        except key_limits.BadRange as error:
            raise serializers.ValidationError(str(error), code="ip_range") from error


class ModelWordField(TextField):
    """The id or an alias of a model of the catalog."""

    default_error_messages = {"unknown_model": "Not a model. `GET /api/models` lists them."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        word = str(super().to_internal_value(data))
        if catalog().find(word) is None:
            self.fail("unknown_model")
        return word


class KeyFieldsSerializer(serializers.Serializer):
    """The limits of a key: null and empty lists are no limit.

    `credits_per_day` counts from 00:00 UTC; credits of failed videos do not count.
    """

    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    credits_per_day = WholeNumberField(
        min_value=1, max_value=key_limits.MAX_CREDITS_PER_DAY, required=False, allow_null=True
    )
    allowed_models = serializers.ListField(
        child=ModelWordField(),
        max_length=key_limits.MAX_MODELS,
        required=False,
        allow_null=True,
    )
    ip_ranges = serializers.ListField(
        child=IpRangeField(),
        max_length=key_limits.MAX_RANGES,
        required=False,
        allow_null=True,
    )

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value and value <= timezone.now():
            raise serializers.ValidationError("This moment has passed.", code="past")
        return value

    def validate_allowed_models(self, value: list[str] | None) -> list[str]:
        return list(dict.fromkeys(value or []))

    def validate_ip_ranges(self, value: list[str] | None) -> list[str]:
        return list(dict.fromkeys(value or []))


class CreateApiKeySerializer(KeyFieldsSerializer):
    name = TextField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(ApiKey.Scope.values),
        min_length=1,
        max_length=len(ApiKey.Scope),
        default=lambda: list(api_keys.DEFAULT_SCOPES),
    )


class ChangeApiKeySerializer(KeyFieldsSerializer):
    """What is left out stays as it is. The scopes of a key cannot be changed."""

    name = TextField(max_length=80, required=False)


class ApiKeySerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    last4 = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiKey.Scope.values))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    credits_per_day = serializers.IntegerField(allow_null=True)
    allowed_models = serializers.ListField(child=serializers.CharField())
    ip_ranges = serializers.ListField(child=serializers.CharField())


class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField()


class ApiKeysSerializer(serializers.Serializer):
    api_keys = ApiKeySerializer(many=True)


class KeyDaySerializer(serializers.Serializer):
    date = serializers.DateField()
    videos = serializers.IntegerField()
    failed = serializers.IntegerField()
    credits = serializers.IntegerField()


class KeyUsageSerializer(serializers.Serializer):
    """The last 30 days of UTC, oldest first, and their sums; `credits_today` is of the last one."""

    credits_per_day = serializers.IntegerField(allow_null=True)
    credits_today = serializers.IntegerField()
    videos = serializers.IntegerField()
    failed = serializers.IntegerField()
    credits = serializers.IntegerField()
    days = KeyDaySerializer(many=True)


class ApiKeyListView(APIView):
    """A user's keys. Only the answer that creates a key shows its text."""

    scope = read_scope = "account"

    @extend_schema(
        operation_id="list_keys",
        summary="List your API keys",
        responses={200: ApiKeysSerializer},
    )
    def get(self, request: Request) -> Response:
        keys = ApiKey.objects.of(user_of(request))
        return Response(ApiKeysSerializer({"api_keys": keys.order_by("-created_at", "-id")}).data)

    @extend_schema(
        operation_id="create_key",
        summary="Create an API key; only this answer shows it",
        request=CreateApiKeySerializer,
        responses={201: NewApiKeySerializer, **errors(400, 403)},
        examples=request_example(
            {
                "name": "build server",
                "scopes": ["read", "generate"],
                "credits_per_day": 500,
                "ip_ranges": ["203.0.113.0/24"],
            }
        ),
    )
    def post(self, request: Request) -> Response:
        asked = validated(CreateApiKeySerializer, request.data)
        limits = key_limits.KeyLimits(**{n: asked.pop(n) for n in key_limits.NAMES if n in asked})
        key, text = api_keys.issue(user_of(request), **asked, limits=limits)
        body = {**ApiKeySerializer(key).data, "key": text}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class ApiKeyDetailView(APIView):
    """One key of the user."""

    scope = read_scope = "account"

    @extend_schema(
        operation_id="get_key",
        summary="Get an API key and its limits",
        responses={200: ApiKeySerializer},
    )
    def get(self, request: Request, key_id: UUID) -> Response:
        return Response(ApiKeySerializer(_own_key(request, key_id)).data)

    @extend_schema(
        operation_id="change_key",
        summary="Change the name, the expiry or the limits of an API key",
        request=ChangeApiKeySerializer,
        responses={200: ApiKeySerializer, **errors(403)},
        examples=request_example(
            {"credits_per_day": 200, "allowed_models": ["sora-2"], "ip_ranges": []}
        ),
    )
    def patch(self, request: Request, key_id: UUID) -> Response:
        key = _own_key(request, key_id)
        if asked := validated(ChangeApiKeySerializer, request.data):
            api_keys.change(key, **asked)
        return Response(ApiKeySerializer(key).data)

    @extend_schema(
        operation_id="revoke_key",
        summary="Revoke an API key",
        responses={200: SuccessSerializer, **errors(403)},
    )
    def delete(self, request: Request, key_id: UUID) -> Response:
        api_keys.revoke(_own_key(request, key_id))
        return Response({"success": True})


class ApiKeyUsageView(APIView):
    """What the orders of a key made and cost in the last 30 days."""

    read_scope = "account"

    @extend_schema(
        operation_id="key_usage",
        summary="Get videos, failures and credits of an API key by day, for 30 days",
        responses={200: KeyUsageSerializer},
    )
    def get(self, request: Request, key_id: UUID) -> Response:
        key = _own_key(request, key_id)
        found = key_usage.usage_of(key)
        body = {
            "credits_per_day": key.credits_per_day,
            "credits_today": found.today.credits,
            "videos": found.videos,
            "failed": found.failed,
            "credits": found.credits,
            "days": found.days,
        }
        return Response(KeyUsageSerializer(body).data)


def _own_key(request: Request, key_id: UUID) -> ApiKey:
    return get_object_or_404(ApiKey.objects.of(user_of(request)), pk=key_id)
