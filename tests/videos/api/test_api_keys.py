"""/api/users/api-keys: keys, their limits and usage, and which calls a key allows."""

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
from accounts.auth.key_limits import KeyLimits
from accounts.models import ApiKey, Session, User
from tests.concurrency import run_concurrently
from tests.videos.conftest import failed
from tests.videos.conftest import order as video_order

PATH = "/api/users/api-keys"
SIGNED_OUT = (401, {"detail": "Not authenticated"})
ORDER = {"prompt": "A boat", "seconds": 4}


def create_key(client: APIClient, **body: Any) -> Any:
    return client.post(PATH, {"name": "laptop", **body}, format="json")


def client_with_key(user: User, *scopes: str, **fields: Any) -> APIClient:
    """A client with a new key of this user in X-API-Key."""
    return APIClient(headers={"X-API-Key": api_keys.issue(user, "test", list(scopes), **fields)[1]})


def status_and_body(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def test_key_is_shown_once_when_created(api: APIClient, alice: User) -> None:
    answer = create_key(api)
    body = answer.json()
    row = ApiKey.objects.get()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert body == {
        "id": str(row.pk),
        "name": "laptop",
        "prefix": body["key"][:8],
        "last4": body["key"][-4:],
        "scopes": ["generate", "read"],
        "created_at": row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "expires_at": None,
        "last_used_at": None,
        "credits_per_day": None,
        "allowed_models": [],
        "ip_ranges": [],
        "key": body["key"],
    }
    listed = api.get(PATH).json()
    del body["key"]
    assert listed == {"api_keys": [body]}


def test_only_a_digest_of_the_key_is_stored(alice: User) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    (row,) = ApiKey.objects.values_list()
    assert not [value for value in row if text[3:] in str(value)]


def test_no_query_is_made_when_a_key_is_malformed(
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
            api_keys.find(wrong, "")


def test_request_needs_two_queries_when_a_key_was_used_before(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_with_key(alice, "read")
    client.get("/api/auth/me")
    with django_assert_num_queries(2):
        client.get("/api/auth/me")


def test_key_authenticates_its_user_in_either_header(anonymous: APIClient, alice: User) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    for headers in ({"X-API-Key": text}, {"Authorization": f"Bearer {text}"}):
        answer = APIClient(headers=headers).get("/api/auth/me")
        assert (answer.status_code, answer.json()["id"]) == (200, str(alice.pk))
    assert ApiKey.objects.get().last_used_at is not None


def test_request_is_refused_when_key_and_token_belong_to_two_users(alice: User, bob: User) -> None:
    client = client_with_key(alice, "read", "generate")
    client.credentials(
        HTTP_AUTHORIZATION=f"Bearer {tokens.sign_in(bob, Session.Grant.PASSWORD).access}"
    )
    for answer in (client.get("/api/auth/me"), client.post("/api/videos", ORDER, format="json")):
        assert status_and_body(answer) == (403, {"detail": "The API key belongs to another user"})


def test_request_is_refused_when_either_key_or_token_is_invalid(
    alice: User, api: APIClient
) -> None:
    assert status_and_body(api.get("/api/auth/me", HTTP_X_API_KEY="fl_nothing")) == SIGNED_OUT
    client = client_with_key(alice, "read")
    assert (
        status_and_body(client.get("/api/auth/me", HTTP_AUTHORIZATION="Bearer x.y.z")) == SIGNED_OUT
    )


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive", "unknown"])
def test_key_is_refused_when_it_is_revoked_expired_or_unknown(alice: User, end: str) -> None:
    soon = timezone.now() + timedelta(minutes=1)
    client = client_with_key(alice, "read", expires_at=soon)
    assert client.get("/api/auth/me").status_code == 200
    if end == "revoked":
        api_keys.revoke(ApiKey.objects.get())
    elif end == "inactive":
        User.objects.update(is_active=False)
    elif end == "unknown":
        ApiKey.objects.all().delete()
    with time_machine.travel(soon + timedelta(seconds=1) if end == "expired" else timezone.now()):
        assert status_and_body(client.get("/api/auth/me")) == SIGNED_OUT


# ---- scopes ----


@pytest.mark.parametrize("scopes", [["read"], ["generate"], ["billing"]])
def test_key_allows_only_the_calls_of_its_scopes(alice: User, scopes: list[str]) -> None:
    client = client_with_key(alice, *scopes)
    calls = {
        "read": client.get("/api/videos"),
        "generate": client.post("/api/videos", ORDER, format="json"),
        "billing": client.post("/api/payments/stripe/create", {"package": "none"}, format="json"),
    }
    allowed = {scope: answer.status_code for scope, answer in calls.items()}
    done = {"read": 200, "generate": 201, "billing": 400}
    assert allowed == {scope: done[scope] if scope in scopes else 403 for scope in done}


def test_error_names_the_scope_when_it_is_missing(alice: User) -> None:
    answer = client_with_key(alice, "read").post("/api/videos", ORDER, format="json")
    message = "This API key may not do that: it needs the scope generate"
    assert status_and_body(answer) == (403, {"detail": message})


ACCOUNT_CALLS = [
    ("get", PATH),
    ("post", PATH),
    ("delete", f"{PATH}/{UUID(int=7)}"),
    ("get", f"{PATH}/{UUID(int=7)}"),
    ("patch", f"{PATH}/{UUID(int=7)}"),
    ("get", f"{PATH}/{UUID(int=7)}/usage"),
    ("post", "/api/auth/logout"),
]


@pytest.mark.parametrize(("method", "path"), ACCOUNT_CALLS)
def test_key_is_refused_when_the_call_changes_the_account(
    alice: User, method: str, path: str
) -> None:
    client = client_with_key(alice, *ApiKey.Scope.values)
    assert getattr(client, method)(path).status_code == 403
    assert ApiKey.objects.active().count() == 1


def test_token_allows_every_call_when_sent_with_a_read_only_key(
    api: APIClient, alice: User
) -> None:
    text = api_keys.issue(alice, "laptop", ["read"])[1]
    assert api.post("/api/videos", ORDER, format="json", HTTP_X_API_KEY=text).status_code == 201


def test_order_needs_token_and_key_when_the_settings_require_both(
    api: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.REQUIRE_API_KEY = True
    alone = client_with_key(alice, *ApiKey.Scope.values)
    both = api_keys.issue(alice, "laptop", ["generate"])[1]

    def order(client: APIClient, **headers: Any) -> int:
        return client.post("/api/videos", ORDER, format="json", **headers).status_code

    assert [order(alone), order(api), order(api, HTTP_X_API_KEY=both)] == [401, 403, 201]
    cookie = APIClient()
    cookie.force_login(alice)
    assert order(cookie) == 403
    assert alone.get("/api/videos").status_code == 200


@pytest.mark.parametrize("path", ["remix", "by body", "retry", "upload"])
def test_every_call_that_orders_needs_both_when_the_settings_require_it(
    api: APIClient, alice: User, settings: LazySettings, path: str
) -> None:
    settings.REQUIRE_API_KEY = True
    video = failed(video_order(alice))
    cookie = APIClient()
    cookie.force_login(alice)
    paths = {
        "remix": f"/api/videos/{video.pk}/remix",
        "by body": "/api/videos/remix",
        "retry": f"/api/tasks/{video.pk}/retry",
        "upload": "/api/videos/upload",
    }
    key = client_with_key(alice, *ApiKey.Scope.values)
    answers = [client.post(paths[path], {}, format="json") for client in (api, cookie, key)]
    assert [answer.status_code for answer in answers] == [403, 403, 401]


# ---- creating and revoking ----


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
        ({"credits_per_day": 0}, "credits_per_day"),
        ({"credits_per_day": "many"}, "credits_per_day"),
        ({"credits_per_day": 10_000_001}, "credits_per_day"),
        ({"allowed_models": ["sora-9"]}, "allowed_models"),
        ({"allowed_models": "sora-2"}, "allowed_models"),
        ({"allowed_models": ["sora-2"] * 51}, "allowed_models"),
        ({"ip_ranges": ["office"]}, "ip_ranges"),
        ({"ip_ranges": [5]}, "ip_ranges"),
        ({"ip_ranges": ["10.1.2.3/8"]}, "ip_ranges"),
        ({"ip_ranges": ["10.0.0.1"] * 21}, "ip_ranges"),
    ],
)
def test_no_key_is_created_when_a_field_is_invalid(
    api: APIClient, body: dict[str, Any], field: str
) -> None:
    answer = create_key(api, **body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"][:2]) == (422, ["body", field])
    assert ApiKey.objects.count() == 0


def test_ten_keys_are_created_when_twelve_are_requested_at_once(transactional_db: None) -> None:
    from tests.conftest import create_user, signed_in

    alice = create_user("alice")
    clients = [signed_in(alice) for _ in range(12)]
    answers = run_concurrently([partial(create_key, client) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [400] * 2
    refused = {
        "detail": "You have reached the limit of 10 API keys. Revoke one to create another.",
        "code": "too_many_keys",
    }
    assert [a.json() for a in answers if a.status_code == 400] == [refused] * 2
    api_keys.revoke(ApiKey.objects.first() or ApiKey())
    assert create_key(clients[0]).status_code == 201


def test_key_is_not_listed_when_revoked(api: APIClient, alice: User) -> None:
    made = create_key(api).json()
    assert status_and_body(api.delete(f"{PATH}/{made['id']}")) == (200, {"success": True})
    assert api.get(PATH).json() == {"api_keys": []}
    assert api.delete(f"{PATH}/{made['id']}").status_code == 404


def test_key_is_not_found_when_it_belongs_to_another_user(
    stranger: APIClient, api: APIClient
) -> None:
    made = create_key(api).json()
    unknown = {"detail": "Resource not found"}
    assert status_and_body(stranger.delete(f"{PATH}/{made['id']}")) == (404, unknown)
    assert status_and_body(stranger.delete(f"{PATH}/{uuid4()}")) == (404, unknown)
    assert stranger.get(PATH).json() == {"api_keys": []}
    assert ApiKey.objects.active().count() == 1


@pytest.mark.parametrize(("method", "path"), ACCOUNT_CALLS)
def test_call_is_refused_when_anonymous(
    anonymous: APIClient, db: None, method: str, path: str
) -> None:
    assert status_and_body(getattr(anonymous, method)(path)) == SIGNED_OUT


# ---- limits ----

LIMITS = {
    "credits_per_day": 500,
    "allowed_models": ["sora-2", "sora-2-pro"],
    "ip_ranges": ["203.0.113.7/32", "2001:db8::/32"],
}


def limits_in(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in LIMITS}


def test_limits_are_set_when_a_key_is_created_and_changed_later(api: APIClient) -> None:
    asked = {**LIMITS, "ip_ranges": ["203.0.113.7", "2001:DB8::/32", "203.0.113.7"]}
    made = create_key(api, **asked).json()
    assert limits_in(made) == LIMITS
    path = f"{PATH}/{made['id']}"
    del made["key"]
    assert status_and_body(api.get(path)) == (200, made)
    changed = api.patch(path, {"name": "server", "credits_per_day": None}, format="json")
    assert status_and_body(changed) == (200, {**made, "name": "server", "credits_per_day": None})
    emptied = api.patch(path, {"allowed_models": [], "ip_ranges": None}, format="json").json()
    assert limits_in(emptied) == {"credits_per_day": None, "allowed_models": [], "ip_ranges": []}
    assert api.patch(path, {}, format="json").json() == emptied
    assert api.get(path).json() == emptied


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"credits_per_day": -1}, "credits_per_day"),
        ({"ip_ranges": ["10.0.0.0/99"]}, "ip_ranges"),
        ({"allowed_models": ["none"]}, "allowed_models"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_key_is_not_changed_when_a_field_is_invalid(
    api: APIClient, body: dict[str, Any], field: str
) -> None:
    made = create_key(api, **LIMITS).json()
    del made["key"]
    answer = api.patch(f"{PATH}/{made['id']}", body, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"][:2]) == (422, ["body", field])
    assert api.get(f"{PATH}/{made['id']}").json() == made


def test_key_of_another_user_is_neither_shown_nor_changed(
    stranger: APIClient, api: APIClient
) -> None:
    path = f"{PATH}/{create_key(api).json()['id']}"
    answers = [
        stranger.get(path),
        stranger.patch(path, {"name": "mine"}, format="json"),
        stranger.get(f"{path}/usage"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert api.get(path).json()["name"] == "laptop"


def test_key_expires_when_its_expiry_is_changed(alice: User, api: APIClient) -> None:
    client = client_with_key(alice, "read")
    soon = timezone.now() + timedelta(minutes=5)
    path = f"{PATH}/{ApiKey.objects.get().pk}"
    assert api.patch(path, {"expires_at": soon.isoformat()}, format="json").status_code == 200
    assert client.get("/api/auth/me").status_code == 200
    with time_machine.travel(soon + timedelta(seconds=1)):
        assert status_and_body(client.get("/api/auth/me")) == SIGNED_OUT


# ---- usage ----


def test_usage_counts_the_orders_of_the_key_by_day(
    alice: User, api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limits = KeyLimits(credits_per_day=50)
    key, _text = api_keys.issue(alice, "shop", ["generate"], limits=limits)
    now = timezone.now()
    with time_machine.travel(now - timedelta(days=31)):
        video_order(alice, api_key_id=key.pk)
    with time_machine.travel(now - timedelta(days=2)):
        video_order(alice, api_key_id=key.pk)
        failed(video_order(alice, api_key_id=key.pk))
    video_order(alice, api_key_id=key.pk)
    video_order(alice)
    path = f"{PATH}/{key.pk}/usage"
    api.get(path)
    with django_assert_num_queries(3):
        found = api.get(path).json()
    days = found.pop("days")
    assert found == {
        "credits_per_day": 50,
        "credits_today": 20,
        "videos": 3,
        "failed": 1,
        "credits": 40,
    }
    day = (now - timedelta(days=2)).strftime("%Y-%m-%d")
    assert (len(days), days[-3]) == (30, {"date": day, "videos": 2, "failed": 1, "credits": 20})
    assert days[-1]["date"] == now.strftime("%Y-%m-%d")
