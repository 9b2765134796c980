"""A form whose CSRF token is of before a sign-in in another tab."""

import pytest
from django.test import Client

from accounts.models import User

PASSWORD = "alice-password"


def open_form(client: Client, path: str) -> dict[str, str]:
    """The fields of a sign-in form in one tab, with its CSRF token."""
    token = client.get(path).context["csrf_token"]
    return {"login": "alice", "password": PASSWORD, "csrfmiddlewaretoken": str(token)}


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/accounts/login/", "/studio/"),
        ("/accounts/login/?next=/usage/", "/usage/"),
        ("/accounts/login/?next=https://example.com/", "/studio/"),
        ("/accounts/signup/", "/studio/"),
    ],
)
def test_second_tab_leads_on_when_the_first_has_signed_in(
    alice: User, path: str, leads_to: str
) -> None:
    browser = Client(enforce_csrf_checks=True)
    first, second = (open_form(browser, where) for where in ("/accounts/login/", path))
    assert browser.post("/accounts/login/", first)["Location"] == "/studio/"
    answer = browser.post(path, second)
    assert (answer.status_code, answer["Location"]) == (302, leads_to)
    assert "You are already signed in as alice." in browser.get(leads_to).content.decode()


def test_other_forms_are_refused_when_their_token_is_of_before(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = open_form(browser, "/accounts/login/")
    browser.post("/accounts/login/", token)
    assert browser.post("/studio/", {**token, "prompt": "A boat"}).status_code == 403
    assert Client(enforce_csrf_checks=True).post("/accounts/login/", token).status_code == 403
