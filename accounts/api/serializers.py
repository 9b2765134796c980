"""Answers of the account API, in the words of each documented system."""

from typing import Any

from rest_framework import serializers

from accounts.auth.tokens import Tokens
from accounts.models import User
from accounts.people import profile
from billing.ledger import credits
from config.lib.api.serializers import BlankAsNullField


class UserSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField()


class TokensSerializer(serializers.Serializer):
    """A pair of tokens; `expires_in` is how long the access token lives, in seconds."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.ChoiceField(["bearer"])
    expires_in = serializers.IntegerField()


class FirstTokensSerializer(TokensSerializer):
    """`api_key` is only in the answer that opens the account; no other answer shows it."""

    api_key = serializers.CharField(required=False)


class SignInSerializer(TokensSerializer):
    """`token` equals `access_token`."""

    token = serializers.CharField()
    user = UserSerializer()


class RegisteredSerializer(SignInSerializer):
    """`api_key` is the account's first API key; no other answer shows it."""

    api_key = serializers.CharField()


def tokens_body(tokens: Tokens, api_key: str | None) -> dict[str, Any]:
    """Return the body of a sign-in of system C, with the key that a new account got."""
    return {**tokens.body(), **({"api_key": api_key} if api_key else {})}


def sign_in_body(user: User, tokens: Tokens, api_key: str | None = None) -> dict[str, Any]:
    """Return the one body that serves the clients of all three systems. Source: K1."""
    account = UserSerializer(user).data
    return {"token": tokens.access, **tokens_body(tokens, api_key), "user": account}


class _AccountSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.CharField()
    username = serializers.CharField()
    name = serializers.CharField()


class CurrentUserSerializer(_AccountSerializer):
    """Source: C06."""

    credits = serializers.SerializerMethodField()
    avatar_url = BlankAsNullField()
    is_verified = serializers.BooleanField()

    def get_credits(self, user: User) -> int:
        return credits.available(user)


class AuthProfileSerializer(_AccountSerializer):
    """The account with camelCase names. Source: B03, B15."""

    createdAt = serializers.DateTimeField(source="date_joined")  # noqa: N815 - B's own name
    updatedAt = serializers.DateTimeField(source="updated_at")  # noqa: N815


class ProfileSerializer(_AccountSerializer):
    """Source: C29."""

    avatar_url = BlankAsNullField()
    region = serializers.SerializerMethodField()
    language = serializers.ChoiceField(User.Language.values)
    credits = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="date_joined")
    last_login_at = serializers.DateTimeField(source="last_login", allow_null=True)

    def get_region(self, user: User) -> str:
        return profile.region_of(user)

    def get_credits(self, user: User) -> int:
        return credits.available(user)
