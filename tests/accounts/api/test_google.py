"""POST /api/auth/google/login, against a provider that checks codes, secrets and verifiers."""

import time
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.conf import LazySettings
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.models import Session, User
from billing.ledger import credits, invariants
from tests.accounts.conftest import CALLBACK, PATH, VERA, sign_in_with_code, user_of
from tests.accounts.google_provider import CLIENT, PROVIDER_ERROR_TEXT, GoogleProvider, challenge_of

VERIFIER = "v" * 43
BAD_CODE = (401, {"detail": "Invalid authorization code", "code": "bad_credentials"})


def status_and_body(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


@pytest.mark.parametrize("by_userinfo", [False, True])
def test_account_is_created_when_a_user_signs_in_first(
    google: GoogleProvider, db: None, by_userinfo: bool
) -> None:
    google.by_userinfo = by_userinfo
    google.person["picture"] = "https://example.com/vera.png"
    answer = sign_in_with_code(google)
    body = answer.json()
    assert (answer.status_code, set(body)) == (
        200,
        {"access_token", "refresh_token", "token_type", "expires_in", "api_key"},
    )
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86400)
    user = user_of(answer)
    assert (user.username, user.email, user.name, user.is_verified, user.avatar_url) == (
        "vera@example.com",
        "vera@example.com",
        "Vera Long",
        True,
        "https://example.com/vera.png",
    )
    assert (user.has_usable_password(), credits.available(user)) == (False, 100)
    assert Session.objects.get().grant == "google"
    assert invariants.problems() == []


def test_same_account_is_used_when_a_user_signs_in_again(google: GoogleProvider, db: None) -> None:
    first = user_of(sign_in_with_code(google))
    google.person = {**VERA, "email": "new@example.com"}
    again = sign_in_with_code(google)
    assert set(again.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert user_of(again) == first
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_first_configured_redirect_uri_is_used_when_none_is_sent(
    google: GoogleProvider, db: None
) -> None:
    assert sign_in_with_code(google).status_code == 200
    assert google.token_requests[0]["redirect_uri"] == CALLBACK
    other = "http://localhost:3000/auth/callback"
    assert sign_in_with_code(google, redirect_uri=other).status_code == 200
    assert google.token_requests[1]["redirect_uri"] == other


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example.com/auth/callback",
        "https://app.example.com/auth/callback/",
        "https://app.example.com/auth/callback?x",
        "http://app.example.com/auth/callback",
        "HTTPS://app.example.com/auth/callback",
    ],
)
def test_google_is_not_called_when_the_redirect_uri_is_not_configured(
    google: GoogleProvider, db: None, redirect_uri: str
) -> None:
    assert status_and_body(sign_in_with_code(google, redirect_uri=redirect_uri)) == BAD_CODE
    assert google.token_requests == []


def test_code_is_refused_when_used_again(google: GoogleProvider, db: None) -> None:
    code = google.code(CALLBACK)
    answers = [sign_in_with_code(google, code=code) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert status_and_body(answers[1]) == BAD_CODE


@pytest.mark.parametrize("code", ["nonsense", "x" * 2048, "é", "a b&c=d"])
def test_googles_error_text_is_not_repeated_when_a_code_is_invalid(
    google: GoogleProvider, db: None, code: str
) -> None:
    answer = sign_in_with_code(google, code=code)
    assert status_and_body(answer) == BAD_CODE
    assert PROVIDER_ERROR_TEXT.encode() not in answer.content


def test_code_is_refused_when_its_verifier_is_missing_or_wrong(
    google: GoogleProvider, db: None
) -> None:
    code = google.code(CALLBACK, challenge_of(VERIFIER))
    assert status_and_body(sign_in_with_code(google, code=code)) == BAD_CODE
    code = google.code(CALLBACK, challenge_of(VERIFIER))
    assert status_and_body(sign_in_with_code(google, code=code, code_verifier="w" * 43)) == BAD_CODE
    code = google.code(CALLBACK, challenge_of(VERIFIER))
    assert sign_in_with_code(google, code=code, code_verifier=VERIFIER).status_code == 200


def test_sign_in_is_refused_when_the_client_secret_is_wrong(
    google: GoogleProvider, settings: LazySettings, db: None
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["google"]["APPS"] = [{"client_id": CLIENT, "secret": "x"}]
    assert status_and_body(sign_in_with_code(google)) == BAD_CODE


@pytest.mark.parametrize("claims", [{"aud": "another"}, {"iss": "https://evil"}, {"exp": 1}])
def test_sign_in_is_refused_when_the_id_token_is_not_for_this_client(
    google: GoogleProvider, db: None, claims: dict[str, Any]
) -> None:
    google.person |= claims
    assert status_and_body(sign_in_with_code(google)) == BAD_CODE
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    "broken_answer", [(200, b"nonsense"), (200, b"[]"), (200, b"{}"), (500, b"")]
)
def test_sign_in_is_refused_when_googles_answer_is_broken(
    google: GoogleProvider, db: None, broken_answer: tuple[int, bytes]
) -> None:
    google.broken_answer = broken_answer
    answer = sign_in_with_code(google)
    assert answer.status_code in {401, 500}
    assert answer.json()["detail"] in {"Invalid authorization code", "Authentication failed"}
    assert User.objects.count() == 0


@pytest.mark.parametrize("status", [500, 503])
def test_code_is_not_called_invalid_when_google_fails(
    google: GoogleProvider, db: None, status: int
) -> None:
    google.broken_answer = (status, b"")
    failed = {"detail": "Authentication failed", "code": "google_unreachable"}
    assert status_and_body(sign_in_with_code(google)) == (500, failed)


def test_second_factor_is_required_when_the_user_has_one(google: GoogleProvider, db: None) -> None:
    user = user_of(sign_in_with_code(google))
    cache.clear()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    now = str(totp.format_hotp_value(totp.hotp_value("JBSWY3DPEHPK3PXP", int(time.time()) // 30)))
    refused, wrong, right = (
        sign_in_with_code(google, **body) for body in ({}, {"mfa_code": "0"}, {"mfa_code": now})
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "code_needed")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")
    assert user_of(right) == user


def test_answer_is_500_when_google_is_unreachable(
    google: GoogleProvider, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GoogleOAuth2Adapter, "access_token_url", "http://127.0.0.1:9/token")
    failed = {"detail": "Authentication failed", "code": "google_unreachable"}
    assert status_and_body(sign_in_with_code(google)) == (500, failed)


def test_sign_in_is_refused_when_google_is_not_configured(db: None) -> None:
    answer = APIClient().post(PATH, {"code": "x"}, format="json")
    refusal = {"detail": "Google sign-in is not configured", "code": "bad_credentials"}
    assert (*status_and_body(answer), answer["WWW-Authenticate"]) == (401, refusal, "Bearer")


def test_answer_is_422_when_google_is_not_configured_and_the_body_is_empty(db: None) -> None:
    missing = {"loc": ["body", "code"], "msg": "field required", "type": "value_error.missing"}
    answer = APIClient().post(PATH, {}, format="json")
    assert status_and_body(answer) == (422, {"detail": [missing]})


@pytest.mark.parametrize(
    "body",
    [{}, {"code": ""}, {"code": None}, {"code": "x" * 2049}, {"code": "x", "code_verifier": "v"}],
)
def test_answer_is_422_when_a_field_is_invalid(
    google: GoogleProvider, db: None, body: dict[str, Any]
) -> None:
    assert APIClient().post(PATH, body, format="json").status_code == 422
