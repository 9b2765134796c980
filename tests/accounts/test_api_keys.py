"""/api/users/api-keys, and what a key may do."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys, errors, tokens
from accounts.models import ApiKey, Session, User
from tests.billing.conftest import outcomes

PATH = "/api/users/api-keys"
SIGNED_OUT = (401, {"detail": "Not authenticated"})
ORDER = {"prompt": "A boat", "seconds": 4}


def make(client: APIClient, **body: Any) -> Any:
    return client.post(PATH, {"name": "laptop", **body}, format="json")


def holding(user: User, *scopes: str, **fields: Any) -> APIClient:
    """A client with a new key of this user in X-API-Key."""
    return APIClient(headers={"X-API-Key": api_keys.issue(user, "test", list(scopes), **fields)[1]})


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def test_the_key_is_shown_once_when_made(api: APIClient, alice: User) -> None:
    answer = make(api)
    body = answer.json()
    row = ApiKey.objects.get()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert body == {
        "id": str(row.pk),
        "name": "laptop",
        "prefix": body["key"][:8],
        "last4": body["key"][-4:],
        "scopes": ["generate", "read"],
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
        "expires_at": None,
        "last_used_at": None,
        "key": body["key"],
    }
    listed = api.get(PATH).json()
    del body["key"]
    assert listed == {"api_keys": [body]}


def test_only_a_digest_is_kept(alice: User) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    (row,) = ApiKey.objects.values_list()
    assert not [value for value in row if text[3:] in str(value)]


def test_its_form_is_checked_without_asking_the_database(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    assert len(text) == 39
    other = "1" if text[10] == "0" else "0"
    for wrong in (
        text[:10] + other + text[11:],
        text[:-1],
        f"{text}0",
        "fl_",
        "",
        text[3:],
        "fl_é",
    ):
        with django_assert_num_queries(0), pytest.raises(errors.BadCredentials):
            api_keys.find(wrong)


def test_two_queries_suffice_when_a_key_is_used_again(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = holding(alice, "read")
    client.get("/api/auth/me")
    with django_assert_num_queries(2):
        client.get("/api/auth/me")


def test_a_key_stands_for_its_user_in_either_header(anonymous: APIClient, alice: User) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    for headers in ({"X-API-Key": text}, {"Authorization": f"Bearer {text}"}):
        answer = APIClient(headers=headers).get("/api/auth/me")
        assert (answer.status_code, answer.json()["id"]) == (200, str(alice.pk))
    assert ApiKey.objects.get().last_used_at is not None


def test_refused_when_key_and_token_are_of_two_users(alice: User, bob: User) -> None:
    client = holding(alice, "read", "generate")
    client.credentials(
        HTTP_AUTHORIZATION=f"Bearer {tokens.sign_in(bob, Session.Grant.PASSWORD).access}"
    )
    for answer in (client.get("/api/auth/me"), client.post("/api/videos", ORDER, format="json")):
        assert told(answer) == (403, {"detail": "The API key belongs to somebody else"})


def test_refused_when_one_of_the_two_is_bad(alice: User, api: APIClient) -> None:
    assert told(api.get("/api/auth/me", HTTP_X_API_KEY="fl_nothing")) == SIGNED_OUT
    client = holding(alice, "read")
    assert told(client.get("/api/auth/me", HTTP_AUTHORIZATION="Bearer x.y.z")) == SIGNED_OUT


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive", "unknown"])
def test_refused_when_the_key_is_not_living(alice: User, end: str) -> None:
    soon = timezone.now() + timedelta(minutes=1)
    client = holding(alice, "read", expires_at=soon)
    assert client.get("/api/auth/me").status_code == 200
    if end == "revoked":
        api_keys.revoke(ApiKey.objects.get())
    elif end == "inactive":
        User.objects.update(is_active=False)
    elif end == "unknown":
        ApiKey.objects.all().delete()
    with time_machine.travel(soon + timedelta(seconds=1) if end == "expired" else timezone.now()):
        assert told(client.get("/api/auth/me")) == SIGNED_OUT


# ---- scopes ----


@pytest.mark.parametrize("scopes", [["read"], ["generate"], ["billing"]])
def test_a_key_may_do_what_its_scope_says(alice: User, scopes: list[str]) -> None:
    client = holding(alice, *scopes)
    calls = {
        "read": client.get("/api/videos"),
        "generate": client.post("/api/videos", ORDER, format="json"),
        "billing": client.post("/api/payments/stripe/create", {"package": "none"}, format="json"),
    }
    allowed = {scope: answer.status_code for scope, answer in calls.items()}
    done = {"read": 200, "generate": 201, "billing": 400}
    assert allowed == {scope: done[scope] if scope in scopes else 403 for scope in done}


def test_the_missing_scope_is_named(alice: User) -> None:
    answer = holding(alice, "read").post("/api/videos", ORDER, format="json")
    message = "This API key may not do that: it needs the scope generate"
    assert told(answer) == (403, {"detail": message})


ACCOUNT = [
    ("get", PATH),
    ("post", PATH),
    ("delete", f"{PATH}/{UUID(int=7)}"),
    ("post", "/api/auth/logout"),
]


@pytest.mark.parametrize(("method", "path"), ACCOUNT)
def test_no_key_may_touch_the_account(alice: User, method: str, path: str) -> None:
    client = holding(alice, *ApiKey.Scope.values)
    assert getattr(client, method)(path).status_code == 403
    assert ApiKey.objects.active().count() == 1


def test_a_token_may_do_everything_when_a_weak_key_comes_along(api: APIClient, alice: User) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    assert api.post("/api/videos", ORDER, format="json", HTTP_X_API_KEY=text).status_code == 201


def test_token_and_key_are_both_needed_when_so_configured(
    api: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.REQUIRE_API_KEY = True
    alone = holding(alice, *ApiKey.Scope.values)
    both = api_keys.issue(alice, "laptop", ["generate"])[1]

    def order(client: APIClient, **headers: Any) -> int:
        return client.post("/api/videos", ORDER, format="json", **headers).status_code

    assert [order(alone), order(api), order(api, HTTP_X_API_KEY=both)] == [401, 403, 201]
    assert alone.get("/api/videos").status_code == 200


# ---- making and revoking ----


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"scopes": ["read"] * 4}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": 5}, "expires_at"),
    ],
)
def test_refused_when_a_field_is_bad(api: APIClient, body: dict[str, Any], field: str) -> None:
    answer = make(api, **body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"][:2]) == (422, ["body", field])
    assert ApiKey.objects.count() == 0


def test_ten_keys_and_no_more_when_twelve_are_made_at_once(transactional_db: None) -> None:
    from tests.conftest import create_user, signed_in

    alice = create_user("alice")
    clients = [signed_in(alice) for _ in range(12)]
    answers = outcomes([partial(make, client) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [400] * 2
    refused = {
        "detail": "You have reached the limit of 10 API keys. Revoke one to create another.",
        "code": "too_many_keys",
    }
    assert [a.json() for a in answers if a.status_code == 400] == [refused] * 2
    api_keys.revoke(ApiKey.objects.first() or ApiKey())
    assert make(clients[0]).status_code == 201


def test_a_revoked_key_is_no_longer_listed(api: APIClient, alice: User) -> None:
    made = make(api).json()
    assert told(api.delete(f"{PATH}/{made['id']}")) == (200, {"success": True})
    assert api.get(PATH).json() == {"api_keys": []}
    assert api.delete(f"{PATH}/{made['id']}").status_code == 404


def test_a_strangers_key_is_as_unknown_as_any(stranger: APIClient, api: APIClient) -> None:
    made = make(api).json()
    unknown = {"detail": "Resource not found"}
    assert told(stranger.delete(f"{PATH}/{made['id']}")) == (404, unknown)
    assert told(stranger.delete(f"{PATH}/{uuid4()}")) == (404, unknown)
    assert stranger.get(PATH).json() == {"api_keys": []}
    assert ApiKey.objects.active().count() == 1


@pytest.mark.parametrize(("method", "path"), ACCOUNT)
def test_refused_when_anonymous(anonymous: APIClient, db: None, method: str, path: str) -> None:
    assert told(getattr(anonymous, method)(path)) == SIGNED_OUT
