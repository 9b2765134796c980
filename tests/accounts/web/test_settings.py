"""/settings/: the profile, the sessions and the keyboard shortcuts of a user."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.auth import sessions
from accounts.auth import tokens as auth_tokens
from accounts.models import Session, User

PROFILE = {
    "display_name": "Alice in Chains",
    "username": "alice.b",
    "language": "ja",
    "region": "JP",
}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:150.0) Gecko/20100101 Firefox/150.0"


@pytest.mark.parametrize("path", ["/settings/", "/settings/sessions/", "/accounts/2fa/"])
def test_settings_pages_require_signing_in(db: None, path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")


def test_profile_is_saved_when_the_form_is_valid(page: Client, alice: User) -> None:
    answer = page.post("/settings/", PROFILE)
    assert (answer.status_code, answer["Location"]) == (302, "/settings/")
    alice.refresh_from_db()
    assert {name: getattr(alice, name) for name in PROFILE} == PROFILE


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("username", "ab", "A username has 3 to 50 characters."),
        ("username", "bob", "This name is already in use."),
        ("username", "bob@example.com", "A username may not be an e-mail address."),
        ("language", "xx", "Select a valid choice. xx is not one of the available choices."),
        ("region", "XX", "Select a valid choice. XX is not one of the available choices."),
    ],
)
def test_error_is_shown_beside_the_field_when_it_is_invalid(
    page: Client, alice: User, bob: User, field: str, value: str, words: str
) -> None:
    answer = page.post("/settings/", {**PROFILE, "language": "en", field: value})
    assert (answer.status_code, answer.context["form"].errors) == (422, {field: [words]})
    alice.refresh_from_db()
    assert (alice.username, alice.language) == ("alice", "en")
    assert b'<span class="account__name">alice</span>' in answer.content


def browser_sign_in(user: User, agent: str) -> Client:
    client = Client(headers={"user-agent": agent})
    form = {"login": user.username, "password": f"{user.username}-password"}
    assert client.post("/accounts/login/", form).status_code == 302
    return client


def test_browsers_and_programs_of_the_user_are_listed(alice: User, bob: User) -> None:
    here = browser_sign_in(alice, FIREFOX)
    browser_sign_in(bob, "curl/8")
    auth_tokens.sign_in(alice, Session.Grant.PASSWORD)
    auth_tokens.sign_in(bob, Session.Grant.PASSWORD)
    shown = here.get("/settings/sessions/").context
    assert [name for _row, name in shown["browsers"]] == ["Firefox, Windows"]
    assert [row.user for row in shown["programs"]] == [alice]


def test_another_browser_is_signed_out_when_its_session_is_ended(alice: User) -> None:
    here, there = browser_sign_in(alice, FIREFOX), browser_sign_in(alice, "x")
    row = UserSession.objects.get(user_agent="x")
    here.post("/settings/sessions/end/", {"kind": "browser", "id": row.pk})
    assert (there.get("/settings/").status_code, here.get("/settings/").status_code) == (302, 200)


def test_all_other_sessions_are_signed_out_when_requested(alice: User) -> None:
    here, there = browser_sign_in(alice, FIREFOX), browser_sign_in(alice, "x")
    auth_tokens.sign_in(alice, Session.Grant.PASSWORD)
    here.post("/settings/sessions/end/", {"others": "1"})
    assert (there.get("/settings/").status_code, here.get("/settings/").status_code) == (302, 200)
    assert list(sessions.list_programs(alice)) == []


def test_session_is_not_ended_when_it_belongs_to_another_user(alice: User, bob: User) -> None:
    there = browser_sign_in(bob, "x")
    tokens = auth_tokens.sign_in(bob, Session.Grant.PASSWORD)
    here = browser_sign_in(alice, FIREFOX)
    theirs = UserSession.objects.get(user=bob)
    program = Session.objects.get(user=bob)
    for kind, key in (
        ("browser", theirs.pk),
        ("program", program.pk),
        ("x", "1"),
        ("browser", "é"),
    ):
        answer = here.post("/settings/sessions/end/", {"kind": kind, "id": key}, follow=True)
        assert b"This session has already ended." in answer.content
    assert there.get("/settings/").status_code == 200
    assert auth_tokens.session_of(tokens.access).user == bob


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox, Windows"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/18 Safari/604", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux) Chrome/150 Safari/537 Edg/150", "Edge, Linux"),
        ("curl/8", ""),
    ],
)
def test_browser_name_is_read_from_the_user_agent(agent: str, name: str) -> None:
    assert sessions.describe_browser(agent) == name


def test_keyboard_shortcuts_are_switched_off_and_on(page: Client, alice: User, bob: User) -> None:
    found = []
    for sent in ({}, {"on": "1"}, {"quiet": "1"}):
        code = page.post("/settings/shortcuts/", sent).status_code
        alice.refresh_from_db()
        found.append((code, alice.keyboard_shortcuts))
    assert found == [(302, False), (302, True), (204, False)]
    bob.refresh_from_db()
    assert bob.keyboard_shortcuts is True
    assert Client().post("/settings/shortcuts/")["Location"].startswith("/accounts/login/")
    assert page.get("/settings/shortcuts/").status_code == 405
