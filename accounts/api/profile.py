"""/api/users/profile and /api/auth/profile: one person, in the words of systems C and B."""

from typing import Any, cast

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as PasswordRefused
from django.core.validators import URLValidator
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import tokens
from accounts.models import Session, User
from accounts.people import profile
from billing.ledger import credits


class ProfileBody(serializers.Serializer):
    username = serializers.CharField(max_length=254, required=False)
    name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    # Shown, never fetched.
    avatar_url = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        validators=[URLValidator(["http", "https"])],
    )
    region = serializers.RegexField(r"^[A-Z]{2}\Z", required=False, allow_blank=True)
    language = serializers.CharField(max_length=16, required=False)


class Profile(APIView):
    """C29, C30."""

    scope = "account"

    def get(self, request: Request) -> Response:
        return Response(shown(cast("User", request.user)))

    def put(self, request: Request) -> Response:
        body = ProfileBody(data=request.data)
        body.is_valid(raise_exception=True)
        changes: dict[str, Any] = dict(body.validated_data)
        if "name" in changes:
            changes["display_name"] = changes.pop("name")
        user = cast("User", request.user)
        profile.update(user, **changes)
        return Response(shown(user))


class AuthProfile(APIView):
    """B03, B15."""

    def get(self, request: Request) -> Response:
        user = cast("User", request.user)
        return Response(
            {
                "id": str(user.pk),
                "email": user.email,
                "username": user.username,
                "name": user.name,
                "createdAt": user.date_joined,
                "updatedAt": user.updated_at,
            }
        )


class PasswordBody(serializers.Serializer):
    current_password = serializers.CharField(max_length=128, trim_whitespace=False)
    new_password = serializers.CharField(max_length=128, trim_whitespace=False)


class Password(APIView):
    """Change the password; whoever else is signed in to the account is not any more."""

    scope = "account"
    rate = "auth"

    def post(self, request: Request) -> Response:
        body = PasswordBody(data=request.data)
        body.is_valid(raise_exception=True)
        user = cast("User", request.user)
        tokens.confirm(user, body.validated_data["current_password"])
        password = body.validated_data["new_password"]
        try:
            validate_password(password, user)
        except PasswordRefused as error:
            raise serializers.ValidationError({"new_password": error.messages}) from error
        asking = request.auth if isinstance(request.auth, Session) else None
        tokens.change_password(user, password, but=asking)
        if asking is None:
            update_session_auth_hash(request._request, user)
        return Response({"message": "Password changed"})


def shown(user: User) -> dict[str, Any]:
    return {
        "id": str(user.pk),
        "email": user.email,
        "username": user.username,
        "name": user.name,
        "avatar_url": user.avatar_url or None,
        "region": profile.region_of(user),
        "language": user.language,
        "credits": credits.available(user),
        "created_at": user.date_joined,
        "last_login_at": user.last_login,
    }
