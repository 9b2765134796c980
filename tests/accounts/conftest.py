"""Sign-in with Google: the fixture that starts the provider, and a sign-in through the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.conf import LazySettings
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.auth import tokens
from accounts.models import User
from tests.accounts.google_provider import CLIENT, SECRET, GoogleProvider
from tests.accounts.provider_server import ProviderServer

PATH = "/api/auth/google/login"
CALLBACK = "https://app.example.com/auth/callback"
VERA = {"sub": "1001", "email": "vera@example.com", "email_verified": True, "name": "Vera Long"}


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Forget the failed sign-ins that allauth counted in earlier tests."""
    cache.clear()


@pytest.fixture
def google(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleProvider]:
    provider = GoogleProvider(person=dict(VERA))
    with ProviderServer(provider):
        settings.GOOGLE_CLIENT_ID = CLIENT
        settings.GOOGLE_REDIRECT_URIS = [CALLBACK, "http://localhost:3000/auth/callback"]
        apps = [{"client_id": CLIENT, "secret": SECRET}]
        ours = {**settings.SOCIALACCOUNT_PROVIDERS["google"], "APPS": apps}
        settings.SOCIALACCOUNT_PROVIDERS = {"google": ours}
        for name, path in {
            "authorize_url": "authorize",
            "access_token_url": "token",
            "identity_url": "userinfo",
        }.items():
            monkeypatch.setattr(GoogleOAuth2Adapter, name, f"{provider.url}/{path}")
        yield provider


def sign_in_with_code(google: GoogleProvider, **body: Any) -> Any:
    """Sign in through the API with a fresh code."""
    code = body.pop("code", None) or google.code(body.get("redirect_uri", CALLBACK))
    return APIClient().post(PATH, {"code": code, **body}, format="json")


def user_of(answer: Any) -> User:
    token = answer.json()["access_token"]
    return tokens.session_of(token).user
