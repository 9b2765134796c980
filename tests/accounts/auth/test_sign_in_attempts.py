"""Sign-ins to an account are blocked after five failures, from whatever address they come."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from config.lib import rate_limits

RIGHT = {"username": "alice", "password": "alice-password"}
WRONG = {"username": "alice", "password": "wrong"}


@pytest.fixture(autouse=True)
def _failure_limit(db: None, settings: LazySettings) -> None:
    settings.RATE_AUTH, settings.RATE_AUTH_FAILURES = (0, 0), (5, 900)
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()


def login(client: APIClient, body: dict[str, str] = WRONG, **extra: Any) -> Any:
    return client.post("/api/auth/login", body, format="json", **extra)


def codes(calls: list[Any]) -> list[int]:
    return [answer.status_code for answer in calls]


def test_sign_in_is_refused_from_any_address_when_it_failed_five_times(
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


def test_failure_count_restarts_when_the_password_is_right(
    anonymous: APIClient, alice: User
) -> None:
    for _ in range(3):
        assert codes([login(anonymous) for _ in range(4)]) == [401] * 4
        assert login(anonymous, RIGHT).status_code == 200


def test_other_users_can_sign_in_when_one_account_is_blocked(
    anonymous: APIClient, alice: User, bob: User
) -> None:
    for _ in range(6):
        login(anonymous)
    assert login(anonymous, {"username": "bob", "password": "bob-password"}).status_code == 200


def test_unknown_username_is_refused_like_a_known_one(anonymous: APIClient, alice: User) -> None:
    ghost = {"username": "ghost", "password": "wrong"}
    assert codes([login(anonymous, ghost) for _ in range(6)]) == [401] * 5 + [429]


def test_failures_are_counted_when_signing_in_on_pages_and_admin(alice: User, staff: User) -> None:
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


def test_failures_are_counted_when_the_current_password_is_wrong(
    api: APIClient, alice: User
) -> None:
    body = {"current_password": "wrong", "new_password": "tin-lantern-9"}
    answers = [api.post("/api/auth/password", body, format="json") for _ in range(6)]
    assert codes(answers) == [401] * 5 + [429]
    assert User.objects.get().check_password("alice-password")
