"""The button Continue with Google, and the way to Google and back in a browser."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.test import Client

from accounts.models import User
from billing.ledger import credits
from tests.accounts.conftest import sign_in_with_code, user_of
from tests.accounts.google_provider import PROVIDER_ERROR_TEXT, GoogleProvider
from tests.conftest import create_user, signed_in
from tests.markup import flat


@pytest.mark.parametrize("way", ["login", "login/callback"])
def test_page_is_not_found_when_google_is_not_configured(db: None, way: str) -> None:
    assert Client().get(f"/accounts/google/{way}/").status_code == 404
    assert Client().post(f"/accounts/google/{way}/").status_code == 404


def sign_in_on_page(browser: Client, google: GoogleProvider, **changes: str) -> Any:
    """Press the button, follow the redirect to Google and the one back."""
    away = browser.post("/accounts/google/login/?process=login")
    assert away.status_code == 302
    assert away["Location"].startswith(f"{google.url}/authorize?")
    back = httpx2.get(away["Location"], trust_env=False).headers["Location"]
    query = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()} | changes
    return browser.get(urlsplit(back).path, query)


def test_google_button_is_shown_when_configured(db: None, google: GoogleProvider) -> None:
    page = flat(Client().get("/accounts/login/"))
    assert re.search(r"<button[^>]*>Continue with Google</button>", page)


def test_google_button_is_missing_when_not_configured(db: None) -> None:
    assert b"Google" not in Client().get("/accounts/login/").content


def test_user_is_signed_in_with_state_and_pkce_when_using_the_page(
    google: GoogleProvider, db: None
) -> None:
    browser = Client()
    answer = sign_in_on_page(browser, google)
    assert (answer.status_code, answer["Location"]) == (302, "/studio/")
    assert browser.get("/api/auth/me").json()["email"] == "vera@example.com"
    assert len(google.token_requests[0]["code_verifier"]) >= 43
    assert credits.available(User.objects.get()) == 100


def test_page_and_api_sign_in_to_the_same_account(google: GoogleProvider, db: None) -> None:
    browser = Client()
    sign_in_on_page(browser, google)
    assert str(user_of(sign_in_with_code(google)).pk) == browser.get("/api/auth/me").json()["id"]
    again = Client()
    sign_in_on_page(again, google)
    assert again.get("/api/auth/me").status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize("changes", [{"state": "forged"}, {"state": ""}, {"code": "forged"}])
def test_user_is_not_signed_in_when_the_callback_is_forged(
    google: GoogleProvider, db: None, changes: dict[str, str]
) -> None:
    browser = Client()
    answer = sign_in_on_page(browser, google, **changes)
    assert PROVIDER_ERROR_TEXT not in answer.content.decode()
    assert browser.get("/api/auth/me").status_code == 401
    assert User.objects.count() == 0


def test_user_is_not_signed_in_when_the_state_belongs_to_another_session(
    google: GoogleProvider, db: None
) -> None:
    victim = Client()
    away = Client().post("/accounts/google/login/?process=login")["Location"]
    back = urlsplit(httpx2.get(away, trust_env=False).headers["Location"])
    victim.get(f"{back.path}?{back.query}")
    assert victim.get("/api/auth/me").status_code == 401


def test_earlier_access_ends_when_the_owner_signs_in_on_the_page(
    google: GoogleProvider, db: None
) -> None:
    attacker = create_user("vera")
    attacker_client, browser = signed_in(attacker), Client()
    sign_in_on_page(browser, google)
    assert browser.get("/api/auth/me").json()["id"] == str(attacker.pk)
    assert attacker_client.get("/api/auth/me").status_code == 401


def test_page_refuses_the_sign_in_when_the_address_is_unverified(
    google: GoogleProvider, db: None
) -> None:
    create_user("vera")
    google.person["email_verified"] = False
    browser = Client()
    answer = sign_in_on_page(browser, google)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert b"Google has not verified that it is yours" in browser.get("/accounts/login/").content
    assert browser.get("/api/auth/me").status_code == 401


def test_google_is_not_called_when_the_page_is_only_opened(
    google: GoogleProvider, db: None
) -> None:
    answer = Client().get("/accounts/google/login/")
    assert (answer.status_code, google.token_requests) == (200, [])
