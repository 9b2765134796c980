"""/api/users/account and /api/users/export: leaving, and taking one's data along.

Both concern the library as much as the account, so their doors stand here.
"""

from typing import cast

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import tokens
from accounts.models import User
from videos.account import data_export, deletion

GONE = "Account deletion requested. Your account will be deleted within 30 days."


class LeaveBody(serializers.Serializer):
    password = serializers.CharField(max_length=128, trim_whitespace=False, required=False)


class Account(APIView):
    """C35: leave. Whoever has a password is asked for it again."""

    scope = "account"
    rate = "auth"

    def delete(self, request: Request) -> Response:
        body = LeaveBody(data=request.data)
        body.is_valid(raise_exception=True)
        user = cast("User", request.user)
        if user.has_usable_password():
            if "password" not in body.validated_data:
                required = serializers.ErrorDetail("field required", code="required")
                raise serializers.ValidationError({"password": [required]})
            tokens.confirm(user, body.validated_data["password"])
        deletion.request_deletion(user)
        return Response({"message": GONE})


class Export(APIView):
    """All that is kept about the asker, as a ZIP."""

    read_scope = "account"
    read_rate = "auth"

    def get(self, request: Request) -> HttpResponseBase:
        return data_export.download_response(cast("User", request.user))
