"""POST /api/auth/test/login: only in development, and never for a real account."""

from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.auth import errors, passwords
from accounts.models import Session, User
from accounts.people import signup
from tests.concurrency import run_concurrently

REAL_ACCOUNT = {"detail": "This address belongs to a real account"}


def call_test_login(client: APIClient, query: str = "") -> Any:
    return client.post(f"/api/auth/test/login{query}")


def test_test_user_is_created_when_there_is_none(anonymous: APIClient, db: None) -> None:
    answer = call_test_login(anonymous)
    body = answer.json()
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "bearer", 86400)
    user = User.objects.get()
    assert (user.email, user.is_test, user.has_usable_password()) == (
        "test@example.com",
        True,
        False,
    )
    claims = AccessToken(body["access_token"])
    assert claims["exp"] - claims["iat"] == 86400
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access_token']}")
    assert anonymous.get("/api/auth/me").json()["credits"] == 100


def test_same_user_is_signed_in_when_called_again(anonymous: APIClient, db: None) -> None:
    queries = ("?email=tess@example.com", "?email=TESS@example.com")
    answers = [call_test_login(anonymous, query) for query in queries]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert User.objects.count() == 1
    assert ["api_key" in answer.json() for answer in answers] == [True, False]


def test_sign_in_is_refused_in_production(
    anonymous: APIClient, db: None, settings: LazySettings
) -> None:
    settings.PRODUCTION = True
    answer = call_test_login(anonymous)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Not available in production"})
    assert User.objects.count() == 0


def test_sign_in_is_refused_when_the_address_is_a_real_account(
    anonymous: APIClient, alice: User
) -> None:
    answer = call_test_login(anonymous, "?email=ALICE@example.com")
    assert (answer.status_code, answer.json()) == (403, REAL_ACCOUNT)
    assert Session.objects.count() == 0


@pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
def test_sign_in_is_refused_when_the_test_user_has_become_staff(
    anonymous: APIClient, db: None, field: str
) -> None:
    call_test_login(anonymous)
    User.objects.update(**{field: True})
    assert call_test_login(anonymous).json() == REAL_ACCOUNT


def test_sign_in_is_refused_when_the_test_user_is_inactive(anonymous: APIClient, db: None) -> None:
    call_test_login(anonymous)
    User.objects.update(is_active=False)
    assert call_test_login(anonymous).status_code == 403


@pytest.mark.parametrize("email", ["nothing", "a%00@example.com", f"{'x' * 250}@example.com"])
def test_sign_in_is_refused_when_the_address_is_invalid(
    anonymous: APIClient, db: None, email: str
) -> None:
    answer = call_test_login(anonymous, f"?email={email}")
    assert (answer.status_code, User.objects.count()) == (422, 0)


def test_test_user_cannot_sign_in_with_an_empty_password(db: None) -> None:
    signup.get_or_open_test_user("test@example.com")
    with pytest.raises(errors.BadCredentials):
        passwords.check_password(None, "test@example.com", "")


def test_sign_in_is_refused_when_the_address_is_a_real_username(
    anonymous: APIClient, db: None
) -> None:
    signup.open_account("test@example.com", "real@example.com", "tin-lantern-9")
    assert (call_test_login(anonymous).json(), User.objects.count()) == (REAL_ACCOUNT, 1)


def test_one_user_is_created_when_four_sign_in_at_once(transactional_db: None) -> None:
    codes = [
        a.status_code
        for a in run_concurrently([partial(call_test_login, APIClient()) for _ in range(4)])
    ]
    assert (codes, User.objects.count()) == ([200] * 4, 1)
