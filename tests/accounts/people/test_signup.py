"""Welcome credits that wait until the e-mail address is confirmed."""

import re

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import identities, signup
from billing.ledger import credits

PASSWORD = "a-long-passphrase"


@pytest.fixture
def after_confirmation(db: None, settings: LazySettings) -> None:
    settings.WELCOME_CREDITS_AFTER_CONFIRMATION = True
    cache.clear()  # an address gets one confirmation e-mail in three minutes


def register_by_page() -> None:
    fields = {"username": "carol", "email": "carol@example.com", "password1": PASSWORD}
    assert Client().post("/accounts/signup/", fields).status_code == 302


def register_by_api() -> None:
    fields = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    assert APIClient().post("/api/auth/register", fields, format="json").status_code == 201


def confirm_address() -> None:
    (path,) = re.findall(r"https?://[^/\s]+(/accounts/confirm-email/\S+)", str(mail.outbox[0].body))
    assert Client().post(path).status_code == 302


@pytest.mark.parametrize("register", [register_by_page, register_by_api])
def test_credits_are_granted_once_when_the_address_is_confirmed(
    after_confirmation: None, register: object
) -> None:
    register()  # type: ignore[operator]
    carol = User.objects.get(username="carol")
    assert credits.available(carol) == 0
    confirm_address()
    signup.mark_as_verified(carol)
    assert credits.available(carol) == 100


def test_no_credits_are_granted_again_when_the_setting_comes_later(
    db: None, settings: LazySettings
) -> None:
    cache.clear()
    register_by_page()
    settings.WELCOME_CREDITS_AFTER_CONFIRMATION, settings.WELCOME_CREDITS = True, 50
    confirm_address()
    assert credits.available(User.objects.get(username="carol")) == 100


def test_credits_are_granted_at_once_when_google_has_verified_the_address(
    after_confirmation: None,
) -> None:
    claims = {"email": "dora@example.com", "name": "Dora", "email_verified": True}
    dora = identities.user_of(identities.parse_identity("google", "Google", "g-1", claims))
    assert credits.available(dora) == 100


def test_page_asks_for_the_confirmation_when_credits_wait(after_confirmation: None) -> None:
    register_by_page()
    client = Client()
    client.force_login(User.objects.get(username="carol"))
    asked = "Confirm your e-mail address to get 100 free credits."
    assert asked in client.get("/library/").content.decode()
    confirm_address()
    assert asked not in client.get("/library/").content.decode()
    assert (
        "100 free credits when you have confirmed"
        in Client().get("/accounts/signup/").content.decode()
    )


def test_page_asks_nothing_when_the_credits_were_granted_before_the_setting(
    db: None, settings: LazySettings
) -> None:
    cache.clear()
    register_by_page()
    settings.WELCOME_CREDITS_AFTER_CONFIRMATION = True
    client = Client()
    client.force_login(User.objects.get(username="carol"))
    assert "Confirm your e-mail address to get" not in client.get("/library/").content.decode()


def test_no_query_is_made_for_welcome_credits_when_they_do_not_wait(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    register_by_page()
    carol = User.objects.get(username="carol")
    with django_assert_num_queries(0):
        assert signup.waits_for_welcome_credits(carol) is False
