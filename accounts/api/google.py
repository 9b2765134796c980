"""POST /api/auth/google/login: an authorization code for our own tokens."""

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.public import Public
from accounts.auth import second_factor, tokens
from accounts.models import Session
from accounts.people import google


class GoogleBody(serializers.Serializer):
    code = serializers.CharField(max_length=2048)
    redirect_uri = serializers.CharField(max_length=500, required=False)
    # For clients that sent a PKCE challenge.
    code_verifier = serializers.RegexField(r"^[A-Za-z0-9._~-]{43,128}\Z", required=False)
    # Of an authenticator app, for who has a second factor here.
    mfa_code = serializers.CharField(max_length=16, required=False)


class GoogleLogin(Public):
    """C03; who has a second factor sends its code too, for Google's alone is not enough."""

    def post(self, request: Request) -> Response:
        if not settings.GOOGLE_CLIENT_ID:
            raise PermissionDenied("Google sign-in is not configured")
        body = GoogleBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        identity = google.exchange(
            request._request,
            asked["code"],
            asked.get("redirect_uri", settings.GOOGLE_REDIRECT_URIS[0]),
            asked.get("code_verifier", ""),
        )
        user = google.user_of(identity)
        second_factor.check(user, asked.get("mfa_code", ""))
        return Response(tokens.sign_in(user, Session.Grant.GOOGLE).body())
