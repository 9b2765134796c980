"""Links of users, and who counts as a new friend."""

import json
import zipfile
from importlib import import_module
from io import BytesIO

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import deletion, identities, signup
from billing.models import AccountAddress, FormerAddress, Referral, ReferralLink, ReferralProgram
from billing.referrals import invitations
from tests.billing.payment_events import create_paid_payment
from tests.conftest import create_user, signed_in
from videos.account import data_export

PASSWORD = "tin-lantern-9"


def code_of(user: User) -> str:
    return invitations.invitations_of(user).code


def opened(email: str, code: str) -> User:
    return signup.open_account(email, email, PASSWORD, referral=code)


def register(client: APIClient, email: str, **fields: str) -> int:
    sent = {"email": email, "password": PASSWORD, **fields}
    return int(client.post("/api/auth/register", sent, format="json").status_code)


def _move(user: User, address: str) -> None:
    """Change the address of an account as the page does."""
    EmailAddress.objects.create(user=user, email=address, verified=True).set_as_primary()


def inviters() -> list[tuple[str, str]]:
    rows = Referral.objects.order_by("pk").values_list("friend__email", "inviter__username")
    return list(rows)


def test_api_shows_the_link_and_what_came_of_it(alice: User, api: APIClient) -> None:
    code = api.get("/api/users/referral").json()["code"]
    friends = [opened(f"{name}@example.com", code) for name in ("one", "two")]
    create_paid_payment(friends[0])
    assert api.get("/api/users/referral").json() == {
        "code": code,
        "url": f"http://127.0.0.1:8000/r/{code}/",
        "credits_each": 20,
        "most_per_month": 10,
        "joined": 2,
        "paid": 1,
        "credits_earned": 20,
    }


def test_page_shows_the_link_and_the_counts(alice: User, page: Client) -> None:
    create_paid_payment(opened("one@example.com", code_of(alice)))
    html = page.get("/settings/invite/").content.decode()
    assert f"/r/{code_of(alice)}/</code>" in html
    assert 'data-copy="invite-link"' in html
    assert [html.count("<dd>1</dd>"), html.count("<dd>20</dd>")] == [2, 1]
    assert "/settings/invite/" in page.get("/settings/").content.decode()


def test_sign_up_by_the_link_is_recorded_on_the_page(alice: User, client: Client) -> None:
    answer = client.get(f"/r/{code_of(alice)}/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/signup/")
    assert client.cookies["referral"]["httponly"]
    assert "each of you gets 20 credits" in client.get("/accounts/signup/").content.decode()
    form = {"username": "friend", "email": "friend@example.com", "password1": PASSWORD}
    assert client.post("/accounts/signup/", form).status_code == 302
    assert inviters() == [("friend@example.com", "alice")]


def test_sign_up_with_google_by_the_link_is_recorded(alice: User) -> None:
    identity = identities.Identity(
        "google", "Google", "g1", "friend@example.com", True, "Friend", ""
    )
    identities.user_of(identity, code_of(alice))
    identities.user_of(identity, code_of(alice))
    assert inviters() == [("friend@example.com", "alice")]


@pytest.mark.parametrize("hides", [False, True])
def test_registration_by_api_with_a_code_is_recorded(
    alice: User, anonymous: APIClient, settings: LazySettings, hides: bool
) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = hides
    code = code_of(alice)
    assert register(anonymous, "friend@example.com", referral=code.upper()) == 202 - (not hides)
    assert inviters() == [("friend@example.com", "alice")]
    assert Referral.objects.get().is_confirmed is not hides


def test_owner_of_an_address_replaces_who_signed_up_with_it_before(
    alice: User, anonymous: APIClient, settings: LazySettings
) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = True
    register(anonymous, "friend@example.com", referral=code_of(alice))
    register(anonymous, "friend@example.com")
    assert inviters() == []


def test_registration_by_api_is_422_when_the_code_is_unknown(
    alice: User, anonymous: APIClient, settings: LazySettings
) -> None:
    assert register(anonymous, "friend@example.com", referral="nobody") == 422
    settings.REFERRAL_CREDITS = 0
    assert register(anonymous, "friend@example.com", referral="nobody") == 201
    assert inviters() == []


@pytest.mark.parametrize(
    "address", ["alice@example.com", "Alice+2@example.com"], ids=["same", "same mailbox"]
)
def test_nothing_is_recorded_when_a_user_invites_the_own_address(alice: User, address: str) -> None:
    code = code_of(alice)
    User.objects.filter(pk=alice.pk).update(email="alice+1@example.com")
    opened(address, code)
    assert inviters() == []


def test_address_is_a_new_friend_once_when_it_signs_up_in_many_spellings(alice: User) -> None:
    code = code_of(alice)
    for address in ("a.b@gmail.com", "ab@gmail.com", "ab+x@googlemail.com", "ab@example.com"):
        opened(address, code)
    assert inviters() == [("a.b@gmail.com", "alice"), ("ab@example.com", "alice")]


