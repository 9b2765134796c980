"""/api/users/profile, /api/auth/profile and /api/auth/password."""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as PasswordRefused
from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import AuthProfileSerializer, ProfileSerializer
from accounts.auth import passwords
from accounts.models import Session
from accounts.people import profile
from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import MessageSerializer, validated
from config.lib.api.strict_fields import RegexField, TextField
from config.lib.web.responses import user_of


class UpdateProfileSerializer(serializers.Serializer):
    username = TextField(max_length=254, required=False)
    name = TextField(max_length=80, required=False, allow_blank=True)
    # Shown, never fetched.
    avatar_url = TextField(
        max_length=500,
        required=False,
        allow_blank=True,
        validators=[URLValidator(["http", "https"])],
    )
    region = RegexField(r"^[A-Z]{2}\Z", required=False, allow_blank=True)
    language = TextField(max_length=16, required=False)


class ProfileView(APIView):
    """C29, C30: read and change the profile."""

    scope = "account"

    @extend_schema(
        operation_id="profile", summary="Get your profile", responses={200: ProfileSerializer}
    )
    def get(self, request: Request) -> Response:
        return Response(ProfileSerializer(user_of(request)).data)

    @extend_schema(
        operation_id="update_profile",
        summary="Change your profile; fields that are left out stay as they are",
        request=UpdateProfileSerializer,
        responses={200: ProfileSerializer, **errors(400, 403)},
        examples=request_example({"language": "en", "name": "Ann"}),
    )
    def put(self, request: Request) -> Response:
        changes: dict[str, Any] = dict(validated(UpdateProfileSerializer, request.data))
        if "name" in changes:
            changes["display_name"] = changes.pop("name")
        user = user_of(request)
        profile.update(user, **changes)
        return Response(ProfileSerializer(user).data)


class AuthProfileView(APIView):
    """B03, B15: the account in the names of system B."""

    @extend_schema(
        operation_id="auth_profile",
        summary="Get your account, with camelCase names",
        responses={200: AuthProfileSerializer},
    )
    def get(self, request: Request) -> Response:
        return Response(AuthProfileSerializer(user_of(request)).data)


class ChangePasswordSerializer(serializers.Serializer):
    current_password = TextField(max_length=128, trim_whitespace=False)
    new_password = TextField(max_length=128, trim_whitespace=False)


class ChangePasswordView(APIView):
    """Change the password and end every other session of the account."""

    scope = "account"
    rate = "auth"

    @extend_schema(
        operation_id="change_password",
        summary="Change your password; your other sessions end",
        request=ChangePasswordSerializer,
        responses={200: MessageSerializer, **errors(400, 401, 403)},
        examples=request_example(
            {"current_password": "demo-firstlight", "new_password": "tin-lantern-9"}
        ),
    )
    def post(self, request: Request) -> Response:
        asked = validated(ChangePasswordSerializer, request.data)
        user, password = user_of(request), asked["new_password"]
        passwords.confirm_password(user, asked["current_password"])
        try:
            validate_password(password, user)
        except PasswordRefused as error:
            raise serializers.ValidationError({"new_password": error.messages}) from error
        session = request.auth if isinstance(request.auth, Session) else None
        passwords.change_password(user, password, keep=session)
        if session is None:
            update_session_auth_hash(request._request, user)
        return Response({"message": "Password changed"})
