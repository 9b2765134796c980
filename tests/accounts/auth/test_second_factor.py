"""A second factor: on the pages by allauth, and by code on the API."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import deletion

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def totp_code(of: int = 0) -> str:
    return str(totp.format_hotp_value(totp.hotp_value(SECRET, int(time.time()) // 30 + of)))


@pytest.fixture
def user_with_app(alice: User) -> User:
    """Alice with an authenticator app and recovery codes."""
    cache.clear()
    totp.TOTP.activate(alice, SECRET)
    RecoveryCodes.activate(alice)
    return alice


def log_in(client: APIClient, **fields: str) -> tuple[int, str]:
    body = {"username": "alice", "password": "alice-password", **fields}
    answer = client.post("/api/auth/login", body, format="json")
    return answer.status_code, str(answer.json().get("code", ""))


@pytest.fixture(autouse=True)
def _no_rate_limit(settings: LazySettings) -> None:
    settings.RATE_AUTH = (0, 0)


def test_no_code_is_needed_when_the_user_has_no_second_factor(
    alice: User, anonymous: APIClient
) -> None:
    assert log_in(anonymous) == (200, "")


def test_code_is_required_when_the_user_has_a_second_factor(
    user_with_app: User, anonymous: APIClient
) -> None:
    assert log_in(anonymous) == (401, "code_needed")
    assert log_in(anonymous, code="000000") == (401, "bad_credentials")
    assert log_in(anonymous, code=totp_code()) == (200, "")


def test_code_is_refused_when_used_again(user_with_app: User, anonymous: APIClient) -> None:
    now = totp_code()
    assert log_in(anonymous, code=now) == (200, "")
    assert log_in(anonymous, code=now) == (401, "bad_credentials")


def test_recovery_code_is_refused_when_used_again(
    user_with_app: User, anonymous: APIClient
) -> None:
    codes = Authenticator.objects.get(user=user_with_app, type="recovery_codes").wrap()
    first = codes.get_unused_codes()[0]
    assert log_in(anonymous, code=first) == (200, "")
    assert log_in(anonymous, code=first) == (401, "bad_credentials")


def test_codes_are_refused_when_five_were_wrong(
    user_with_app: User, anonymous: APIClient, settings: LazySettings
) -> None:
    settings.RATE_AUTH_FAILURES = (5, 900)
    for _n in range(5):
        assert log_in(anonymous, code="000000") == (401, "bad_credentials")
    assert log_in(anonymous, code=totp_code()) == (429, "too_many_failures")


def test_page_asks_for_the_code_when_the_user_has_a_second_factor(user_with_app: User) -> None:
    client = Client()
    form = {"login": "alice", "password": "alice-password"}
    answer = client.post("/accounts/login/", form)
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/studio/").status_code == 302
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": totp_code()}).status_code == 302
    assert client.get("/studio/").status_code == 200


def test_second_factor_is_deleted_when_the_account_is_erased(user_with_app: User) -> None:
    deletion.request_deletion(user_with_app)
    deletion.erase(user_with_app)
    assert not Authenticator.objects.exists()


def test_second_factor_is_turned_on_and_off_on_pages(page: Client, alice: User) -> None:
    cache.clear()
    answer = page.get("/accounts/2fa/totp/activate/")
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    page.post("/accounts/reauthenticate/", {"password": "alice-password"})
    shown = page.get("/accounts/2fa/totp/activate/")
    secret = shown.context["form"].secret
    assert secret in shown.content.decode()
    assert b"data:image/svg+xml" in shown.content
    assert page.post("/accounts/2fa/totp/activate/", {"code": "x"}).status_code == 200
    now = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    assert page.post("/accounts/2fa/totp/activate/", {"code": now}).status_code == 302
    codes = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().get_unused_codes()
    text = page.get("/accounts/2fa/recovery-codes/").content.decode()
    assert len(codes) == 10
    assert [one for one in codes if one not in text] == []
    for path in ("", "recovery-codes/generate/", "totp/deactivate/"):
        assert page.get(f"/accounts/2fa/{path}").status_code == 200
    page.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
