"""Passkeys beside the browser test: staff, the API, and forged answers."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from config.lib.admin import staff

LOGIN = "/accounts/2fa/webauthn/login/"
AJAX = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture
def owner(alice: User) -> User:
    """Alice with a passkey, whose public part no test needs, and with recovery codes."""
    Authenticator.objects.create(user=alice, type=Authenticator.Type.WEBAUTHN, data={"name": "k"})
    RecoveryCodes.activate(alice)
    return alice


def log_in(**more: str) -> tuple[int, str]:
    body = {"username": "alice", "password": "alice-password", **more}
    answer = APIClient().post("/api/auth/login", body, format="json")
    return answer.status_code, answer.json().get("code", "")


def test_api_needs_a_recovery_code_when_the_only_second_factor_is_a_passkey(owner: User) -> None:
    codes: Any = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap()
    first = codes.get_unused_codes()[0]
    assert log_in() == (401, "code_needed")
    assert log_in(code="000000") == (401, "bad_credentials")
    assert log_in(code=first) == (200, "")


def test_passkey_is_the_second_factor_of_staff(alice: User, settings: LazySettings) -> None:
    settings.STAFF_TWO_FACTOR = True
    assert staff.lacks_second_factor(alice)
    Authenticator.objects.create(user=alice, type=Authenticator.Type.WEBAUTHN, data={"name": "k"})
    assert not staff.lacks_second_factor(alice)


@pytest.mark.parametrize("sent", ["{", "null", "[]", '{"id": "x"}'])
def test_no_passkey_is_added_when_the_answer_of_the_device_is_forged(
    alice: User, sent: str
) -> None:
    browser = Client()
    browser.force_login(alice)
    browser.post("/accounts/reauthenticate/", {"password": "alice-password"})
    assert browser.get("/accounts/2fa/webauthn/add/").status_code == 200
    answer = browser.post("/accounts/2fa/webauthn/add/", {"name": "k", "credential": sent})
    assert (answer.status_code, Authenticator.objects.count()) == (200, 0)


@pytest.mark.parametrize("sent", ["", "{", "null", "[]", '{"id": "x"}', '{"response": {}}'])
def test_nobody_is_signed_in_when_the_answer_of_the_device_is_forged(db: None, sent: str) -> None:
    browser = Client()
    options = browser.get(LOGIN, headers=AJAX).json()["request_options"]["publicKey"]
    assert (options["userVerification"], options.get("allowCredentials", [])) == ("required", [])
    answer = browser.post(LOGIN, {"credential": sent})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert browser.get("/api/auth/me").status_code == 401


def test_nobody_is_signed_in_when_the_device_signs_another_challenge(owner: User) -> None:
    browser = Client()
    browser.get(LOGIN, headers=AJAX)
    credential = {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {
            "clientDataJSON": "e30",
            "authenticatorData": "AAAA",
            "signature": "AAAA",
            "userHandle": "AAAA",
        },
    }
    answer = browser.post(LOGIN, {"credential": json.dumps(credential)})
    assert answer.status_code == 302
    assert browser.get("/api/auth/me").status_code == 401
