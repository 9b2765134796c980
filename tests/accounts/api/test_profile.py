"""/api/users/profile and /api/auth/profile."""

from datetime import datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from tests.conftest import create_user

PATH = "/api/users/profile"


def put(client: APIClient, **body: Any) -> Any:
    return client.put(PATH, body, format="json")


def iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def test_profile_has_the_documented_body(api: APIClient, alice: User) -> None:
    alice.refresh_from_db()
    answer = api.get(PATH)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": str(alice.pk),
            "email": "alice@example.com",
            "username": "alice",
            "name": "alice",
            "avatar_url": None,
            "region": "US",
            "language": "en",
            "credits": 100,
            "created_at": iso(alice.date_joined),
            "last_login_at": iso(alice.last_login),
        },
    )


def test_profile_needs_two_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        api.get(PATH)


def test_profile_alias_has_the_field_names_of_system_b(api: APIClient, alice: User) -> None:
    assert api.get("/api/auth/profile").json() == {
        "id": str(alice.pk),
        "email": "alice@example.com",
        "username": "alice",
        "name": "alice",
        "createdAt": iso(alice.date_joined),
        "updatedAt": iso(alice.updated_at),
    }


def test_sent_fields_are_changed(api: APIClient, alice: User) -> None:
    before = api.get(PATH).json()
    changes = {"username": "liz", "avatar_url": "https://example.com/a.png", "language": "zh-CN"}
    answer = put(api, **changes)
    assert (answer.status_code, answer.json()) == (
        200,
        {**before, **changes, "name": "liz", "region": "CN"},
    )
    assert api.get(PATH).json() == answer.json()
    stamp = User.objects.get().updated_at
    assert stamp > alice.updated_at


def test_field_is_unchanged_when_it_is_left_out(api: APIClient) -> None:
    put(api, avatar_url="http://example.com/a.png", region="DE", name="Liz")
    before = api.get(PATH).json()
    assert put(api, language="ja").json() == {**before, "language": "ja"}
    assert put(api, avatar_url="", region="", name="").json()["region"] == "JP"


@pytest.mark.parametrize("language", ["zh-CN", "zh-TW", "en", "ja", "ko"])
def test_every_documented_language_is_accepted(api: APIClient, language: str) -> None:
    assert put(api, language=language).json()["language"] == language


@pytest.mark.parametrize("language", ["de", "EN", "zh", "x", "en_US"])
def test_change_is_refused_when_the_language_is_unknown(api: APIClient, language: str) -> None:
    message = "Unknown language. Use zh-CN, zh-TW, en, ja or ko."
    answer = put(api, language=language, username="liz")
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": message, "code": "bad_profile", "field": "language"},
    )
    assert User.objects.get().username == "alice"


@pytest.mark.parametrize(
    ("username", "message"),
    [
        ("ab", "A username has 3 to 50 characters."),
        ("x" * 51, "A username has 3 to 50 characters."),
        ("a b c", "A username has letters, digits and . + - _ only."),
        ("<b>x", "A username has letters, digits and . + - _ only."),
        ("bob", "This name is already in use."),
        ("BOB", "This name is already in use."),
        ("bob@example.com", "A username may not be an e-mail address."),
        ("nobody@example.com", "A username may not be an e-mail address."),
    ],
)
def test_change_is_refused_when_the_username_is_invalid_or_taken(
    api: APIClient, bob: User, username: str, message: str
) -> None:
    answer = put(api, username=username, language="ja")
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": message, "code": "bad_profile", "field": "username"},
    )
    alice = User.objects.get(email="alice@example.com")
    assert (alice.username, alice.language) == ("alice", "en")


def test_username_is_accepted_when_it_is_the_users_own_address(api: APIClient) -> None:
    assert put(api, username="Alice@example.com").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"username": ["x"]},
        {"username": "a\x00b"},
        {"name": "x" * 81},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "ftp://example.com/a"},
        {"avatar_url": "//example.com/a"},
        {"avatar_url": "https://" + "x" * 500},
        {"region": "China"},
        {"region": "cn"},
        {"language": {}},
    ],
)
def test_error_names_the_field_when_it_is_invalid(api: APIClient, body: dict[str, Any]) -> None:
    answer = put(api, **body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", *body])


@pytest.mark.parametrize(
    ("method", "path"), [("get", PATH), ("put", PATH), ("get", "/api/auth/profile")]
)
def test_call_is_refused_when_anonymous(
    anonymous: APIClient, db: None, method: str, path: str
) -> None:
    answer = getattr(anonymous, method)(path)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_key_reads_the_profile_but_cannot_change_it(alice: User) -> None:
    client = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read", "generate"])[1]})
    assert (client.get(PATH).status_code, put(client, name="x").status_code) == (200, 403)


@pytest.mark.parametrize("username", ["alice@example.com", "ALICE@example.com", "x@example.com"])
def test_registration_is_refused_when_the_username_is_another_address(
    anonymous: APIClient, alice: User, username: str
) -> None:
    body = {"email": "eve@example.com", "username": username, "password": "tin-lantern-9"}
    answer = anonymous.post("/api/auth/register", body, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "username"])
    assert User.objects.count() == 1


def test_sign_up_on_the_page_is_refused_when_the_username_is_another_address(
    anonymous: APIClient, db: None
) -> None:
    create_user("alice")
    form = {"username": "alice@example.com", "email": "e@example.com", "password1": "tin-lantern-9"}
    answer = anonymous.post("/accounts/signup/", form)
    assert (answer.status_code, User.objects.count()) == (200, 1)
    assert b"A username may not be an e-mail address." in answer.content
