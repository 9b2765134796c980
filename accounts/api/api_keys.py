"""/api/users/api-keys: create, list and revoke API keys; needs a sign-in, not a key."""

from datetime import datetime
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import api_keys
from accounts.models import ApiKey
from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import SuccessSerializer, validated
from config.lib.api.strict_fields import TextField
from config.lib.web.responses import user_of


class CreateApiKeySerializer(serializers.Serializer):
    name = TextField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(ApiKey.Scope.values),
        min_length=1,
        max_length=len(ApiKey.Scope),
        default=lambda: list(api_keys.DEFAULT_SCOPES),
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value and value <= timezone.now():
            raise serializers.ValidationError("This moment has passed.", code="past")
        return value


class ApiKeySerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    last4 = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiKey.Scope.values))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField()


class ApiKeysSerializer(serializers.Serializer):
    api_keys = ApiKeySerializer(many=True)


class ApiKeyListView(APIView):
    """A user's keys. Only the answer that creates a key shows its text."""

    scope = read_scope = "account"

    @extend_schema(
        operation_id="list_keys",
        summary="List your API keys",
        responses={200: ApiKeysSerializer},
    )
    def get(self, request: Request) -> Response:
        keys = ApiKey.objects.filter(user=user_of(request), revoked_at=None)
        return Response(ApiKeysSerializer({"api_keys": keys.order_by("-created_at", "-id")}).data)

    @extend_schema(
        operation_id="create_key",
        summary="Create an API key; only this answer shows it",
        request=CreateApiKeySerializer,
        responses={201: NewApiKeySerializer, **errors(400, 403)},
        examples=request_example({"name": "build server", "scopes": ["read", "generate"]}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(CreateApiKeySerializer, request.data)
        key, text = api_keys.issue(user_of(request), **asked)
        body = {**ApiKeySerializer(key).data, "key": text}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class ApiKeyDetailView(APIView):
    """One key of the user."""

    scope = "account"

    @extend_schema(
        operation_id="revoke_key",
        summary="Revoke an API key",
        responses={200: SuccessSerializer, **errors(403)},
    )
    def delete(self, request: Request, key_id: UUID) -> Response:
        keys = ApiKey.objects.filter(user=user_of(request), revoked_at=None)
        api_keys.revoke(get_object_or_404(keys, pk=key_id))
        return Response({"success": True})
