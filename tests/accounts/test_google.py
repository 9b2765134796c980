"""Signing in with Google, by the API and on the page, against a provider that really checks."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import api_keys, errors, passwords, tokens
from accounts.models import ApiKey, Session, User
from billing.ledger import credits, invariants
from tests.accounts.provider import CLIENT, REFUSAL, SECRET, Provider, Serving, challenge_of
from tests.conftest import create_user, signed_in
from tests.markup import flat

PATH = "/api/auth/google/login"
CALLBACK = "https://app.example.com/auth/callback"
VERA = {"sub": "1001", "email": "vera@example.com", "email_verified": True, "name": "Vera Long"}
VERIFIER = "v" * 43
BAD_CODE = (401, {"detail": "Invalid authorization code", "code": "bad_credentials"})


@pytest.fixture
def google(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    provider = Provider(person=dict(VERA))
    with Serving(provider):
        settings.GOOGLE_CLIENT_ID = CLIENT
        settings.GOOGLE_REDIRECT_URIS = [CALLBACK, "http://localhost:3000/auth/callback"]
        apps = [{"client_id": CLIENT, "secret": SECRET}]
        ours = {**settings.SOCIALACCOUNT_PROVIDERS["google"], "APPS": apps}
        settings.SOCIALACCOUNT_PROVIDERS = {"google": ours}
        for name, path in {
            "authorize_url": "authorize",
            "access_token_url": "token",
            "identity_url": "userinfo",
        }.items():
            monkeypatch.setattr(GoogleOAuth2Adapter, name, f"{provider.url}/{path}")
        yield provider


def enter(google: Provider, **body: Any) -> Any:
    """Sign in through the API with a fresh code."""
    code = body.pop("code", None) or google.code(body.get("redirect_uri", CALLBACK))
    return APIClient().post(PATH, {"code": code, **body}, format="json")


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def whose(answer: Any) -> User:
    token = answer.json()["access_token"]
    return tokens.session_of(token).user


# ---- the API ----


@pytest.mark.parametrize("by_userinfo", [False, True])
def test_an_account_is_opened_at_the_first_time(
    google: Provider, db: None, by_userinfo: bool
) -> None:
    google.by_userinfo = by_userinfo
    google.person["picture"] = "https://example.com/vera.png"
    answer = enter(google)
    body = answer.json()
    assert (answer.status_code, set(body)) == (
        200,
        {"access_token", "refresh_token", "token_type", "expires_in"},
    )
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86400)
    user = whose(answer)
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


def test_the_same_account_is_entered_ever_after(google: Provider, db: None) -> None:
    first = whose(enter(google))
    google.person = {**VERA, "email": "new@example.com"}
    assert whose(enter(google)) == first
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_the_first_of_our_addresses_is_meant_when_none_is_named(google: Provider, db: None) -> None:
    assert enter(google).status_code == 200
    assert google.asked[0]["redirect_uri"] == CALLBACK
    other = "http://localhost:3000/auth/callback"
    assert enter(google, redirect_uri=other).status_code == 200
    assert google.asked[1]["redirect_uri"] == other


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
def test_google_is_not_even_asked_when_the_address_is_not_ours(
    google: Provider, db: None, redirect_uri: str
) -> None:
    assert told(enter(google, redirect_uri=redirect_uri)) == BAD_CODE
    assert google.asked == []


def test_a_code_works_once(google: Provider, db: None) -> None:
    code = google.code(CALLBACK)
    answers = [enter(google, code=code) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert told(answers[1]) == BAD_CODE


@pytest.mark.parametrize("code", ["nonsense", "x" * 2048, "é", "a b&c=d"])
def test_googles_own_words_are_not_repeated(google: Provider, db: None, code: str) -> None:
    answer = enter(google, code=code)
    assert told(answer) == BAD_CODE
    assert REFUSAL.encode() not in answer.content


def test_a_code_is_bound_to_its_verifier(google: Provider, db: None) -> None:
    code = google.code(CALLBACK, challenge_of(VERIFIER))
    assert told(enter(google, code=code)) == BAD_CODE
    code = google.code(CALLBACK, challenge_of(VERIFIER))
    assert told(enter(google, code=code, code_verifier="w" * 43)) == BAD_CODE
    code = google.code(CALLBACK, challenge_of(VERIFIER))
    assert enter(google, code=code, code_verifier=VERIFIER).status_code == 200


def test_refused_when_our_secret_is_wrong(
    google: Provider, settings: LazySettings, db: None
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["google"]["APPS"] = [{"client_id": CLIENT, "secret": "x"}]
    assert told(enter(google)) == BAD_CODE


@pytest.mark.parametrize("claims", [{"aud": "another"}, {"iss": "https://evil"}, {"exp": 1}])
def test_refused_when_the_id_token_is_not_for_us(
    google: Provider, db: None, claims: dict[str, Any]
) -> None:
    google.person |= claims
    assert told(enter(google)) == BAD_CODE
    assert User.objects.count() == 0


@pytest.mark.parametrize("broken", [(200, b"nonsense"), (200, b"[]"), (200, b"{}"), (500, b"")])
def test_nobody_enters_when_google_is_broken(
    google: Provider, db: None, broken: tuple[int, bytes]
) -> None:
    google.broken = broken
    answer = enter(google)
    assert answer.status_code in {401, 500}
    assert answer.json()["detail"] in {"Invalid authorization code", "Authentication failed"}
    assert User.objects.count() == 0


@pytest.mark.parametrize("status", [500, 503])
def test_a_broken_google_said_nothing_about_the_code(
    google: Provider, db: None, status: int
) -> None:
    google.broken = (status, b"")
    failed = {"detail": "Authentication failed", "code": "google_unreachable"}
    assert told(enter(google)) == (500, failed)


def test_who_has_a_second_factor_is_asked_for_it_here_too(google: Provider, db: None) -> None:
    user = whose(enter(google))
    cache.clear()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    now = str(totp.format_hotp_value(totp.hotp_value("JBSWY3DPEHPK3PXP", int(time.time()) // 30)))
    refused, wrong, right = (
        enter(google, **body) for body in ({}, {"mfa_code": "0"}, {"mfa_code": now})
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "code_needed")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")
    assert whose(right) == user


def test_an_error_is_told_when_google_is_away(
    google: Provider, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GoogleOAuth2Adapter, "access_token_url", "http://127.0.0.1:9/token")
    failed = {"detail": "Authentication failed", "code": "google_unreachable"}
    assert told(enter(google)) == (500, failed)


@pytest.mark.parametrize("way", ["login", "login/callback"])
def test_there_is_no_page_for_it_when_google_is_not_configured(db: None, way: str) -> None:
    assert Client().get(f"/accounts/google/{way}/").status_code == 404
    assert Client().post(f"/accounts/google/{way}/").status_code == 404


def test_refused_when_google_is_not_configured(db: None) -> None:
    answer = APIClient().post(PATH, {"code": "x"}, format="json")
    assert told(answer) == (403, {"detail": "Google sign-in is not configured"})


@pytest.mark.parametrize(
    "body",
    [{}, {"code": ""}, {"code": None}, {"code": "x" * 2049}, {"code": "x", "code_verifier": "v"}],
)
def test_refused_when_a_field_is_bad(google: Provider, db: None, body: dict[str, Any]) -> None:
    assert APIClient().post(PATH, body, format="json").status_code == 422


# ---- whose account it is ----


def test_whoever_opened_it_under_anothers_address_is_thrown_out(google: Provider, db: None) -> None:
    eve = create_user("vera")
    his, page, renewal = (
        signed_in(eve),
        Client(),
        tokens.sign_in(eve, Session.Grant.PASSWORD).refresh,
    )
    page.force_login(eve)
    key = APIClient(headers={"X-API-Key": api_keys.issue(eve, "k", ["read"])[1]})
    assert whose(enter(google)) == eve
    assert [c.get("/api/auth/me").status_code for c in (his, page, key)] == [401, 401, 401]
    again = {"refresh_token": renewal}
    assert APIClient().post("/api/auth/refresh", again, format="json").status_code == 401
    with pytest.raises(errors.BadCredentials):
        passwords.check_password(None, "vera", "vera-password")
    now = User.objects.get()
    assert (now.is_verified, now.has_usable_password()) == (True, False)


def test_no_side_door_is_left_to_whoever_opened_it(google: Provider, db: None) -> None:
    google.person = {**VERA, "sub": "666", "email_verified": False}
    eve = whose(enter(google))
    EmailAddress.objects.create(user=eve, email="eve@example.com", verified=True)
    google.person = dict(VERA)
    assert whose(enter(google)) == eve
    links = list(SocialAccount.objects.values_list("uid", flat=True))
    addresses = list(EmailAddress.objects.values_list("email", "verified"))
    assert (links, addresses) == (["1001"], [("vera@example.com", True)])
    google.person = {**VERA, "sub": "666", "email_verified": False}
    assert enter(google).status_code == 403


@pytest.mark.parametrize("where", ["account", "address"])
def test_a_verified_account_is_linked_and_keeps_all(google: Provider, db: None, where: str) -> None:
    vera = create_user("vera", is_verified=where == "account")
    if where == "address":
        EmailAddress.objects.create(user=vera, email=vera.email, verified=True)
    hers = signed_in(vera)
    api_keys.issue(vera, "k", ["read"])
    google.person["email"] = "VERA@example.com"
    assert whose(enter(google)) == vera
    assert hers.get("/api/auth/me").status_code == 200
    assert passwords.check_password(None, "vera", "vera-password") == vera
    assert ApiKey.objects.active().count() == 1


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1, 0])
def test_an_address_google_has_not_verified_opens_no_account_that_is_there(
    google: Provider, db: None, verified: object
) -> None:
    vera = create_user("vera")
    google.person["email_verified"] = verified
    answer = enter(google)
    message = "An account with this address exists, and Google has not verified that it is yours."
    assert told(answer) == (403, {"detail": message, "code": "google_refused"})
    assert passwords.check_password(None, "vera", "vera-password") == vera
    assert SocialAccount.objects.count() == 0


def test_a_new_address_google_has_not_verified_is_kept_as_that(google: Provider, db: None) -> None:
    google.person["email_verified"] = False
    user = whose(enter(google))
    assert (user.email, user.is_verified) == ("vera@example.com", False)
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_a_staff_account_is_not_linked_by_its_address(google: Provider, db: None) -> None:
    create_user("vera", is_staff=True, is_verified=True)
    assert enter(google).status_code == 403
    assert SocialAccount.objects.count() == 0


def test_refused_when_the_account_is_closed(google: Provider, db: None) -> None:
    enter(google)
    User.objects.update(is_active=False)
    closed = {"detail": "This account is closed", "code": "bad_credentials"}
    assert told(enter(google)) == (401, closed)


def test_a_closed_account_is_neither_entered_nor_changed(google: Provider, db: None) -> None:
    create_user("vera", is_active=False)
    assert enter(google).status_code == 401
    assert User.objects.get().has_usable_password()


@pytest.mark.parametrize("email", ["", "x" * 150 + "@example.com"])
def test_somebody_without_a_usable_address_gets_another_name(
    google: Provider, db: None, email: str
) -> None:
    google.person["email"] = email
    assert whose(enter(google)).username == "google-1001"


# ---- the page ----


def by_page(browser: Client, google: Provider, **changes: str) -> Any:
    """Press the button, be sent to Google and back."""
    away = browser.post("/accounts/google/login/?process=login")
    assert away.status_code == 302
    assert away["Location"].startswith(f"{google.url}/authorize?")
    back = httpx2.get(away["Location"], trust_env=False).headers["Location"]
    query = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()} | changes
    return browser.get(urlsplit(back).path, query)


def test_the_button_is_there_only_when_configured(db: None, google: Provider) -> None:
    page = flat(Client().get("/accounts/login/"))
    assert re.search(r"<button[^>]*>Continue with Google</button>", page)


def test_there_is_no_button_when_not_configured(db: None) -> None:
    assert b"Google" not in Client().get("/accounts/login/").content


def test_signed_in_on_the_page_with_state_and_pkce(google: Provider, db: None) -> None:
    browser = Client()
    answer = by_page(browser, google)
    assert (answer.status_code, answer["Location"]) == (302, "/studio/")
    assert browser.get("/api/auth/me").json()["email"] == "vera@example.com"
    assert len(google.asked[0]["code_verifier"]) >= 43
    assert credits.available(User.objects.get()) == 100


def test_page_and_api_are_one_account(google: Provider, db: None) -> None:
    browser = Client()
    by_page(browser, google)
    assert str(whose(enter(google)).pk) == browser.get("/api/auth/me").json()["id"]
    again = Client()
    by_page(again, google)
    assert again.get("/api/auth/me").status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize("changes", [{"state": "forged"}, {"state": ""}, {"code": "forged"}])
def test_nobody_is_signed_in_when_the_way_back_is_forged(
    google: Provider, db: None, changes: dict[str, str]
) -> None:
    browser = Client()
    answer = by_page(browser, google, **changes)
    assert REFUSAL not in answer.content.decode()
    assert browser.get("/api/auth/me").status_code == 401
    assert User.objects.count() == 0


def test_anothers_state_is_worth_nothing(google: Provider, db: None) -> None:
    victim = Client()
    away = Client().post("/accounts/google/login/?process=login")["Location"]
    back = urlsplit(httpx2.get(away, trust_env=False).headers["Location"])
    victim.get(f"{back.path}?{back.query}")
    assert victim.get("/api/auth/me").status_code == 401


def test_the_page_throws_the_opener_out_as_the_api_does(google: Provider, db: None) -> None:
    eve = create_user("vera")
    his, browser = signed_in(eve), Client()
    by_page(browser, google)
    assert browser.get("/api/auth/me").json()["id"] == str(eve.pk)
    assert his.get("/api/auth/me").status_code == 401


def test_the_page_refuses_an_unverified_address_as_the_api_does(google: Provider, db: None) -> None:
    create_user("vera")
    google.person["email_verified"] = False
    browser = Client()
    answer = by_page(browser, google)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert b"Google has not verified that it is yours" in browser.get("/accounts/login/").content
    assert browser.get("/api/auth/me").status_code == 401


def test_nothing_happens_on_a_mere_visit(google: Provider, db: None) -> None:
    answer = Client().get("/accounts/google/login/")
    assert (answer.status_code, google.asked) == (200, [])
