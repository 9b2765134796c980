"""POST /api/auth/test/login: development only, and never into a real account."""

from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.auth import errors, passwords
from accounts.models import Session, User
from accounts.people import signup
from tests.billing.conftest import outcomes

REAL = {"detail": "This address belongs to a real account"}


def enter(client: APIClient, query: str = "") -> Any:
    return client.post(f"/api/auth/test/login{query}")


def test_a_test_user_is_opened_when_there_is_none(anonymous: APIClient, db: None) -> None:
    answer = enter(anonymous)
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


def test_the_same_user_enters_when_asked_again(anonymous: APIClient, db: None) -> None:
    for query in ("?email=tess@example.com", "?email=TESS@example.com"):
        assert enter(anonymous, query).status_code == 200
    assert User.objects.count() == 1


def test_refused_in_production(anonymous: APIClient, db: None, settings: LazySettings) -> None:
    settings.PRODUCTION = True
    answer = enter(anonymous)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Not available in production"})
    assert User.objects.count() == 0


def test_refused_when_the_address_is_a_real_account(anonymous: APIClient, alice: User) -> None:
    answer = enter(anonymous, "?email=ALICE@example.com")
    assert (answer.status_code, answer.json()) == (403, REAL)
    assert Session.objects.count() == 0


@pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
def test_refused_when_the_test_user_has_become_staff(
    anonymous: APIClient, db: None, field: str
) -> None:
    enter(anonymous)
    User.objects.update(**{field: True})
    assert enter(anonymous).json() == REAL


def test_refused_when_the_test_user_is_inactive(anonymous: APIClient, db: None) -> None:
    enter(anonymous)
    User.objects.update(is_active=False)
    assert enter(anonymous).status_code == 403


@pytest.mark.parametrize("email", ["nothing", "a%00@example.com", f"{'x' * 250}@example.com"])
def test_refused_when_the_address_is_bad(anonymous: APIClient, db: None, email: str) -> None:
    answer = enter(anonymous, f"?email={email}")
    assert (answer.status_code, User.objects.count()) == (422, 0)


def test_a_test_user_has_no_password_when_it_signs_in_by_one(db: None) -> None:
    signup.get_or_open_test_user("test@example.com")
    with pytest.raises(errors.BadCredentials):
        passwords.check_password(None, "test@example.com", "")


def test_refused_when_the_address_is_a_real_accounts_name(anonymous: APIClient, db: None) -> None:
    signup.open_account("test@example.com", "real@example.com", "tin-lantern-9")
    assert (enter(anonymous).json(), User.objects.count()) == (REAL, 1)


def test_one_user_is_opened_when_four_enter_at_once(transactional_db: None) -> None:
    codes = [a.status_code for a in outcomes([partial(enter, APIClient()) for _ in range(4)])]
    assert (codes, User.objects.count()) == ([200] * 4, 1)
