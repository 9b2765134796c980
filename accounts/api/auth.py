"""/api/auth: register, sign in and out, refresh tokens."""

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as PasswordRefused
from django.db import IntegrityError
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.public import PublicView
from accounts.api.serializers import (
    CurrentUserSerializer,
    FirstTokensSerializer,
    RegisteredSerializer,
    SignInSerializer,
    TokensSerializer,
    sign_in_body,
    tokens_body,
)
from accounts.auth import api_keys, passwords, second_factor
from accounts.auth import tokens as auth_tokens
from accounts.auth.errors import NameTaken
from accounts.models import Session, User
from accounts.people import address_hiding, admission, signup
from billing.referrals import invitations, switch
from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import MessageSerializer, validated
from config.lib.api.strict_fields import EmailField, RegexField, TextField
from config.lib.web.responses import user_of

# An address may become the username, and has to fit there.
ADDRESS_MAX = 150
CONFIRM = "We sent an e-mail to this address. Open its link, then sign in."


class RegisterSerializer(serializers.Serializer):
    email = EmailField(max_length=ADDRESS_MAX)
    password = TextField(max_length=128, trim_whitespace=False)
    username = RegexField(r"^[\w.@+-]+$", min_length=3, max_length=50, required=False)
    name = TextField(max_length=80, required=False, allow_blank=True)
    # The code of the link by which the user came; see GET /api/users/referral.
    referral = TextField(max_length=16, required=False, allow_blank=True)
    # The token of an invitation, where opening an account needs one: the last part of its link.
    invitation = TextField(max_length=64, required=False, allow_blank=True)

    def validate_referral(self, code: str) -> str:
        if code and switch.credits_each() and not invitations.is_code(code):
            raise serializers.ValidationError("No account has this referral code.")
        return code

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["username"] = attrs.get("username") or attrs["email"]
        if not signup.is_username_allowed(attrs["username"], attrs["email"]):
            raise serializers.ValidationError(
                {"username": ["A username may not be an e-mail address."]}
            )
        draft = User(username=attrs["username"], email=attrs["email"])
        try:
            validate_password(attrs["password"], draft)
        except PasswordRefused as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class RegisterView(PublicView):
    """B01: open an account and answer with its first tokens."""

    rate = "register"

    @extend_schema(
        operation_id="register",
        summary="Open an account",
        request=RegisterSerializer,
        responses={
            201: RegisteredSerializer,
            202: OpenApiResponse(MessageSerializer, "Confirm the address, then sign in"),
            **errors(400, 403),
        },
        examples=request_example(
            {"email": "ann@example.com", "password": "tin-lantern-9", "name": "Ann"}
        ),
    )
    def post(self, request: Request) -> Response:
        asked = validated(RegisterSerializer, request.data)
        account = (asked["username"], asked["email"], asked["password"])
        came_by = {name: asked.get(name, "") for name in ("referral", "invitation")}
        fields = {"display_name": asked.get("name", ""), **came_by}
        admission.check(asked["email"], came_by["invitation"])  # before a password is hashed
        if settings.HIDE_REGISTERED_ADDRESSES:
            address_hiding.register(*account, **fields)
            return Response({"message": CONFIRM}, status=202)
        try:
            user = signup.register(request, *account, **fields)
        except IntegrityError as error:
            raise NameTaken("This name or address is already in use.") from error
        tokens = auth_tokens.sign_in(user, Session.Grant.PASSWORD)
        return Response(sign_in_body(user, tokens, api_keys.issue_first(user)), status=201)


class LoginSerializer(serializers.Serializer):
    username = TextField(max_length=254, required=False)
    email = TextField(max_length=254, required=False)
    password = TextField(max_length=128, trim_whitespace=False)
    code = TextField(max_length=16, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs.get("username") or attrs.get("email")):
            required = serializers.ErrorDetail("field required", code="required")
            raise serializers.ValidationError({"username": [required]})
        return attrs


class LoginView(PublicView):
    """A01, B02: sign in with a username or an e-mail address, and with a code if 2FA is on."""

    rate = "login"

    @extend_schema(
        operation_id="login",
        summary="Sign in with a username or an e-mail address",
        request=LoginSerializer,
        responses={200: SignInSerializer, **errors(401)},
        examples=request_example({"username": "demo", "password": "demo-firstlight"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(LoginSerializer, request.data)
        login = asked.get("username") or asked["email"]
        user = passwords.check_password(request, login, asked["password"])
        second_factor.check(user, asked.get("code", ""))
        return Response(sign_in_body(user, auth_tokens.sign_in(user, Session.Grant.PASSWORD)))


class RefreshTokenSerializer(serializers.Serializer):
    refresh_token = TextField(max_length=4096)


class RefreshTokenView(PublicView):
    """C04: exchange a refresh token, which works once, for a new pair of tokens."""

    @extend_schema(
        operation_id="refresh",
        summary="Exchange a refresh token for new tokens; it works once",
        request=RefreshTokenSerializer,
        responses={200: TokensSerializer, **errors(401)},
        examples=request_example({"refresh_token": "eyJ"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(RefreshTokenSerializer, request.data)
        return Response(auth_tokens.refresh(asked["refresh_token"]).body())


class LogoutView(APIView):
    """C05: end the session of the token that the request carries."""

    scope = "account"

    @extend_schema(
        operation_id="logout",
        summary="Sign out: end the session of this token",
        responses={200: MessageSerializer},
    )
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, Session):
            auth_tokens.sign_out(request.auth)
        return Response({"message": "Successfully logged out"})


class CurrentUserView(APIView):
    """C06: the user whom the token or the key belongs to."""

    @extend_schema(
        operation_id="me",
        summary="Get the user of this token",
        responses={200: CurrentUserSerializer},
    )
    def get(self, request: Request) -> Response:
        return Response(CurrentUserSerializer(user_of(request)).data)


class TestLoginQuerySerializer(serializers.Serializer):
    email = EmailField(max_length=ADDRESS_MAX, default="test@example.com")


class TestLoginView(PublicView):
    """C07: create or sign in a test user; only in development, and never into a real account."""

    @extend_schema(
        operation_id="test_login",
        summary="Sign in a test user (development only)",
        parameters=[TestLoginQuerySerializer],
        request=None,
        responses={200: FirstTokensSerializer, **errors(403)},
    )
    def post(self, request: Request) -> Response:
        if settings.PRODUCTION:
            raise PermissionDenied("Not available in production")
        query = validated(TestLoginQuerySerializer, request.query_params)
        user = signup.get_or_open_test_user(query["email"])
        api_key = api_keys.issue_first(user)
        return Response(tokens_body(auth_tokens.sign_in(user, Session.Grant.TEST), api_key))