@pytest.mark.parametrize("then", ["stays", "asks for deletion", "changes its address"])
def test_nothing_is_recorded_when_the_mailbox_has_or_had_an_account(alice: User, then: str) -> None:
    known = opened("bob@example.com", "")
    if then == "asks for deletion":
        deletion.request_deletion(known)
    if then == "changes its address":
        _move(known, "robert@example.com")
    opened("bob+2@example.com", code_of(alice))
    assert inviters() == []


@pytest.mark.parametrize("address", ["alice@example.com", "new+2@example.com"])
def test_nothing_is_recorded_when_inviters_use_an_address_they_have_or_had(
    alice: User, address: str
) -> None:
    _move(alice, "new@example.com")
    opened(address, code_of(alice))
    assert inviters() == []


def test_confirmed_address_of_an_account_is_no_new_friend_and_an_unconfirmed_one_is(
    alice: User, bob: User
) -> None:
    EmailAddress.objects.create(user=bob, email="second@example.com", verified=True)
    EmailAddress.objects.create(user=bob, email="third@example.com", verified=False)
    opened("second+2@example.com", code_of(alice))
    opened("third@example.com", code_of(alice))
    assert inviters() == [("third@example.com", "alice")]


def test_earlier_addresses_are_no_new_friends_when_their_account_is_erased(
    alice: User, bob: User
) -> None:
    code, address = code_of(alice), bob.email
    _move(bob, "robert@example.com")
    deletion.erase(bob)
    opened(address, code)
    opened("robert@example.com", code)
    assert inviters() == []
    assert not AccountAddress.objects.filter(user_id=bob.pk).exists()


def test_addresses_of_accounts_from_before_are_noted_by_the_migration(alice: User) -> None:
    EmailAddress.objects.create(user=alice, email="A.Lice+x@gmail.com", verified=True)
    before = sorted(AccountAddress.objects.values_list("user_id", "fingerprint"))
    AccountAddress.objects.all().delete()
    migration = import_module("billing.migrations.0005_account_addresses")
    migration.note_addresses(apps, None)
    assert sorted(AccountAddress.objects.values_list("user_id", "fingerprint")) == before


def test_nothing_is_recorded_when_an_erased_account_is_opened_again(alice: User, bob: User) -> None:
    code, address = code_of(alice), bob.email
    deletion.erase(bob)
    opened(address, code)
    assert inviters() == []


def test_erased_account_loses_its_link_and_keeps_no_address(alice: User) -> None:
    code, friend = code_of(alice), opened("friend@example.com", code_of(alice))
    deletion.erase(alice)
    deletion.erase(friend)
    assert (ReferralLink.objects.count(), invitations.is_code(code)) == (0, False)
    kept = [*FormerAddress.objects.values(), *Referral.objects.values()]
    assert FormerAddress.objects.count() == 2
    assert "example.com" not in str(kept)


def test_link_of_a_closed_account_leads_to_signing_up_without_a_cookie(
    alice: User, client: Client
) -> None:
    code = code_of(alice)
    deletion.request_deletion(alice)
    assert client.get(f"/r/{code}/")["Location"] == "/accounts/signup/"
    assert "referral" not in client.cookies


@pytest.mark.parametrize("how", ["setting", "staff", "billing"])
def test_link_page_and_call_are_not_found_when_referrals_are_off(
    alice: User, page: Client, settings: LazySettings, how: str
) -> None:
    code = code_of(alice)
    ReferralProgram.objects.update_or_create(pk=1, defaults={"is_active": how != "staff"})
    settings.REFERRAL_CREDITS = 0 if how == "setting" else 20
    settings.BILLING = how != "billing"
    answer = signed_in(alice).get("/api/users/referral")
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "Referrals are switched off.", "code": "referrals_off"},
    )
    assert page.get("/settings/invite/").status_code == 404
    assert "/settings/invite/" not in page.get("/settings/").content.decode()
    opened("friend@example.com", code)
    assert inviters() == []


def test_export_lists_the_referrals_without_the_friends(alice: User) -> None:
    create_paid_payment(opened("friend@example.com", code_of(alice)))
    target = BytesIO()
    data_export.write_zip(alice, target)
    (row,) = json.loads(zipfile.ZipFile(target).read("referrals.json"))
    assert sorted(row) == ["created_at", "inviter_credits", "settled_at"]
    assert row["inviter_credits"] == 20


def test_staff_see_who_invited_whom(alice: User, staff_client: Client) -> None:
    create_paid_payment(opened("friend@example.com", code_of(alice)))
    html = staff_client.get("/admin/billing/referral/").content.decode()
    assert "alice" in html
    assert "friend@example.com" in html
    assert create_user("nobody").username not in html
