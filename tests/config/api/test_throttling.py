"""Rate limits of the API, and the answer when one is exceeded."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from config.lib import rate_limits
from tests.conftest import signed_in

ORDER = {"prompt": "A boat", "seconds": 4}
WRONG = {"username": "alice", "password": "wrong"}


@pytest.fixture(autouse=True)
def _rates(db: None, settings: LazySettings) -> None:
    settings.RATE_SIGN_IN, settings.RATE_AUTH = (5, 900), (5, 60)
    settings.RATE_AUTH_FAILURES = (0, 0)
    settings.RATE_GENERATE, settings.RATE_OTHER = (2, 60), (4, 60)
    settings.RATE_ANONYMOUS = (3, 900)
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()


def login(client: APIClient, body: dict[str, str] = WRONG, **extra: Any) -> Any:
    return client.post("/api/auth/login", body, format="json", **extra)


def codes(calls: list[Any]) -> list[int]:
    return [answer.status_code for answer in calls]


def test_sign_in_is_refused_when_the_address_tries_a_sixth_time(
    anonymous: APIClient, alice: User
) -> None:
    right = {"username": "alice", "password": "alice-password"}
    assert codes([login(anonymous) for _ in range(5)]) == [401] * 5
    answer = login(anonymous, right)
    assert (answer.status_code, answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == (
        429,
        "5",
        "0",
    )
    wait = int(answer["Retry-After"])
    assert answer.json() == {"detail": "Too many requests. Try again in 15 minutes."}
    assert 840 < wait <= 900
    assert int(answer["RateLimit-Reset"]) == wait
    assert login(anonymous, right, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_refusal_names_minutes_when_the_wait_is_long(anonymous: APIClient) -> None:
    answers = [anonymous.get("/api/payments/packages") for _ in range(4)]
    wait = int(answers[-1]["Retry-After"])
    assert (answers[-1].status_code, 840 < wait <= 900) == (429, True)
    assert answers[-1].json() == {"detail": "Too many requests. Try again in 15 minutes."}


class CountingHasher(MD5PasswordHasher):
    """Count how often a password was hashed."""

    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


def test_password_is_not_hashed_when_the_sign_in_is_throttled(
    anonymous: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    before = CountingHasher.hashed
    for _ in range(5):
        login(anonymous)
    hashed = CountingHasher.hashed
    assert hashed == before + 5
    assert (login(anonymous).status_code, CountingHasher.hashed) == (429, hashed)


@pytest.mark.parametrize(
    "header",
    [
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_REAL_IP",
        "HTTP_FORWARDED",
        "HTTP_CLIENT_IP",
        "HTTP_TRUE_CLIENT_IP",
    ],
)
def test_client_address_is_the_same_when_a_header_names_another(
    anonymous: APIClient, alice: User, header: str
) -> None:
    answers = [login(anonymous, WRONG, **{header: f"203.0.113.{n}"}) for n in range(7)]
    assert codes(answers) == [401] * 5 + [429] * 2


def test_registration_is_refused_when_the_address_registers_a_sixth_time(
    anonymous: APIClient, alice: User
) -> None:
    answers = [anonymous.post("/api/auth/register", {}, format="json") for _ in range(6)]
    assert codes(answers) == [422] * 5 + [429]
    assert 840 < int(answers[-1]["Retry-After"]) <= 900
    assert login(anonymous, {"username": "alice", "password": "alice-password"}).status_code == 200


def test_all_other_credential_endpoints_share_one_count(anonymous: APIClient) -> None:
    paths = ["google/login", "refresh", "test/login", "refresh", "google/login", "refresh"]
    answers = [anonymous.post(f"/api/auth/{path}", {}, format="json") for path in paths]
    assert codes(answers) == [422, 422, 200, 422, 422, 429]
    assert int(answers[-1]["Retry-After"]) <= 60


def test_orders_are_counted_apart_from_reads(api: APIClient, alice: User) -> None:
    orders = [api.post("/api/videos", ORDER, format="json") for _ in range(3)]
    reads = [api.get("/api/videos") for _ in range(5)]
    assert codes(orders) == [201, 201, 429]
    assert codes(reads) == [200] * 4 + [429]
    assert [answer["RateLimit-Remaining"] for answer in reads] == ["3", "2", "1", "0", "0"]


def test_order_counts_when_it_is_refused_as_a_bad_request(api: APIClient, alice: User) -> None:
    wrong = [api.post("/api/videos", {"prompt": ""}, format="json") for _ in range(2)]
    assert codes([*wrong, api.post("/api/videos", ORDER, format="json")]) == [422, 422, 429]


def test_user_is_allowed_when_another_user_is_throttled(
    api: APIClient, stranger: APIClient
) -> None:
    for _ in range(5):
        api.get("/api/auth/me")
    assert (api.get("/api/auth/me").status_code, stranger.get("/api/auth/me").status_code) == (
        429,
        200,
    )


def test_tokens_and_keys_of_a_user_share_one_count(api: APIClient, alice: User) -> None:
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read"])[1]})
    other = signed_in(alice)
    answers = [client.get("/api/auth/me") for client in (api, key, other, api, key)]
    assert codes(answers) == [200] * 4 + [429]


def test_calls_are_counted_by_address_when_anonymous(anonymous: APIClient) -> None:
    wrong = APIClient(headers={"Authorization": "Bearer wrong"})
    packages, videos = "/api/payments/packages", "/api/videos"
    answers = [anonymous.get(packages), wrong.get(videos), anonymous.get(videos)]
    answers += [anonymous.get(packages), wrong.get(videos)]
    assert codes(answers) == [200, 401, 401, 429, 429]
    assert answers[-1].json() == {"detail": "Too many requests. Try again in 15 minutes."}
    assert anonymous.get(packages, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_user_is_not_counted_by_address_when_signed_in(
    api: APIClient, anonymous: APIClient, alice: User
) -> None:
    assert codes([anonymous.get("/api/videos") for _ in range(4)]) == [401] * 3 + [429]
    assert api.get("/api/videos").status_code == 200
    assert login(anonymous, {"username": "alice", "password": "alice-password"}).status_code == 200


def test_calls_are_counted_when_a_page_sends_its_cookie(page: Client) -> None:
    assert codes([page.get("/api/videos") for _ in range(5)]) == [200] * 4 + [429]
    orders = [page.post("/api/videos", ORDER, content_type="application/json") for _ in range(3)]
    assert codes(orders) == [201, 201, 429]


def test_engine_callbacks_are_not_counted(anonymous: APIClient) -> None:
    answers = [anonymous.post("/api/webhooks/sandbox", {}, format="json") for _ in range(6)]
    assert codes(answers) == [401] * 6


def test_calls_are_not_counted_when_the_rate_is_off(
    anonymous: APIClient, settings: LazySettings
) -> None:
    settings.RATE_ANONYMOUS = (0, 0)
    answers = [anonymous.get("/api/payments/packages") for _ in range(5)]
    assert codes(answers) == [200] * 5
    assert "RateLimit-Limit" not in answers[0]
