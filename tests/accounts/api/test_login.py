"""POST /api/auth/login."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Session, User

WRONG = {"detail": "Incorrect username or password", "code": "bad_credentials"}


def login(client: APIClient, path: str = "/api/auth/login", **body: Any) -> Any:
    extra = body.pop("extra", {})
    return client.post(path, body, format="json", **extra)


def test_answer_has_the_documented_body_when_the_password_is_right(
    anonymous: APIClient, alice: User
) -> None:
    answer = login(anonymous, username="alice", password="alice-password")
    body = answer.json()
    assert answer.status_code == 200
    assert body == {
        "token": body["access_token"],
        "access_token": body["access_token"],
        "refresh_token": body["refresh_token"],
        "token_type": "bearer",
        "expires_in": 604800,
        "user": {
            "id": str(alice.pk),
            "username": "alice",
            "email": "alice@example.com",
            "name": "alice",
        },
    }
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "body",
    [
        {"username": "alice"},
        {"username": "ALICE"},
        {"username": "alice@example.com"},
        {"email": "alice@example.com"},
        {"email": "Alice@Example.COM"},
        {"email": "alice"},
    ],
)
def test_user_is_signed_in_by_username_or_address(
    anonymous: APIClient, alice: User, body: dict[str, str]
) -> None:
    answer = login(anonymous, password="alice-password", **body)
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, str(alice.pk))


def test_expires_in_matches_the_token_when_the_lifetime_is_configured(
    anonymous: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.JWT_PASSWORD_LIFETIME = timedelta(hours=3)
    body = login(anonymous, username="alice", password="alice-password").json()
    claims = AccessToken(body["token"])
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 10800
    assert claims["sub"] == str(alice.pk)


@pytest.mark.parametrize(
    "body",
    [
        {"username": "alice", "password": "alice-Password"},
        {"username": "alice", "password": " alice-password"},
        {"username": "nobody", "password": "alice-password"},
        {"email": "nobody@example.com", "password": "alice-password"},
    ],
)
def test_answer_is_the_same_when_the_username_or_the_password_is_wrong(
    anonymous: APIClient, alice: User, body: dict[str, str]
) -> None:
    answer = login(anonymous, **body)
    assert (answer.status_code, answer.json()) == (401, WRONG)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert Session.objects.count() == 0


def test_sign_in_is_refused_when_the_user_is_inactive(anonymous: APIClient, alice: User) -> None:
    User.objects.update(is_active=False)
    answer = login(anonymous, username="alice", password="alice-password")
    assert (answer.status_code, answer.json()) == (401, WRONG)


def test_sign_in_is_refused_when_the_account_has_no_password(
    anonymous: APIClient, alice: User
) -> None:
    User.objects.update(password=make_password(None))
    assert login(anonymous, username="alice", password="").status_code == 422
    assert login(anonymous, username="alice", password="!").status_code == 401


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 401), ("", 401), ("localhost", 401)],
)
def test_first_run_password_is_refused_when_the_client_is_remote(
    anonymous: APIClient, alice: User, address: str, status: int
) -> None:
    User.objects.update(must_change_password=True)
    extra = {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    answer = login(anonymous, username="alice", password="alice-password", extra=extra)
    assert answer.status_code == status


def test_sign_in_succeeds_when_the_hash_is_an_imported_bcrypt(
    anonymous: APIClient, alice: User, settings: LazySettings
) -> None:
    bcrypt = "django.contrib.auth.hashers.BCryptPasswordHasher"
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, bcrypt]
    known = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
    User.objects.update(password=f"bcrypt${known}")
    assert login(anonymous, username="alice", password="secret").status_code == 200


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"password": "x"}, ["body", "username"]),
        ({"username": "alice"}, ["body", "password"]),
        ({"username": "alice", "password": None}, ["body", "password"]),
        ({"username": ["alice"], "password": "x"}, ["body", "username"]),
        ({"username": "a\x00", "password": "x"}, ["body", "username"]),
        ({"username": "alice", "password": "x" * 129}, ["body", "password"]),
    ],
)
def test_error_names_the_field_when_it_is_invalid(
    anonymous: APIClient, db: None, body: dict[str, Any], loc: list[str]
) -> None:
    answer = login(anonymous, **body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, loc)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"username": "alice", "username": "bob", "password": "x"}',
        b'{"username": "alice", "password": 1e400}',
        b"\xff",
    ],
    ids=["deep", "twice", "infinite", "no text"],
)
def test_answer_is_400_when_the_json_is_hostile(
    anonymous: APIClient, db: None, body: bytes
) -> None:
    answer = anonymous.post("/api/auth/login", body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"detail": "The body could not be read."})


def test_answer_is_405_in_json_when_the_method_is_get(anonymous: APIClient) -> None:
    answer = anonymous.get("/api/auth/login")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "GET" not allowed.'})
