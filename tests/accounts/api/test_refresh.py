"""POST /api/auth/refresh: a refresh token works once; a later second use ends the session."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.auth import tokens as auth_tokens
from accounts.models import Session, User
from tests.concurrency import run_concurrently

REFUSED = {"detail": "Invalid or expired refresh token", "code": "bad_credentials"}
UNREADABLE = {"detail": "Invalid or expired token", "code": "bad_credentials"}


def refresh(client: APIClient, token: object) -> Any:
    return client.post("/api/auth/refresh", {"refresh_token": token}, format="json")


def me(client: APIClient, token: str) -> int:
    return client.get("/api/auth/me", HTTP_AUTHORIZATION=f"Bearer {token}").status_code


@pytest.fixture
def tokens(alice: User) -> auth_tokens.Tokens:
    return auth_tokens.sign_in(alice, Session.Grant.PASSWORD)


def test_new_tokens_are_issued_when_the_refresh_token_is_valid(
    anonymous: APIClient, tokens: auth_tokens.Tokens
) -> None:
    answer = refresh(anonymous, tokens.refresh)
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    claims = AccessToken(body["access_token"])
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 86400
    assert body["refresh_token"] != tokens.refresh
    assert me(anonymous, body["access_token"]) == 200


def test_each_refresh_token_works_when_used_in_turn(
    anonymous: APIClient, tokens: auth_tokens.Tokens
) -> None:
    token = tokens.refresh
    for _ in range(3):
        answer = refresh(anonymous, token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]
    assert Session.objects.count() == 1


def later(seconds: float) -> Any:
    """A traveller to a time after now."""
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def test_every_token_of_the_session_is_revoked_when_one_is_replayed(
    anonymous: APIClient, tokens: auth_tokens.Tokens
) -> None:
    newer = refresh(anonymous, tokens.refresh).json()
    with later(10):
        replay = refresh(anonymous, tokens.refresh)
    assert (replay.status_code, replay.json()) == (401, REFUSED)
    assert refresh(anonymous, newer["refresh_token"]).status_code == 401
    assert me(anonymous, newer["access_token"]) == 401
    assert me(anonymous, tokens.access) == 401


def test_same_refresh_token_is_answered_when_a_client_repeats_itself_within_ten_seconds(
    anonymous: APIClient, tokens: auth_tokens.Tokens
) -> None:
    first = refresh(anonymous, tokens.refresh).json()
    with later(9):
        again = refresh(anonymous, tokens.refresh)
        assert (again.status_code, again.json()["refresh_token"]) == (200, first["refresh_token"])
        assert me(anonymous, again.json()["access_token"]) == 200
        assert refresh(anonymous, first["refresh_token"]).status_code == 200


def test_session_is_revoked_when_a_token_is_replayed_after_its_successor_was_used(
    anonymous: APIClient, tokens: auth_tokens.Tokens
) -> None:
    newer = refresh(anonymous, tokens.refresh).json()
    refresh(anonymous, newer["refresh_token"])
    assert refresh(anonymous, tokens.refresh).status_code == 401
    assert Session.objects.get().revoked_at is not None


def test_other_sessions_continue_when_one_is_revoked(
    anonymous: APIClient, alice: User, tokens: auth_tokens.Tokens
) -> None:
    elsewhere = auth_tokens.sign_in(alice, Session.Grant.PASSWORD)
    refresh(anonymous, tokens.refresh)
    with later(10):
        refresh(anonymous, tokens.refresh)
    assert me(anonymous, elsewhere.access) == 200


@pytest.mark.django_db(transaction=True)
def test_all_get_the_same_token_when_twenty_use_one_at_once(alice: User) -> None:
    token = auth_tokens.sign_in(alice, Session.Grant.PASSWORD).refresh
    answers = run_concurrently([partial(refresh, APIClient(), token) for _ in range(20)])
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert Session.objects.get().revoked_at is None


def test_refresh_is_refused_when_the_token_has_expired(
    anonymous: APIClient, tokens: auth_tokens.Tokens, settings: LazySettings
) -> None:
    later = timezone.now() + settings.JWT_REFRESH_LIFETIME + timedelta(minutes=1)
    with time_machine.travel(later):
        answer = refresh(anonymous, tokens.refresh)
    assert (answer.status_code, answer.json()) == (401, UNREADABLE)


def test_session_expiry_is_unchanged_when_refreshed(
    anonymous: APIClient, tokens: auth_tokens.Tokens, settings: LazySettings
) -> None:
    ends = Session.objects.get().expires_at
    refresh(anonymous, tokens.refresh)
    assert Session.objects.get().expires_at == ends


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "é.ü.ß", "eyJhbGciOiJub25lIn0.e30.", "."])
def test_refresh_is_refused_when_the_token_is_malformed(
    anonymous: APIClient, db: None, token: str
) -> None:
    answer = refresh(anonymous, token)
    assert (answer.status_code, answer.json()) == (401, UNREADABLE)
    assert answer["WWW-Authenticate"] == "Bearer"


def test_refresh_is_refused_when_an_access_token_is_sent(
    anonymous: APIClient, tokens: auth_tokens.Tokens
) -> None:
    assert refresh(anonymous, tokens.access).status_code == 401
    assert me(anonymous, tokens.access) == 200


def test_refresh_is_refused_when_the_user_is_inactive_or_the_session_deleted(
    anonymous: APIClient, alice: User, tokens: auth_tokens.Tokens
) -> None:
    User.objects.update(is_active=False)
    assert refresh(anonymous, tokens.refresh).json() == REFUSED
    User.objects.update(is_active=True)
    Session.objects.all().delete()
    assert refresh(anonymous, tokens.refresh).json() == REFUSED


@pytest.mark.parametrize("token", [None, "", 5, [], {}, "x" * 4097])
def test_answer_is_422_when_the_field_is_invalid(
    anonymous: APIClient, db: None, token: object
) -> None:
    assert refresh(anonymous, token).status_code == 422
