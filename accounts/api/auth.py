"""/api/auth: signing up, in and out by JSON."""

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as PasswordRefused
from django.db import IntegrityError, transaction
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.public import Public
from accounts.auth import second_factor
from accounts.auth import tokens as auth_tokens
from accounts.models import Session, User
from accounts.people import signup
from billing.ledger import credits

# An address may become the username, and has to fit there.
ADDRESS_MAX = 150


class RegisterBody(serializers.Serializer):
    email = serializers.EmailField(max_length=ADDRESS_MAX)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    username = serializers.RegexField(r"^[\w.@+-]+$", min_length=3, max_length=50, required=False)
    name = serializers.CharField(max_length=80, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["username"] = attrs.get("username") or attrs["email"]
        if not signup.may_be_called(attrs["username"], attrs["email"]):
            raise serializers.ValidationError({"username": ["A username may not be an address."]})
        draft = User(username=attrs["username"], email=attrs["email"])
        try:
            validate_password(attrs["password"], draft)
        except PasswordRefused as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class Register(Public):
    """B01: open an account; answers with its first tokens."""

    def post(self, request: Request) -> Response:
        body = RegisterBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        try:
            with transaction.atomic():
                user = signup.open_account(
                    wanted["username"],
                    wanted["email"],
                    wanted["password"],
                    display_name=wanted.get("name", ""),
                )
        except IntegrityError as error:
            taken = "This name or address is already in use."
            raise serializers.ValidationError({"email": [taken]}, code="taken") from error
        tokens = auth_tokens.sign_in(user, Session.Grant.PASSWORD)
        return Response(signed_in(user, tokens), status=201)


class LoginBody(serializers.Serializer):
    username = serializers.CharField(max_length=254, required=False)
    email = serializers.CharField(max_length=254, required=False)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    code = serializers.CharField(max_length=16, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs.get("username") or attrs.get("email")):
            required = serializers.ErrorDetail("field required", code="required")
            raise serializers.ValidationError({"username": [required]})
        return attrs


class Login(Public):
    """A01, B02: sign in with a username or an address, and a code for who has a second factor."""

    def post(self, request: Request) -> Response:
        body = LoginBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        login = asked.get("username") or asked["email"]
        user = auth_tokens.check_password(request, login, asked["password"])
        second_factor.check(user, asked.get("code", ""))
        return Response(signed_in(user, auth_tokens.sign_in(user, Session.Grant.PASSWORD)))


class RefreshBody(serializers.Serializer):
    refresh_token = serializers.CharField(max_length=4096)


class Refresh(Public):
    """C04: a new pair of tokens for a refresh token, which is then used up."""

    def post(self, request: Request) -> Response:
        body = RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(auth_tokens.refresh(body.validated_data["refresh_token"]).body())


class Logout(APIView):
    """C05: end the session of the token that asks."""

    scope = "account"

    def post(self, request: Request) -> Response:
        if isinstance(request.auth, Session):
            auth_tokens.sign_out(request.auth)
        return Response({"message": "Successfully logged out"})


class Me(APIView):
    """C06: who the token stands for."""

    def get(self, request: Request) -> Response:
        user = request.user
        assert isinstance(user, User)
        return Response(
            {
                "id": str(user.pk),
                "email": user.email,
                "username": user.username,
                "name": user.name,
                "credits": credits.available(user),
                "avatar_url": user.avatar_url or None,
                "is_verified": user.is_verified,
            }
        )


class TestLoginQuery(serializers.Serializer):
    email = serializers.EmailField(max_length=ADDRESS_MAX, default="test@example.com")


class TestLogin(Public):
    """C07: create or sign in a test user; development only, and never into a real account."""

    def post(self, request: Request) -> Response:
        if settings.PRODUCTION:
            raise PermissionDenied("Not available in production")
        query = TestLoginQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        user = signup.test_user(query.validated_data["email"])
        return Response(auth_tokens.sign_in(user, Session.Grant.TEST).body())


def signed_in(user: User, tokens: auth_tokens.Tokens) -> dict[str, Any]:
    """The one answer that serves all three systems. Source: K1."""
    return {
        "token": tokens.access,
        **tokens.body(),
        "user": {
            "id": str(user.pk),
            "username": user.username,
            "email": user.email,
            "name": user.name,
        },
    }
