"""Signing up with HIDE_REGISTERED_ADDRESSES tells nobody which addresses have accounts."""

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import create_user

PASSWORD = "tin-lantern-9"
NEW = "quite-another-passphrase"


@pytest.fixture(autouse=True)
def _hidden(settings: LazySettings) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = True


@pytest.fixture
def vera(db: None) -> User:
    """A user who has confirmed the address."""
    return create_user("vera", is_verified=True)


def register(**body: object) -> Any:
    return APIClient().post("/api/auth/register", {"password": PASSWORD, **body}, format="json")


def login(name: str, password: str = PASSWORD) -> Any:
    body = {"username": name, "password": password}
    return APIClient().post("/api/auth/login", body, format="json")


def sign_up(name: str, email: str) -> Any:
    form = {"username": name, "email": email, "password1": PASSWORD}
    return Client().post("/accounts/signup/", form)


def open_link(message: mail.EmailMessage, settings: LazySettings) -> str:
    (path,) = re.findall(rf"{re.escape(settings.BASE_URL)}(\S+)", str(message.body))
    return str(path)


def test_api_answers_the_same_for_every_address(vera: User) -> None:
    addresses = ("vera@example.com", "VERA@example.com", "new@example.com")
    answers = [register(email=address) for address in addresses]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (202, b'{"message":"We sent an e-mail to this address. Open its link, then sign in."}')
    }
    assert [(message.subject, message.to) for message in mail.outbox] == [
        ("You have an account at Firstlight", ["vera@example.com"]),
        ("Confirm your e-mail address for Firstlight", ["new@example.com"]),
    ]


def test_page_answers_the_same_for_every_address(vera: User) -> None:
    answers = [sign_up("new1", "vera@example.com"), sign_up("new2", "new@example.com")]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, "/accounts/confirm-email/")
    ] * 2
    assert [message.to for message in mail.outbox] == [["vera@example.com"], ["new@example.com"]]
    assert set(User.objects.values_list("username", flat=True)) == {"vera", "new2"}


def test_sign_in_tells_nothing_until_the_address_is_confirmed(
    vera: User, settings: LazySettings
) -> None:
    register(email="vera@example.com")
    register(email="new@example.com")
    refusals = [login("vera@example.com"), login("new@example.com")]
    assert {(answer.status_code, answer.content) for answer in refusals} == {
        (401, refusals[0].content)
    }
    assert Client().post(open_link(mail.outbox[-1], settings)).status_code == 302
    assert login("new@example.com").status_code == 200
    assert login("vera", "vera-password").status_code == 200


def test_password_reset_confirms_the_address(db: None, settings: LazySettings) -> None:
    create_user("carol")  # signed up before the setting was on
    assert login("carol", "carol-password").status_code == 401
    client = Client()
    client.post("/accounts/password/reset/", {"email": "carol@example.com"})
    shown = client.get(open_link(mail.outbox[-1], settings), follow=True)
    client.post(shown.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert login("carol", NEW).status_code == 200


def test_staff_sign_in_without_a_confirmed_address(staff: User) -> None:
    assert login("staff", "staff-password").status_code == 200


def test_chosen_username_that_is_taken_is_refused_for_every_address(vera: User) -> None:
    answers = [register(email=f"{n}@example.com", username="Vera") for n in ("vera", "new")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(400, "taken")}
    assert mail.outbox == []


def test_address_as_username_tells_nothing_on_the_page(vera: User) -> None:
    create_user("dora@example.com", is_verified=True)
    bodies = [
        sign_up(address, address).context["form"].errors.as_json()
        for address in ("dora@example.com", "new@example.com")
    ]
    assert bodies[0] == bodies[1]
    assert "may not be an e-mail address" in bodies[0]


def test_sign_up_answers_when_the_mail_server_is_away(
    db: None, mail_errors: dict[str, Exception]
) -> None:
    mail_errors["*"] = OSError("no mail server")
    assert register(email="new@example.com").status_code == 202
