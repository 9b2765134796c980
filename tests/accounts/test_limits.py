"""How often the API may be called, and what is said to those who call too often."""

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
    settings.RATE_AUTH, settings.RATE_AUTH_FAILURES = (5, 60), (0, 0)
    settings.RATE_GENERATE, settings.RATE_OTHER = (2, 60), (4, 60)
    settings.RATE_ANONYMOUS = (3, 900)
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()


def login(client: APIClient, body: dict[str, str] = WRONG, **extra: Any) -> Any:
    return client.post("/api/auth/login", body, format="json", **extra)


def codes(calls: list[Any]) -> list[int]:
    return [answer.status_code for answer in calls]


def test_the_sixth_sign_in_of_an_address_is_refused(anonymous: APIClient, alice: User) -> None:
    right = {"username": "alice", "password": "alice-password"}
    assert codes([login(anonymous) for _ in range(5)]) == [401] * 5
    answer = login(anonymous, right)
    assert (answer.status_code, answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == (
        429,
        "5",
        "0",
    )
    wait = int(answer["Retry-After"])
    assert answer.json() == {"detail": f"Too many requests. Try again in {wait} seconds."}
    assert 0 < wait <= 60
    assert int(answer["RateLimit-Reset"]) == wait
    assert login(anonymous, right, REMOTE_ADDR="192.0.2.7").status_code == 200


class CountingHasher(MD5PasswordHasher):
    """Tells how often a password was hashed."""

    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


def test_nothing_is_hashed_when_refused(
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
def test_no_header_makes_another_address(anonymous: APIClient, alice: User, header: str) -> None:
    answers = [login(anonymous, WRONG, **{header: f"203.0.113.{n}"}) for n in range(7)]
    assert codes(answers) == [401] * 5 + [429] * 2


def test_all_doors_of_credentials_share_one_count(anonymous: APIClient) -> None:
    paths = ["login", "register", "refresh", "test/login", "login", "refresh"]
    answers = [anonymous.post(f"/api/auth/{path}", {}, format="json") for path in paths]
    assert codes(answers) == [422, 422, 422, 200, 422, 429]


def test_orders_are_counted_apart_from_the_rest(api: APIClient, alice: User) -> None:
    orders = [api.post("/api/videos", ORDER, format="json") for _ in range(3)]
    reads = [api.get("/api/videos") for _ in range(5)]
    assert codes(orders) == [201, 201, 429]
    assert codes(reads) == [200] * 4 + [429]
    assert [answer["RateLimit-Remaining"] for answer in reads] == ["3", "2", "1", "0", "0"]


def test_every_user_has_a_count_of_their_own(api: APIClient, stranger: APIClient) -> None:
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


def test_whoever_has_no_sign_in_is_counted_by_address(anonymous: APIClient) -> None:
    answers = [anonymous.get("/api/payments/packages") for _ in range(4)]
    assert codes(answers) == [200, 200, 200, 429]


def test_a_page_reads_as_often_as_it_likes_but_orders_are_counted(page: Client) -> None:
    assert codes([page.get("/api/videos") for _ in range(6)]) == [200] * 6
    orders = [page.post("/api/videos", ORDER, content_type="application/json") for _ in range(3)]
    assert codes(orders) == [201, 201, 429]


def test_a_webhook_is_not_counted(anonymous: APIClient) -> None:
    answers = [anonymous.post("/api/webhooks/sandbox", {}, format="json") for _ in range(6)]
    assert codes(answers) == [401] * 6


def test_nothing_is_counted_when_off(anonymous: APIClient, settings: LazySettings) -> None:
    settings.RATE_ANONYMOUS = (0, 0)
    answers = [anonymous.get("/api/payments/packages") for _ in range(5)]
    assert codes(answers) == [200] * 5
    assert "RateLimit-Limit" not in answers[0]


# ---- wrong passwords ----


@pytest.fixture
def strict(settings: LazySettings) -> None:
    settings.RATE_AUTH, settings.RATE_AUTH_FAILURES = (0, 0), (5, 900)


RIGHT = {"username": "alice", "password": "alice-password"}


@pytest.mark.usefixtures("strict")
def test_the_sixth_try_on_an_account_is_refused_from_wherever(
    anonymous: APIClient, alice: User
) -> None:
    names = ["alice", "ALICE", "alice@example.com", "alice", "Alice@Example.com"]
    tries = [
        login(anonymous, {"username": name, "password": "wrong"}, REMOTE_ADDR=f"192.0.2.{n}")
        for n, name in enumerate(names)
    ]
    assert codes(tries) == [401] * 5
    answer = login(anonymous, RIGHT, REMOTE_ADDR="192.0.2.99")
    wait = answer["Retry-After"]
    assert (answer.status_code, answer.json()) == (
        429,
        {
            "detail": "Too many attempts. Try again in 15 minutes.",
            "code": "too_many_failures",
        },
    )
    assert 0 < int(wait) <= 900


@pytest.mark.usefixtures("strict")
def test_the_count_starts_anew_when_the_password_was_right(
    anonymous: APIClient, alice: User
) -> None:
    for _ in range(3):
        assert codes([login(anonymous) for _ in range(4)]) == [401] * 4
        assert login(anonymous, RIGHT).status_code == 200


@pytest.mark.usefixtures("strict")
def test_nobody_else_is_refused(anonymous: APIClient, alice: User, bob: User) -> None:
    for _ in range(6):
        login(anonymous)
    assert login(anonymous, {"username": "bob", "password": "bob-password"}).status_code == 200


@pytest.mark.usefixtures("strict")
def test_a_name_nobody_has_is_refused_alike(anonymous: APIClient, alice: User) -> None:
    ghost = {"username": "ghost", "password": "wrong"}
    assert codes([login(anonymous, ghost) for _ in range(6)]) == [401] * 5 + [429]


@pytest.mark.usefixtures("strict")
def test_pages_and_staff_doors_count_too(alice: User, staff: User) -> None:
    browser = Client()
    for _ in range(5):
        browser.post("/accounts/login/?next=/admin/", {"login": "staff", "password": "wrong"})
    form = {"login": "staff", "password": "staff-password"}
    browser.post("/accounts/login/?next=/admin/", form)
    assert browser.get("/admin/").status_code == 302
    form = {"login": "alice", "password": "wrong"}
    for n in range(5):
        browser.post("/accounts/login/", form, REMOTE_ADDR=f"192.0.2.{n}")
    assert login(APIClient(), RIGHT).status_code == 429


@pytest.mark.usefixtures("strict")
def test_asking_for_the_password_again_counts_too(api: APIClient, alice: User) -> None:
    body = {"current_password": "wrong", "new_password": "tin-lantern-9"}
    answers = [api.post("/api/auth/password", body, format="json") for _ in range(6)]
    assert codes(answers) == [401] * 5 + [429]
    assert User.objects.get().check_password("alice-password")
