"""Signing up with HIDE_REGISTERED_ADDRESSES tells nobody which addresses have accounts."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.core import mail
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.auth.errors import BadCredentials
from accounts.models import ApiKey, Session, User
from config.management.commands import demo
from tests.conftest import create_user

PASSWORD = "tin-lantern-9"
STRANGERS = "brass-candle-4"
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


def reset_password(email: str, settings: LazySettings) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": email})
    shown = client.get(open_link(mail.outbox[-1], settings), follow=True)
    client.post(shown.request["PATH_INFO"], {"password1": NEW, "password2": NEW})


def test_api_answers_the_same_for_every_address(vera: User) -> None:
    addresses = ("vera@example.com", "VERA@example.com", "new@example.com")
    answers = [register(email=address) for address in addresses]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (202, b'{"message":"We sent an e-mail to this address. Open its link, then sign in."}')
    }
    assert [(message.subject, message.to) for message in mail.outbox] == [
        ("You have an account at Firstlight", ["vera@example.com"]),
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
    reset_password("carol@example.com", settings)
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


def test_account_and_its_e_mail_are_stored_together(
    db: None, mail_errors: dict[str, Exception]
) -> None:
    mail_errors["*"] = RuntimeError("the process dies")
    with pytest.raises(RuntimeError):
        register(email="new@example.com")
    assert User.objects.count() == 0


def test_the_last_sign_up_before_the_confirmation_counts(db: None, settings: LazySettings) -> None:
    register(email="ann@example.com", username="mallory", password=STRANGERS, name="Mallory")
    register(email="Ann@example.com", username="ann", name="Ann")
    strangers, hers = [open_link(message, settings) for message in mail.outbox]
    assert Client().post(strangers).status_code == 404
    assert login("ann@example.com").status_code == 401
    assert Client().post(hers).status_code == 302
    signed_in = [
        login(name, password).status_code
        for name in ("ann", "ann@example.com", "mallory")
        for password in (PASSWORD, STRANGERS)
    ]
    assert signed_in == [200, 401, 200, 401, 401, 401]
    (user,) = User.objects.all()
    assert (user.email, user.display_name, user.language) == ("ann@example.com", "Ann", "en")


def test_name_that_was_not_chosen_again_is_the_address(db: None) -> None:
    register(email="ann@example.com", username="mallory", password=STRANGERS, name="Mallory")
    register(email="ann@example.com")
    (user,) = User.objects.all()
    assert (user.username, user.display_name) == ("ann@example.com", "")


def test_sign_up_on_the_page_replaces_one_that_waits(db: None, settings: LazySettings) -> None:
    register(email="ann@example.com", password=STRANGERS)
    form = {"username": "ann", "email": "ann@example.com", "password1": PASSWORD}
    Client().post("/accounts/signup/", form, headers={"Accept-Language": "ja"})
    Client().post(open_link(mail.outbox[-1], settings))
    assert [login("ann", word).status_code for word in (PASSWORD, STRANGERS)] == [200, 401]
    assert User.objects.get().language == "ja"


def test_nobody_gets_in_when_the_address_is_not_confirmed(db: None) -> None:
    register(email="ann@example.com", password=STRANGERS)
    page = Client()
    page.post("/accounts/login/", {"login": "ann@example.com", "password": STRANGERS})
    assert page.get("/studio/").status_code == 302
    assert login("ann@example.com", STRANGERS).status_code == 401
    kinds = (Session, ApiKey, UserSession, SocialAccount)
    assert [kind.objects.count() for kind in kinds] == [0, 0, 0, 0]


def test_sign_up_after_the_confirmation_changes_nothing(db: None, settings: LazySettings) -> None:
    register(email="ann@example.com")
    Client().post(open_link(mail.outbox[-1], settings))
    register(email="ann@example.com", password=STRANGERS, name="Mallory")
    assert [login("ann@example.com", word).status_code for word in (PASSWORD, STRANGERS)] == [
        *(200, 401)
    ]
    assert User.objects.get().display_name == ""


def test_sign_up_changes_no_account_from_before_the_setting(
    settings: LazySettings, db: None
) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = False
    register(email="ann@example.com")
    settings.HIDE_REGISTERED_ADDRESSES = True
    register(email="ann@example.com", password=STRANGERS)
    assert User.objects.get().check_password(PASSWORD)
    assert [message.subject for message in mail.outbox] == ["You have an account at Firstlight"]


def test_demo_user_can_sign_in(db: None) -> None:
    demo.people()
    assert login(demo.USERNAME, demo.PASSWORD).status_code == 200


def test_link_confirms_nothing_when_a_sign_up_comes_between(db: None) -> None:
    register(email="ann@example.com", password=STRANGERS)
    opened = EmailConfirmationHMAC(EmailAddress.objects.get())
    register(email="ann@example.com")
    assert opened.confirm(RequestFactory().post("/")) is None
    assert not User.objects.get().is_verified
    assert list(EmailAddress.objects.values_list("verified", flat=True)) == [False]


@pytest.mark.parametrize("way", ["link", "reset"])
def test_earlier_access_ends_when_the_address_is_confirmed(
    db: None, settings: LazySettings, way: str
) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = False
    token = register(email="ann@example.com", password=STRANGERS).json()["token"]
    user, page = User.objects.get(), Client()
    page.force_login(user)
    _, key = api_keys.issue(user, "a", ["read"])
    SocialAccount.objects.create(user=user, provider="google", uid="7")
    settings.HIDE_REGISTERED_ADDRESSES = True
    if way == "link":
        address = EmailAddress.objects.create(user=user, email=user.email, primary=True)
        Client().post(f"/accounts/confirm-email/{EmailConfirmationHMAC(address).key}/")
    else:
        reset_password("ann@example.com", settings)
    assert User.objects.get().is_verified
    me = APIClient().get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 401
    with pytest.raises(BadCredentials):
        api_keys.find(key, "")
    assert page.get("/studio/").status_code == 302
    assert not SocialAccount.objects.exists()


def test_reset_sets_the_password_of_an_account_that_waits(db: None, settings: LazySettings) -> None:
    register(email="ann@example.com", password=STRANGERS)
    reset_password("ann@example.com", settings)
    assert [login("ann@example.com", word).status_code for word in (NEW, STRANGERS)] == [200, 401]


def test_an_address_gets_five_emails_in_15_minutes(db: None) -> None:
    for _ in range(6):
        register(email="ann@example.com")
    assert len(mail.outbox) == 5
