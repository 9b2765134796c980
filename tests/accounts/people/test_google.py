"""Linking a Google account to an existing account of the same address."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import api_keys, errors, passwords, tokens
from accounts.models import ApiKey, Session, User
from tests.accounts.conftest import VERA, sign_in_with_code, user_of
from tests.accounts.google_provider import GoogleProvider
from tests.conftest import create_user, signed_in


def status_and_body(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def test_earlier_access_ends_when_google_verifies_the_owner_of_the_address(
    google: GoogleProvider, db: None
) -> None:
    attacker = create_user("vera")
    attacker_client, page, renewal = (
        signed_in(attacker),
        Client(),
        tokens.sign_in(attacker, Session.Grant.PASSWORD).refresh,
    )
    page.force_login(attacker)
    key = APIClient(headers={"X-API-Key": api_keys.issue(attacker, "k", ["read"])[1]})
    assert user_of(sign_in_with_code(google)) == attacker
    assert [c.get("/api/auth/me").status_code for c in (attacker_client, page, key)] == [
        401,
        401,
        401,
    ]
    again = {"refresh_token": renewal}
    assert APIClient().post("/api/auth/refresh", again, format="json").status_code == 401
    with pytest.raises(errors.BadCredentials):
        passwords.check_password(None, "vera", "vera-password")
    now = User.objects.get()
    assert (now.is_verified, now.has_usable_password()) == (True, False)


def test_earlier_links_addresses_and_factors_are_deleted_when_google_verifies_the_owner(
    google: GoogleProvider, db: None
) -> None:
    google.person = {**VERA, "sub": "666", "email_verified": False}
    attacker = user_of(sign_in_with_code(google))
    EmailAddress.objects.create(user=attacker, email="attacker@example.com", verified=True)
    for kind in Authenticator.Type.values:
        Authenticator.objects.create(user=attacker, type=kind, data={})
    google.person = dict(VERA)
    assert user_of(sign_in_with_code(google)) == attacker
    links = list(SocialAccount.objects.values_list("uid", flat=True))
    addresses = list(EmailAddress.objects.values_list("email", "verified"))
    assert (links, addresses) == (["1001"], [("vera@example.com", True)])
    assert Authenticator.objects.count() == 0
    google.person = {**VERA, "sub": "666", "email_verified": False}
    assert sign_in_with_code(google).status_code == 403


@pytest.mark.parametrize("where", ["account", "address"])
def test_account_is_linked_and_unchanged_when_its_address_was_verified(
    google: GoogleProvider, db: None, where: str
) -> None:
    vera = create_user("vera", is_verified=where == "account")
    if where == "address":
        EmailAddress.objects.create(user=vera, email=vera.email, verified=True)
    client = signed_in(vera)
    api_keys.issue(vera, "k", ["read"])
    google.person["email"] = "VERA@example.com"
    assert user_of(sign_in_with_code(google)) == vera
    assert client.get("/api/auth/me").status_code == 200
    assert passwords.check_password(None, "vera", "vera-password") == vera
    assert ApiKey.objects.active().count() == 1


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1, 0])
def test_existing_account_is_not_linked_when_google_has_not_verified_the_address(
    google: GoogleProvider, db: None, verified: object
) -> None:
    vera = create_user("vera")
    google.person["email_verified"] = verified
    answer = sign_in_with_code(google)
    message = "An account with this address exists, and Google has not verified that it is yours."
    assert status_and_body(answer) == (403, {"detail": message, "code": "google_refused"})
    assert passwords.check_password(None, "vera", "vera-password") == vera
    assert SocialAccount.objects.count() == 0


def test_new_account_is_unverified_when_google_has_not_verified_the_address(
    google: GoogleProvider, db: None
) -> None:
    google.person["email_verified"] = False
    user = user_of(sign_in_with_code(google))
    assert (user.email, user.is_verified) == ("vera@example.com", False)
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_account_is_not_linked_when_it_belongs_to_staff(google: GoogleProvider, db: None) -> None:
    create_user("vera", is_staff=True, is_verified=True)
    assert sign_in_with_code(google).status_code == 403
    assert SocialAccount.objects.count() == 0


@pytest.mark.parametrize("verified", [True, False])
def test_nothing_is_linked_while_the_account_is_closed(
    google: GoogleProvider, db: None, verified: bool
) -> None:
    create_user("vera", is_active=False, is_verified=True)
    google.person["email_verified"] = verified
    assert sign_in_with_code(google).status_code == 401
    assert SocialAccount.objects.count() == 0


def test_sign_in_is_refused_when_the_account_is_closed(google: GoogleProvider, db: None) -> None:
    sign_in_with_code(google)
    User.objects.update(is_active=False)
    closed = {"detail": "This account is closed", "code": "bad_credentials"}
    assert status_and_body(sign_in_with_code(google)) == (401, closed)


def test_account_is_neither_linked_nor_changed_when_closed(
    google: GoogleProvider, db: None
) -> None:
    create_user("vera", is_active=False)
    assert sign_in_with_code(google).status_code == 401
    assert User.objects.get().has_usable_password()


@pytest.mark.parametrize("email", ["", "x" * 150 + "@example.com"])
def test_username_is_made_from_the_google_id_when_the_address_is_unusable(
    google: GoogleProvider, db: None, email: str
) -> None:
    google.person["email"] = email
    assert user_of(sign_in_with_code(google)).username == "google-1001"
