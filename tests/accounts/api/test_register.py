"""POST /api/auth/register."""

from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import ApiKey, User
from billing.ledger import credits, invariants
from tests.concurrency import run_concurrently

VALID = {"email": "carol@example.com", "password": "tin-lantern-9", "name": "Carol"}


def register(client: APIClient, **body: Any) -> Any:
    return client.post("/api/auth/register", body, format="json")


def test_account_is_created_when_all_fields_are_sent(anonymous: APIClient, db: None) -> None:
    answer = register(anonymous, **VALID)
    user = User.objects.get()
    assert answer.status_code == 201
    assert answer.json()["user"] == {
        "id": str(user.pk),
        "username": "carol@example.com",
        "email": "carol@example.com",
        "name": "Carol",
    }
    assert user.check_password("tin-lantern-9")
    assert [(e.type, e.amount) for e in credits.history(user)] == [("bonus", 100)]


def test_token_works_when_registered(anonymous: APIClient, db: None) -> None:
    token = register(anonymous, **VALID).json()["token"]
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert anonymous.get("/api/auth/me").json()["credits"] == 100


def test_first_api_key_is_in_the_answer_when_registered(
    anonymous: APIClient, db: None, settings: LazySettings
) -> None:
    settings.REQUIRE_API_KEY = True
    body = register(anonymous, **VALID).json()
    both = APIClient(
        headers={"Authorization": f"Bearer {body['access_token']}", "X-API-Key": body["api_key"]}
    )
    made = both.post("/api/videos/text-to-video", {"prompt": "A boat"}, format="json")
    assert made.status_code == 200
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, str(key.user.pk)) == (
        "First key",
        ["generate", "read"],
        body["user"]["id"],
    )
    asked = {"email": VALID["email"], "password": VALID["password"]}
    again = anonymous.post("/api/auth/login", asked, format="json")
    assert (again.status_code, "api_key" in again.json()) == (200, False)


def test_username_is_kept_when_given(anonymous: APIClient, db: None) -> None:
    answer = register(anonymous, **VALID, username="carol")
    assert (answer.status_code, answer.json()["user"]["username"]) == (201, "carol")


@pytest.mark.parametrize(
    "body",
    [
        {"email": "alice@example.com"},
        {"email": "ALICE@EXAMPLE.COM"},
        {"email": "other@example.com", "username": "alice"},
        {"email": "other@example.com", "username": "ALICE"},
    ],
)
def test_registration_is_refused_when_the_username_or_address_is_taken(
    anonymous: APIClient, alice: User, body: dict[str, str]
) -> None:
    answer = register(anonymous, password="tin-lantern-9", **body)
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": "This name or address is already in use.",
        "code": "taken",
    }
    assert list(User.objects.all()) == [alice]
    assert invariants.problems() == []


@pytest.mark.parametrize("password", ["short-1", "password123", "carol@example.com", "x" * 129])
def test_registration_is_refused_when_the_password_is_weak(
    anonymous: APIClient, db: None, password: str
) -> None:
    answer = register(anonymous, email="carol@example.com", password=password)
    assert (answer.status_code, User.objects.count()) == (422, 0)
    assert answer.json()["detail"][0]["loc"] == ["body", "password"]


def test_errors_name_the_fields_when_they_are_missing(anonymous: APIClient, db: None) -> None:
    missing = [
        {"loc": ["body", name], "msg": "field required", "type": "value_error.missing"}
        for name in ("email", "password")
    ]
    assert register(anonymous).json() == {"detail": missing}


@pytest.mark.parametrize(
    "body",
    [
        {"email": "no-address"},
        {"email": f"carol@{'x' * 60}.{'y' * 60}.{'z' * 60}.com"},  # too long to be a username
        {"username": "no spaces"},
        {"username": "ab"},
        {"username": "x" * 51},
        {"username": "<b>"},
        {"name": "x" * 81},
        {"name": "a\x00b"},
        {"email": None},
        {"email": ["carol@example.com"]},
        {"password": {"a": 1}},
    ],
)
def test_registration_is_refused_when_a_field_is_invalid(
    anonymous: APIClient, db: None, body: dict[str, Any]
) -> None:
    answer = register(anonymous, **{**VALID, **body})
    assert (answer.status_code, User.objects.count()) == (422, 0)
    assert [error["loc"] for error in answer.json()["detail"]] == [["body", *body]]


def test_one_account_is_created_when_registered_six_times_at_once(transactional_db: None) -> None:
    calls = [partial(register, APIClient(), **VALID) for _ in range(6)]
    codes = sorted(answer.status_code for answer in run_concurrently(calls))
    assert codes == [201, 400, 400, 400, 400, 400]
    assert credits.available(User.objects.get()) == 100
    assert invariants.problems() == []
