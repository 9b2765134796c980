"""Sign-in with any OpenID Connect provider, against one that checks us and signs its tokens."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import VERA
from tests.accounts.google_provider import CLIENT, SECRET
from tests.accounts.openid_provider import OpenIDProvider
from tests.accounts.provider_server import ProviderServer
from tests.config.production import run_in_production
from tests.conftest import create_user, signed_in
from tests.markup import flat

LOGIN = "/accounts/oidc/login/"


@pytest.fixture
def provider(settings: LazySettings, db: None) -> Iterator[OpenIDProvider]:
    provider = OpenIDProvider(person=dict(VERA))
    with ProviderServer(provider):
        app = {"provider_id": "oidc", "name": "Acme", "client_id": CLIENT, "secret": SECRET}
        app["settings"] = {"server_url": provider.url, "oauth_pkce_enabled": True}  # type: ignore[assignment]
        known = settings.SOCIALACCOUNT_PROVIDERS
        ours = {**known["openid_connect"], "APPS": [app]}
        settings.SOCIALACCOUNT_PROVIDERS = {**known, "openid_connect": ours}
        yield provider


def leave(browser: Client, process: str = "login") -> str:
    """Press the button, and return where the page leads to."""
    page = browser.post(f"{LOGIN}?process={process}")
    assert page.status_code == 200
    found = re.search(r'content="0; url=([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return unescape(found[1])


def sign_in(browser: Client, provider: OpenIDProvider, **changes: str) -> Any:
    """Go to the provider and come back."""
    back = httpx2.get(leave(browser), trust_env=False).headers["Location"]
    query = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()} | changes
    return browser.get(urlsplit(back).path, query)


def test_user_is_signed_in_with_state_nonce_and_pkce(provider: OpenIDProvider) -> None:
    browser = Client()
    assert "Continue with Acme" in flat(browser.get("/accounts/login/"))
    answer = sign_in(browser, provider)
    assert (answer.status_code, answer["Location"]) == (302, "/studio/")
    user = User.objects.get()
    assert (user.email, user.display_name, user.is_verified) == (
        "vera@example.com",
        "Vera Long",
        True,
    )
    again = Client()
    sign_in(again, provider)
    assert again.get("/api/auth/me").json()["id"] == str(user.pk)
    first, second = provider.asked
    assert [first[name] != second[name] for name in ("state", "nonce", "code_challenge")] == [
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"signed_by": "unpublished"},
        {"algorithm": "HS256"},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"nonce": None}},
        {"claims": {"iss": "https://other.example"}},
        {"claims": {"aud": "other-client"}},
        {"claims": {"aud": [CLIENT, "other"], "azp": "other"}},
        {"claims": {"exp": 1000}},
        {"claims": {"sub": None}},
        {"by_userinfo": True, "userinfo": {"sub": "1002"}},
        {"configuration": {"issuer": "https://other.example"}},
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_nobody_is_signed_in_when_the_answer_cannot_be_trusted(
    provider: OpenIDProvider, wrong: dict[str, Any]
) -> None:
    browser = Client()
    away = leave(browser)
    for name, value in wrong.items():
        setattr(provider, name, value)
    back = urlsplit(httpx2.get(away, trust_env=False).headers["Location"])
    page = browser.get(f"{back.path}?{back.query}")
    assert "The sign-in failed" in page.content.decode()
    assert browser.get("/api/auth/me").status_code == 401
    assert User.objects.count() == 0


@pytest.mark.parametrize("changes", [{"state": "forged"}, {"state": ""}, {"code": "forged"}])
def test_nobody_is_signed_in_when_the_callback_is_forged(
    provider: OpenIDProvider, changes: dict[str, str]
) -> None:
    browser = Client()
    sign_in(browser, provider, **changes)
    assert browser.get("/api/auth/me").status_code == 401
    assert User.objects.count() == 0


def test_nobody_is_signed_in_when_the_answer_is_of_another_browser(
    provider: OpenIDProvider,
) -> None:
    victim = Client()
    back = urlsplit(httpx2.get(leave(Client()), trust_env=False).headers["Location"])
    victim.get(f"{back.path}?{back.query}")
    assert victim.get("/api/auth/me").status_code == 401


def test_person_is_fetched_when_the_id_token_has_no_address(provider: OpenIDProvider) -> None:
    provider.by_userinfo = True
    browser = Client()
    sign_in(browser, provider)
    assert browser.get("/api/auth/me").json()["email"] == "vera@example.com"


def test_page_says_so_when_the_provider_does_not_answer(provider: OpenIDProvider) -> None:
    provider.is_down = True
    page = Client().post(f"{LOGIN}?process=login")
    assert (page.status_code, "The sign-in failed" in page.content.decode()) == (401, True)


def test_account_is_not_taken_over_when_the_address_is_unverified(provider: OpenIDProvider) -> None:
    vera = create_user("vera")
    provider.person["email_verified"] = "true"  # a text is no proof
    browser = Client()
    assert sign_in(browser, provider)["Location"] == "/accounts/login/"
    assert "Acme has not verified that it is yours" in flat(browser.get("/accounts/login/"))
    assert browser.get("/api/auth/me").status_code == 401
    assert (vera.check_password("vera-password"), SocialAccount.objects.count()) == (True, 0)


def test_account_of_staff_is_not_linked_when_somebody_signs_in(provider: OpenIDProvider) -> None:
    create_user("vera", is_staff=True, is_verified=True)
    browser = Client()
    sign_in(browser, provider)
    assert browser.get("/api/auth/me").status_code == 401
    assert SocialAccount.objects.count() == 0


def test_earlier_access_ends_when_the_owner_of_the_address_signs_in(
    provider: OpenIDProvider,
) -> None:
    attacker = create_user("vera")
    attacker_client, browser = signed_in(attacker), Client()
    sign_in(browser, provider)
    assert browser.get("/api/auth/me").json()["id"] == str(attacker.pk)
    assert attacker_client.get("/api/auth/me").status_code == 401


def test_user_is_found_by_the_providers_id_when_the_address_has_changed(
    provider: OpenIDProvider,
) -> None:
    sign_in(Client(), provider)
    other = create_user("walt", is_verified=True)
    provider.person["email"] = other.email
    browser = Client()
    sign_in(browser, provider)
    assert browser.get("/api/auth/me").json()["email"] == "vera@example.com"


def test_same_id_of_google_is_another_person(provider: OpenIDProvider) -> None:
    vera = create_user("vera", is_verified=True)
    SocialAccount.objects.create(user=create_user("walt"), provider="google", uid="1001")
    browser = Client()
    sign_in(browser, provider)
    assert browser.get("/api/auth/me").json()["id"] == str(vera.pk)


def test_scope_and_parameters_are_ours_when_a_link_names_others(provider: OpenIDProvider) -> None:
    page = Client().post(f"{LOGIN}?process=login&auth_params=nonce%3Dx%26prompt%3Dnone&scope=admin")
    found = re.search(r'content="0; url=([^"]+)"', page.content.decode())
    assert found
    query = parse_qs(urlsplit(unescape(found[1])).query)
    assert ("prompt" in query, sorted(query["scope"][0].split()), len(query["nonce"][0])) == (
        False,
        ["email", "openid", "profile"],
        64,
    )


def test_account_is_connected_in_the_settings(provider: OpenIDProvider) -> None:
    walt, browser = create_user("walt"), Client()
    browser.force_login(walt)
    back = urlsplit(httpx2.get(leave(browser, "connect"), trust_env=False).headers["Location"])
    browser.get(f"{back.path}?{back.query}")
    linked = SocialAccount.objects.get()
    assert (linked.user, linked.provider, linked.uid) == (walt, "oidc", "1001")
    assert "Acme:" in flat(browser.get("/accounts/3rdparty/"))


def test_addresses_are_not_found_when_no_provider_is_configured(db: None) -> None:
    assert [Client().post(LOGIN).status_code, Client().get(f"{LOGIN}callback/").status_code] == [
        404,
        404,
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"OIDC_CLIENT_SECRET": ""}, "set all three, or none"),
        ({"OIDC_ISSUER": "http://id.example.com"}, "expected a URL with https://"),
        (
            {"OIDC_ISSUER": "https://id.example.com/.well-known/openid-configuration"},
            "expected the issuer",
        ),
    ],
)
def test_start_is_refused_when_the_settings_are_incomplete(
    tmp_path: Any, changes: dict[str, str], says: str
) -> None:
    given = {"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "a"}
    process = run_in_production(
        tmp_path,
        "import config.settings",
        **{**given, "OIDC_CLIENT_SECRET": "b", **changes},
    )
    assert (process.returncode, says in process.stderr) == (1, True)
