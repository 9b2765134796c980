"""/api/users/account and /api/users/export: delete the account, and export its data.

Both concern videos as much as the account, and the accounts app may not import videos.
"""

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import fresh_sign_in, passwords
from accounts.models import ApiKey, Session
from config.lib.api.openapi import errors
from config.lib.api.serializers import MessageSerializer, validated
from config.lib.api.strict_fields import TextField
from config.lib.web.responses import user_of
from videos.account import data_export, deletion, limits

DELETION_REQUESTED = "Account deletion requested. Your account will be deleted within 30 days."


class DeleteAccountSerializer(serializers.Serializer):
    password = TextField(max_length=128, trim_whitespace=False, required=False)


class AccountView(APIView):
    """C35: delete the account. Without a key or a fresh token, a password is needed."""

    scope = ApiKey.Scope.GENERATE
    rate = "auth"

    @extend_schema(
        operation_id="leave",
        summary="Delete your account; it can be restored for 30 days",
        request=DeleteAccountSerializer,
        responses={200: MessageSerializer, **errors(401, 403)},
    )
    def delete(self, request: Request) -> Response:
        asked = validated(DeleteAccountSerializer, request.data)
        user = user_of(request)
        if "password" in asked and user.has_usable_password():
            passwords.confirm_password(user, asked["password"])
        elif user.has_usable_password():
            _require_key_or_fresh_token(request)
        deletion.request_deletion(user)
        return Response({"message": DELETION_REQUESTED})


def _require_key_or_fresh_token(request: Request) -> None:
    """Raise SignInAgain, or ValidationError for a session cookie, whose pages ask the password."""
    if request.auth is None:
        required = serializers.ErrorDetail("field required", code="required")
        raise serializers.ValidationError({"password": [required]})
    if isinstance(request.auth, Session) and not request.headers.get("X-API-Key"):
        fresh_sign_in.check(request._request, request.auth)


class LimitSerializer(serializers.Serializer):
    """`limit` is null where the operator set none."""

    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()


class LimitsSerializer(serializers.Serializer):
    jobs_at_once = LimitSerializer()
    cancellations_per_day = LimitSerializer()


class LimitsView(APIView):
    """How many videos engines may have at once, and may be cancelled once an engine began them."""

    read_scope = "read"

    @extend_schema(
        operation_id="limits",
        summary="Get your limits and how much of them is used",
        responses={200: LimitsSerializer},
    )
    def get(self, request: Request) -> Response:
        return Response(limits.limits_of(user_of(request)))


class ExportQuery(serializers.Serializer):
    files = serializers.BooleanField(
        default=False, help_text="With the MP4s of finished videos, in the folder `files`."
    )


class DataExportView(APIView):
    """Everything that is stored about the user, as a ZIP of JSON files, after a fresh sign-in."""

    read_scope = "account"
    read_rate = "auth"

    @extend_schema(
        operation_id="export",
        summary="Export everything that is stored about you, as a ZIP",
        parameters=[ExportQuery],
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY), **errors(403)},
    )
    def get(self, request: Request) -> HttpResponseBase:
        session = request.auth if isinstance(request.auth, Session) else None
        fresh_sign_in.check(request._request, session)
        with_files = validated(ExportQuery, request.query_params)["files"]
        user = user_of(request)
        data_export.count(user)
        make = data_export.bundle_response if with_files else data_export.download_response
        return make(user)
