"""/api/users/api-keys: making, listing and revoking keys; only a signed-in person may."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import api_keys
from accounts.models import ApiKey, User

DEFAULT_SCOPES = (ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value)


class KeyBody(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(ApiKey.Scope.values),
        min_length=1,
        max_length=len(ApiKey.Scope),
        default=lambda: list(DEFAULT_SCOPES),
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value and value <= timezone.now():
            raise serializers.ValidationError("This moment has passed.", code="past")
        return value


class Keys(APIView):
    """S7: a user's keys; the text of a new one is shown in this answer and never again."""

    scope = read_scope = "account"

    def get(self, request: Request) -> Response:
        rows = ApiKey.objects.filter(user=cast("User", request.user), revoked_at=None)
        return Response({"api_keys": [shown(key) for key in rows.order_by("-created_at", "-id")]})

    def post(self, request: Request) -> Response:
        body = KeyBody(data=request.data)
        body.is_valid(raise_exception=True)
        key, text = api_keys.issue(cast("User", request.user), **body.validated_data)
        return Response({**shown(key), "key": text}, 201, headers={"Cache-Control": "no-store"})


class KeyDetail(APIView):
    """Revoke a key."""

    scope = "account"

    def delete(self, request: Request, key_id: UUID) -> Response:
        rows = ApiKey.objects.filter(user=cast("User", request.user), revoked_at=None)
        api_keys.revoke(get_object_or_404(rows, pk=key_id))
        return Response({"success": True})


def shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.pk),
        "name": key.name,
        "prefix": key.prefix,
        "last4": key.last4,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
