"""POST /api/auth/google/login: exchange Google's authorization code for our tokens."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.public import PublicView
from accounts.api.serializers import FirstTokensSerializer, tokens_body
from accounts.auth import api_keys, second_factor, tokens
from accounts.auth.errors import BadCredentials
from accounts.models import Session
from accounts.people import google, identities
from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import RegexField, TextField


class GoogleLoginSerializer(serializers.Serializer):
    code = TextField(max_length=2048)
    redirect_uri = TextField(max_length=500, required=False)
    # For clients that sent a PKCE challenge.
    code_verifier = RegexField(r"^[A-Za-z0-9._~-]{43,128}\Z", required=False)
    # The authenticator app's code, for accounts with two-factor sign-in.
    mfa_code = TextField(max_length=16, required=False)
    # The token of an invitation, where opening an account needs one.
    invitation = TextField(max_length=64, required=False, allow_blank=True)


class GoogleLoginView(PublicView):
    """C03. An account with two-factor sign-in also needs its code: Google's alone is not enough."""

    @extend_schema(
        operation_id="google_login",
        summary="Sign in with Google's authorization code",
        request=GoogleLoginSerializer,
        responses={200: FirstTokensSerializer, **errors(401, 403)},
        examples=request_example({"code": "4/0AX4XfWh"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(GoogleLoginSerializer, request.data)
        if not settings.GOOGLE_CLIENT_ID:  # then no code is a good one
            raise BadCredentials("Google sign-in is not configured")
        identity = google.exchange_code(
            request._request,
            asked["code"],
            asked.get("redirect_uri", settings.GOOGLE_REDIRECT_URIS[0]),
            asked.get("code_verifier", ""),
        )
        user = identities.user_of(identity, invitation=asked.get("invitation", ""))
        second_factor.check(user, asked.get("mfa_code", ""))
        api_key = api_keys.issue_first(user)
        return Response(tokens_body(tokens.sign_in(user, Session.Grant.GOOGLE), api_key))
